// One thread for OpenBLAS, from the start: see README.md.

#include "CAllocation.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#if defined(__linux__) && defined(__GLIBC__)

// Variables by which OpenBLAS is told.
static const char *const names[] = {
    "OPENBLAS_NUM_THREADS=", "GOTO_NUM_THREADS=", "OMP_NUM_THREADS="};
enum { most_variables = 4096 };

static int is_told(const char *variable) {
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (strncmp(variable, names[i], strlen(names[i])) == 0) return 1;
  }
  return 0;
}

// Runs before the libraries' own start: nothing of the C library that needs one is ready.
static void start_with_one_thread(int count, char **arguments, char **environment) {
  (void)count;
  static char *variables[most_variables + 2];
  static char one[] = "OPENBLAS_NUM_THREADS=1";
  static char path[4096];
  int length = 0;
  for (; environment[length] != NULL; length++) {
    if (length == most_variables || is_told(environment[length])) return;
    variables[length] = environment[length];
  }
  variables[length] = one;
  // By its own name where it still has one, which is what tools show.
  ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
  if (size > 0 && size < (ssize_t)sizeof path - 1) execve(path, arguments, variables);
  // Each returns only when it fails, and then all goes on as well as it can.
  execve("/proc/self/exe", arguments, variables);
}

__attribute__((section(".preinit_array"), used)) static void (*const start)(
    int, char **, char **) = start_with_one_thread;

#endif
