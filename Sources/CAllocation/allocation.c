#include "CAllocation.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <unistd.h>

#if defined(__GLIBC__)

// glibc's own functions, under the names that are there for those who replace the others.
extern void *__libc_malloc(size_t bytes);
extern void *__libc_calloc(size_t count, size_t bytes);
extern void *__libc_realloc(void *old, size_t bytes);
extern void *__libc_memalign(size_t alignment, size_t bytes);

// Nothing here may allocate: there is no memory.
_Noreturn static void end_without_memory(size_t bytes) {
  char text[300];
  size_t megabytes = bytes / 1048576 + (bytes % 1048576 != 0);
  int length = snprintf(
      text, sizeof text,
      "l2l: error: there is no memory for %zu MB more; what was saved is whole; raise the limit of "
      "address space (ulimit -v), or take fewer --optimizees, a smaller problem or another machine\n",
      megabytes);
  if (length > 0) {
    ssize_t written = write(STDERR_FILENO, text, (size_t)length);
    (void)written;
  }
  _exit(70);
}

static void *checked(void *memory, size_t bytes) {
  if (memory == NULL && bytes > 0) end_without_memory(bytes);
  return memory;
}

void *malloc(size_t bytes) { return checked(__libc_malloc(bytes), bytes); }

void *calloc(size_t count, size_t bytes) {
  size_t all = 0;
  // A product that is too large is the caller's fault, and told as before.
  if (__builtin_mul_overflow(count, bytes, &all)) return __libc_calloc(count, bytes);
  return checked(__libc_calloc(count, bytes), all);
}

void *realloc(void *old, size_t bytes) { return checked(__libc_realloc(old, bytes), bytes); }

void *memalign(size_t alignment, size_t bytes) {
  return checked(__libc_memalign(alignment, bytes), bytes);
}

void *aligned_alloc(size_t alignment, size_t bytes) { return memalign(alignment, bytes); }

int posix_memalign(void **result, size_t alignment, size_t bytes) {
  if (alignment < sizeof(void *) || (alignment & (alignment - 1)) != 0) return EINVAL;
  *result = memalign(alignment, bytes);
  return 0;
}

#endif
