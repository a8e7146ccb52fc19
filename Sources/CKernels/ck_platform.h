// How the kernels of this target are compiled for several instruction sets in one portable binary.
#pragma once

// One copy of a function for each x86-64 level, picked when the program is loaded. Clang does not
// vectorise at -O0, so speed shows in release builds only. What picks runs before the thread sanitizer
// does, which it is made to call.
#if defined(__clang__)
#define CK_WATCHES_THREADS __has_feature(thread_sanitizer)
#else
#define CK_WATCHES_THREADS 0
#endif
#if defined(__x86_64__) && defined(__linux__) && defined(__clang__) && !CK_WATCHES_THREADS
#define CK_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define CK_CLONES
#endif

#define CK_INLINE static inline __attribute__((always_inline))
