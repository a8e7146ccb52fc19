// Batch normalization: every column of a matrix less its mean, over its standard deviation.
//
// Arrays are [rows, n] float32, row-major; statistics are [n]. Sums are of blocks of rows in float32,
// added in double precision, in a fixed order.
#pragma once
#include <stdint.h>

#include "ck_pool.h"

#ifdef __cplusplus
extern "C" {
#endif

/// mean[c] and inverse[c] = 1 / sqrt(variance[c] + epsilon) of the columns of x, with the biased
/// variance, the mean of squared distances from the mean. At least one row.
void ck_batch_statistics_f32(
  int64_t rows, int64_t n, const float *x, float epsilon, float *mean, float *inverse);

/// y[r, c] = (x[r, c] - mean[c]) inverse[c] + offset[c].
void ck_batch_norm_f32(
  int64_t rows, int64_t n, const float *x, const float *mean, const float *inverse,
  const float *offset, float *y);

/// dx[r, c] = inverse[c] (dy - mean of dy - z mean of (dy z)), z = (x - mean) inverse: the gradient
/// of the sum of y dy in x, through the statistics too.
void ck_batch_norm_gradient_f32(
  int64_t rows, int64_t n, const float *dy, const float *x, const float *mean,
  const float *inverse, float *dx);

/// z = max(0, (m - mean) inverse + offset) for the maxima m of the windows of x, and their places:
/// x normalized, rectified and pooled, as the three keep the order of numbers. x has shape->channels
/// columns.
void ck_norm_pool_f32(
  const ck_pool *shape, const float *x, const float *mean, const float *inverse,
  const float *offset, float *z, int32_t *index);

/// dx, the gradient of the sum of z dz in x, for z and index as above.
void ck_norm_pool_gradient_f32(
  const ck_pool *shape, const float *dz, const float *x, const float *mean, const float *inverse,
  const float *offset, const float *z, const int32_t *index, float *dx);

#ifdef __cplusplus
}
#endif
