// Two-dimensional convolution (cross-correlation, as neural networks mean it) and its gradients.
//
//   x  [batch, height, width, channels]             float32, row-major: channels innermost
//   w  [window_height, window_width, channels, filters]
//   y  [batch, out_height, out_width, filters]
//
//   y[b, i, j, f] = sum over u, v, c of x[b, i stride + u - top, j stride + v - left, c] w[u, v, c, f]
//
// where x counts as 0 outside its image. Naive twin: `NaiveTensor.convolution2D` of the tests.
#pragma once
#include <stdint.h>

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

/// y from x and w: 2 batch out_height out_width window_height window_width channels filters FLOP.
void ck_convolution_f32(const ck_convolution *shape, const float *x, const float *w, float *y);

/// dx, the gradient of the sum of y dy in x.
void ck_convolution_input_gradient_f32(
  const ck_convolution *shape, const float *dy, const float *w, float *dx);

/// dw, the gradient of the sum of y dy in w.
void ck_convolution_filter_gradient_f32(
  const ck_convolution *shape, const float *x, const float *dy, float *dw);

#ifdef __cplusplus
}
#endif
