// Memory of large arrays that is kept for the next one.
//
// The system gives large allocations fresh pages every time, each cleared and mapped at the first
// touch: for arrays of some megabytes that are written once and read a few times that takes longer
// than the work on them. So freed blocks are kept, up to a limit, and given out again.
#pragma once
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Blocks from this size on are worth it.
enum { CK_STORAGE_LARGE = 32 * 1024 };

/// Memory for `bytes` bytes, aligned to 64; its contents are undefined. From any thread. Ends the
/// program if there is none.
void *ck_storage_allocate(size_t bytes);

/// Gives back memory that was allocated for the same number of bytes. From any thread.
void ck_storage_free(void *block, size_t bytes);

#ifdef __cplusplus
}
#endif
