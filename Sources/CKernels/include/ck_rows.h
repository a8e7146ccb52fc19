// Moves of whole rows: looking up a table's rows, and the adjoint of that.
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// y[i, :] = x[index[i], :] for i < count; x has rows of n floats.
void ck_gather_rows_f32(
  int64_t count, int64_t n, const float *x, const int32_t *index, float *y);

/// y[index[i], :] += x[i, :] for i < count, in order, on zeros: y holds m rows of n floats.
void ck_scatter_rows_f32(
  int64_t count, int64_t n, const float *x, const int32_t *index, int64_t m, float *y);

/// Batches of matrices with their middle axes exchanged:
/// y [outer, b, a, inner] = x [outer, a, b, inner].
void ck_exchange_axes_f32(
  int64_t outer, int64_t a, int64_t b, int64_t inner, const float *x, float *y);

#ifdef __cplusplus
}
#endif
