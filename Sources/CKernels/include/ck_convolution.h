// Two-dimensional convolution (cross-correlation, as neural networks mean it) and its gradients.
//
//   x  [batch, height, width, channels]             float32, row-major: channels innermost
//   w  [window_height, window_width, channels, filters]
//   y  [batch, out_height, out_width, filters]
//
//   y[b, i, j, f] = sum over u, v, c of x[b, i stride + u - top, j stride + v - left, c] w[u, v, c, f]
//
// where x counts as 0 outside its image. Each output is a sum over taps in row-major order, the same
// bits with every instruction set that fuses multiply-adds, and wherever the arrays lie in memory.
// Naive twin: `NaiveTensor.convolution2D` of the tests.
#pragma once
#include <stdint.h>

#include "ck_isa.h"

#ifdef __cplusplus
extern "C" {
#endif

/// The extents of a convolution; all at least 1, batch at least 0.
typedef struct {
  int64_t batch, height, width, channels;
  int64_t window_height, window_width, filters;
  int64_t stride;
  int64_t top, left;  // zeros above and left of an image
  int64_t out_height, out_width;
} ck_convolution;

/// The floats of scratch memory that each of the three products needs.
int64_t ck_convolution_scratch_floats(const ck_convolution *shape);

/// y from x and w, plus bias[f] in each filter's outputs unless it is NULL:
/// 2 batch out_height out_width window_height window_width channels filters FLOP.
/// scratch is aligned to 64 bytes; the other arrays need not be.
void ck_convolution_f32(
  const ck_convolution *shape, const float *x, const float *w, const float *bias, float *y,
  float *scratch);

/// dx, the gradient of the sum of y dy in x.
void ck_convolution_input_gradient_f32(
  const ck_convolution *shape, const float *dy, const float *w, float *dx, float *scratch);

/// dw, the gradient of the sum of y dy in w.
void ck_convolution_filter_gradient_f32(
  const ck_convolution *shape, const float *x, const float *dy, float *dw, float *scratch);

/// Makes all calls use one instruction set; no effect if the machine can't run it. For tests.
void ck_convolution_force_isa(int isa);

/// The instruction set in use, never CK_ISA_AUTOMATIC.
int ck_convolution_isa(void);

#ifdef __cplusplus
}
#endif
