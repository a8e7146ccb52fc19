// What the products' kernels share with those who choose among them.

#ifndef CK_SMALL_PRODUCT_PRIVATE_H
#define CK_SMALL_PRODUCT_PRIVATE_H

#include <stdint.h>

/// Columns of a panel at most, rows of a block of b, and b's size from which panels are copied.
enum { CK_SP_MAX_PANEL = 32, CK_SP_DEPTH = 256, CK_SP_COPY = 4096 };

/// One instruction set's kernels: see ck_small_product.h and ck_newton_schulz.h.
typedef struct {
  void (*product)(
      int64_t m, int64_t n, int64_t k, const float *a, int transpose_a, const float *b,
      int transpose_b, int accumulates, float *c, float *scratch);
  void (*newton_schulz)(int64_t rows, int64_t columns, float *x, float *scratch);
} ck_sp_kernels;

extern const ck_sp_kernels ck_sp_kernels_baseline;
#if defined(__x86_64__)
extern const ck_sp_kernels ck_sp_kernels_avx2, ck_sp_kernels_avx512;
#endif

static inline int64_t ck_sp_pitch(int64_t columns) {
  return (columns + 15) & ~(int64_t)15;
}

#endif
