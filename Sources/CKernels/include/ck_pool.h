// Max pooling of images with channels innermost, and the moves of numbers that its derivatives are.
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The extents of a pooling; all at least 1, batch at least 0, and no window wholly outside.
typedef struct {
  int64_t batch, height, width, channels;
  int64_t window, stride;
  int64_t top, left;  // padding above and left of an image, which is never the maximum
  int64_t out_height, out_width;
} ck_pool;

/// y [batch, out_height, out_width, channels] = the maxima of the windows of
/// x [batch, height, width, channels]; index, of y's shape, is the place of each in x. Of equal
/// numbers the first in row-major order counts, a NaN counts as largest.
void ck_max_pool_f32(const ck_pool *shape, const float *x, float *y, int32_t *index);

/// y[i] = x[index[i]] for i < n.
void ck_gather_f32(int64_t n, const float *x, const int32_t *index, float *y);

/// y[index[i]] += x[i] for i < n, in order, on zeros: y holds m floats.
void ck_scatter_add_f32(int64_t n, const float *x, const int32_t *index, int64_t m, float *y);

#ifdef __cplusplus
}
#endif
