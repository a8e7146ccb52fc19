#if !defined(_GNU_SOURCE)
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stddef.h>

#include "CProcesses.h"

#if defined(__APPLE__)
#define CLOSES_OTHERS POSIX_SPAWN_CLOEXEC_DEFAULT
#else
#define CLOSES_OTHERS 0
#endif

static int add_stream(posix_spawn_file_actions_t *actions, int descriptor, int stream) {
  if (descriptor < 0)
    return posix_spawn_file_actions_addopen(actions, stream, "/dev/null", O_WRONLY, 0);
  return posix_spawn_file_actions_adddup2(actions, descriptor, stream);
}

static int add_actions(
    posix_spawn_file_actions_t *actions, const char *folder, int output, int errors) {
  int code = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", O_RDONLY, 0);
  if (code == 0) code = add_stream(actions, output, 1);
  if (code == 0) code = add_stream(actions, errors, 2);
  if (code == 0 && folder != NULL) code = posix_spawn_file_actions_addchdir_np(actions, folder);
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 34)
  if (code == 0) code = posix_spawn_file_actions_addclosefrom_np(actions, 3);
#endif
  return code;
}

static int set_attributes(posix_spawnattr_t *attributes) {
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(attributes, &none);
  posix_spawnattr_setsigdefault(attributes, &all);
  posix_spawnattr_setpgroup(attributes, 0);
  return posix_spawnattr_setflags(
      attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP |
                      CLOSES_OTHERS);
}

int cproc_spawn(
    int *process, const char *program, char *const *arguments, char *const *environment,
    const char *folder, int output, int errors) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  int code = posix_spawn_file_actions_init(&actions);
  if (code != 0) return code;
  code = posix_spawnattr_init(&attributes);
  if (code == 0) {
    code = add_actions(&actions, folder, output, errors);
    if (code == 0) code = set_attributes(&attributes);
    pid_t started = 0;
    if (code == 0)
      code = posix_spawn(
          &started, program, &actions, &attributes, arguments,
          environment != NULL ? environment : cproc_environment());
    *process = (int)started;
    posix_spawnattr_destroy(&attributes);
  }
  posix_spawn_file_actions_destroy(&actions);
  return code;
}
