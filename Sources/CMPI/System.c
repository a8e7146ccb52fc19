// What waiting and placement need of the operating system and Swift can't import portably: the
// affinity mask is a set of macros in glibc.
#if defined(__linux__)
#define _GNU_SOURCE
#include <sched.h>
#else
#include <sched.h>
#endif
#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "CMPI.h"

int CMPI_Online_cpus(int *count) {
  long online = sysconf(_SC_NPROCESSORS_ONLN);
  *count = online > 0 ? (int)online : 1;
  return online > 0 ? 0 : errno;
}

int CMPI_Affinity(uint64_t *mask, int words) {
  for (int i = 0; i < words; i++) mask[i] = 0;
#if defined(__linux__)
  cpu_set_t *set = CPU_ALLOC((size_t)words * 64);
  if (set == NULL) return ENOMEM;
  size_t size = CPU_ALLOC_SIZE((size_t)words * 64);
  int code = sched_getaffinity(0, size, set) == 0 ? 0 : errno;
  if (code == 0)
    for (int cpu = 0; cpu < words * 64; cpu++)
      if (CPU_ISSET_S((size_t)cpu, size, set)) mask[cpu / 64] |= UINT64_C(1) << (cpu % 64);
  CPU_FREE(set);
  return code;
#else
  int count = 1;
  int code = CMPI_Online_cpus(&count);
  for (int cpu = 0; cpu < count && cpu < words * 64; cpu++)
    mask[cpu / 64] |= UINT64_C(1) << (cpu % 64);
  return code;
#endif
}

int CMPI_Yield(void) { return sched_yield() == 0 ? 0 : errno; }

int CMPI_Sleep(unsigned int microseconds) {
  unsigned int bounded = microseconds < 1000000u ? microseconds : 999999u;
  struct timespec time = {0, (long)bounded * 1000};
  return nanosleep(&time, NULL) == 0 ? 0 : errno;
}

int CMPI_Clock(uint64_t *nanoseconds) {
  struct timespec time;
  if (clock_gettime(CLOCK_MONOTONIC, &time) != 0) return errno;
  *nanoseconds = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
  return 0;
}

int CMPI_Hostname(char *text) { return gethostname(text, CMPI_TEXT_CAPACITY) == 0 ? 0 : errno; }
