// The public functions of the small products and of Newton and Schulz's iteration.

#include "ck_small_product.h"

#include "ck_isa.h"
#include "ck_newton_schulz.h"
#include "ck_small_product_private.h"

static const ck_sp_kernels *kernels(void) {
#if defined(__x86_64__)
  switch (ck_isa_in_use()) {
    case CK_ISA_AVX512:
      return &ck_sp_kernels_avx512;
    case CK_ISA_AVX2:
      return &ck_sp_kernels_avx2;
    default:
      break;
  }
#endif
  return &ck_sp_kernels_baseline;
}

int64_t ck_small_product_scratch_floats(
    int64_t m, int64_t n, int64_t k, int transpose_a, int transpose_b
) {
  (void)m;
  (void)transpose_a;
  if (!transpose_b && n * k <= CK_SP_COPY) return 0;
  return CK_SP_MAX_PANEL * (k < CK_SP_DEPTH ? k : CK_SP_DEPTH);
}

void ck_small_product(
    int64_t m, int64_t n, int64_t k, const float *a, int transpose_a, const float *b,
    int transpose_b, int accumulates, float *c, float *scratch
) {
  kernels()->product(m, n, k, a, transpose_a, b, transpose_b, accumulates, c, scratch);
}

int64_t ck_newton_schulz_scratch_floats(int64_t rows, int64_t columns) {
  const int64_t longer = rows < columns ? columns : rows;
  const int64_t pitch = ck_sp_pitch(rows < columns ? rows : columns);
  return 2 * longer * pitch + 2 * pitch * pitch + CK_SP_MAX_PANEL * CK_SP_DEPTH;
}

void ck_newton_schulz(int64_t rows, int64_t columns, float *x, float *scratch) {
  kernels()->newton_schulz(rows, columns, x, scratch);
}
