#include "ck_convolution.h"
#include "ck_platform.h"
#include <string.h>

#pragma clang fp contract(fast)

// The taps u of a window at output i that fall inside an extent: first ..< last.
#define TAPS(i, before, window, extent, first, last) \
  const int64_t first = (i) * s->stride < (before) ? (before) - (i) * s->stride : 0; \
  const int64_t last = (i) * s->stride - (before) + (window) > (extent) \
    ? (extent) + (before) - (i) * s->stride : (window)

#define EACH_OUTPUT \
  for (int64_t b = 0; b < s->batch; b++) \
    for (int64_t i = 0; i < s->out_height; i++) { \
      TAPS(i, s->top, s->window_height, s->height, u0, u1); \
      for (int64_t j = 0; j < s->out_width; j++) { \
        TAPS(j, s->left, s->window_width, s->width, v0, v1); \
        const int64_t o = ((b * s->out_height + i) * s->out_width + j) * s->filters; \
        for (int64_t u = u0; u < u1; u++) \
          for (int64_t v = v0; v < v1; v++) \
            for (int64_t c = 0; c < s->channels; c++) { \
              const int64_t p = \
                ((b * s->height + i * s->stride + u - s->top) * s->width + j * s->stride + v \
                  - s->left) * s->channels + c; \
              const int64_t q = ((u * s->window_width + v) * s->channels + c) * s->filters;

#define END_EACH_OUTPUT \
            } \
      } \
    }

CK_CLONES void ck_convolution_f32(
  const ck_convolution *s, const float *x, const float *w, float *y) {
  memset(y, 0, (size_t)(s->batch * s->out_height * s->out_width * s->filters) * sizeof *y);
  EACH_OUTPUT
    for (int64_t f = 0; f < s->filters; f++) y[o + f] += x[p] * w[q + f];
  END_EACH_OUTPUT
}

CK_CLONES void ck_convolution_input_gradient_f32(
  const ck_convolution *s, const float *dy, const float *w, float *dx) {
  memset(dx, 0, (size_t)(s->batch * s->height * s->width * s->channels) * sizeof *dx);
  EACH_OUTPUT
    float sum = 0;
    for (int64_t f = 0; f < s->filters; f++) sum += dy[o + f] * w[q + f];
    dx[p] += sum;
  END_EACH_OUTPUT
}

CK_CLONES void ck_convolution_filter_gradient_f32(
  const ck_convolution *s, const float *x, const float *dy, float *dw) {
  memset(
    dw, 0,
    (size_t)(s->window_height * s->window_width * s->channels * s->filters) * sizeof *dw);
  EACH_OUTPUT
    for (int64_t f = 0; f < s->filters; f++) dw[q + f] += x[p] * dy[o + f];
  END_EACH_OUTPUT
}
