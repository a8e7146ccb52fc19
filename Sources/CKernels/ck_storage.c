#include "ck_storage.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

// Kept blocks, the last freed last: it is given out first, while it is in the cache. Few enough
// that a search is nothing beside filling a block.
enum { MOST_BLOCKS = 160 };
static const size_t most_bytes = (size_t)128 << 20;

typedef struct {
  void *memory;
  size_t bytes;
} kept_block;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static kept_block kept[MOST_BLOCKS];
static int kept_count;
static size_t kept_bytes;

/// Whole steps of an eighth of the size, so that arrays of nearly the same size share blocks.
static size_t rounded(size_t bytes) {
  size_t step = 4096;
  while (step * 16 <= bytes) step *= 2;
  return (bytes + step - 1) / step * step;
}

static kept_block take(int position) {
  const kept_block block = kept[position];
  kept_count--;
  kept_bytes -= block.bytes;
  memmove(kept + position, kept + position + 1, (size_t)(kept_count - position) * sizeof *kept);
  return block;
}

void *ck_storage_allocate(size_t bytes) {
  bytes = rounded(bytes);
  void *memory = NULL;
  pthread_mutex_lock(&lock);
  for (int position = kept_count - 1; position >= 0 && !memory; position--)
    if (kept[position].bytes == bytes) memory = take(position).memory;
  pthread_mutex_unlock(&lock);
  if (memory) return memory;
  if (posix_memalign(&memory, 64, bytes) == 0) return memory;
  // What is kept may be what is missing.
  pthread_mutex_lock(&lock);
  while (kept_count > 0) free(take(0).memory);
  pthread_mutex_unlock(&lock);
  if (posix_memalign(&memory, 64, bytes) != 0) abort();
  return memory;
}

void ck_storage_free(void *block, size_t bytes) {
  bytes = rounded(bytes);
  void *unwanted[MOST_BLOCKS];
  int count = 0;
  pthread_mutex_lock(&lock);
  // Those not used for the longest time go first.
  while (kept_count > 0 && (kept_count == MOST_BLOCKS || kept_bytes + bytes > most_bytes))
    unwanted[count++] = take(0).memory;
  if (bytes <= most_bytes) {
    kept[kept_count++] = (kept_block){block, bytes};
    kept_bytes += bytes;
    block = NULL;
  }
  pthread_mutex_unlock(&lock);
  while (count > 0) free(unwanted[--count]);
  free(block);
}
