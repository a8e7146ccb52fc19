// Layer normalization: every row of a matrix less its mean, over its standard deviation.
//
// Arrays are [rows, n] float32, row-major; inverse is [rows]. Sums are in double precision in a fixed
// order.
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// z[r, i] = (x[r, i] - mean[r]) inverse[r], inverse[r] = 1 / sqrt(variance[r] + epsilon), with the
/// biased variance.
void ck_layer_norm_f32(
  int64_t rows, int64_t n, const float *x, float epsilon, float *z, float *inverse);

/// dx[r, i] = inverse[r] (dz - mean of dz - z mean of (dz z)), the means over the row: the gradient of
/// the sum of z dz in x, through the statistics too.
void ck_layer_norm_gradient_f32(
  int64_t rows, int64_t n, const float *dz, const float *z, const float *inverse, float *dx);

#ifdef __cplusplus
}
#endif
