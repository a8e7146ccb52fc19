// Batch normalization, rectification and max pooling in one: a third of the memory traffic.

#include "ck_batch_norm.h"
#include "ck_pool_private.h"

#pragma clang fp contract(fast)

CK_INLINE void norm_pool(
  const ck_pool *s, int64_t c0, int64_t width, const float *restrict x,
  const float *restrict mean, const float *restrict inverse, const float *restrict offset,
  float *restrict z, int32_t *restrict index) {
  for (int64_t b = 0; b < s->batch; b++)
    for (int64_t i = 0; i < s->out_height; i++)
      for (int64_t j = 0; j < s->out_width; j++) {
        const ck_pool_window window = ck_window_of(s, b, i, j);
        const int64_t o = ((b * s->out_height + i) * s->out_width + j) * s->channels + c0;
        float best[CK_POOL_COLUMNS] = {0};
        ck_window_maxima(s, &window, c0, width, x, best, index + o);
        for (int64_t k = 0; k < width; k++) {
          const float y = (best[k] - mean[c0 + k]) * inverse[c0 + k] + offset[c0 + k];
          z[o + k] = y > 0 ? y : (y == y ? 0.0f : y);
        }
      }
}

CK_CLONES void ck_norm_pool_f32(
  const ck_pool *s, const float *x, const float *mean, const float *inverse, const float *offset,
  float *z, int32_t *index) {
  CK_EACH_COLUMNS(s->channels, norm_pool(s, c0, width, x, mean, inverse, offset, z, index);)
}

// MARK: - Gradient

enum { BLOCK = 64 };

/// dx = x slope + base, plus scale times the cotangents that pass the rectifier at the maxima.
typedef struct {
  float base[CK_POOL_COLUMNS], slope[CK_POOL_COLUMNS], scale[CK_POOL_COLUMNS];
} coefficients;

/// From the means over x's rows of the cotangents that pass, and of their products with the
/// normalized x: dx = inverse (passed - its mean - normalized x times the mean product).
CK_INLINE coefficients coefficients_of(
  const ck_pool *s, int64_t c0, int64_t width, const float *restrict dz,
  const float *restrict mean, const float *restrict inverse, const float *restrict offset,
  const float *restrict z) {
  const int64_t n = s->channels, rows = s->batch * s->out_height * s->out_width;
  double sums[CK_POOL_COLUMNS] = {0}, products[CK_POOL_COLUMNS] = {0};
  for (int64_t r0 = 0; r0 < rows; r0 += BLOCK) {
    const int64_t r1 = r0 + BLOCK < rows ? r0 + BLOCK : rows;
    float a[CK_POOL_COLUMNS] = {0}, b[CK_POOL_COLUMNS] = {0};
    for (int64_t r = r0; r < r1; r++)
      for (int64_t k = 0; k < width; k++) {
        const int64_t at = r * n + c0 + k;
        const float passed = z[at] > 0 ? dz[at] : 0.0f;
        a[k] += passed;
        // Where z > 0 it is the normalized x plus the offset.
        b[k] += passed * (z[at] - offset[c0 + k]);
      }
    for (int64_t k = 0; k < width; k++) {
      sums[k] += a[k];
      products[k] += b[k];
    }
  }
  const double count = (double)(s->batch * s->height * s->width);
  coefficients f;
  for (int64_t k = 0; k < width; k++) {
    const float r = inverse[c0 + k];
    f.scale[k] = r;
    f.slope[k] = -(float)(products[k] / count) * r * r;
    f.base[k] = -(float)(sums[k] / count) * r - f.slope[k] * mean[c0 + k];
  }
  return f;
}

/// Every pixel is in one window: a pass over the windows writes each once.
CK_INLINE void write_windows(
  const ck_pool *s, int64_t c0, int64_t width, const coefficients *f, const float *restrict dz,
  const float *restrict x, const float *restrict z, const int32_t *restrict index,
  float *restrict dx) {
  const int64_t n = s->channels;
  for (int64_t b = 0; b < s->batch; b++)
    for (int64_t i = 0; i < s->out_height; i++)
      for (int64_t j = 0; j < s->out_width; j++) {
        const ck_pool_window w = ck_window_of(s, b, i, j);
        const int64_t o = ((b * s->out_height + i) * s->out_width + j) * n + c0;
        float passed[CK_POOL_COLUMNS] = {0};
        for (int64_t k = 0; k < width; k++)
          passed[k] = z[o + k] > 0 ? dz[o + k] * f->scale[k] : 0.0f;
        for (int64_t u = 0; u < w.rows; u++)
          for (int64_t v = 0; v < w.columns; v++) {
            const int64_t at = w.base + (u * s->width + v) * n + c0;
            for (int64_t k = 0; k < width; k++) {
              const float here = index[o + k] == (int32_t)(at + k) ? passed[k] : 0.0f;
              dx[at + k] = x[at + k] * f->slope[k] + f->base[k] + here;
            }
          }
      }
}

/// Windows overlap or leave pixels out: image by image, so that the scattering finds it in the cache.
CK_INLINE void write_pixels(
  const ck_pool *s, int64_t c0, int64_t width, const coefficients *f, const float *restrict dz,
  const float *restrict x, const float *restrict z, const int32_t *restrict index,
  float *restrict dx) {
  const int64_t n = s->channels, pixels = s->height * s->width;
  const int64_t pooled = s->out_height * s->out_width;
  for (int64_t b = 0; b < s->batch; b++) {
    for (int64_t r = b * pixels; r < (b + 1) * pixels; r++)
      for (int64_t k = 0; k < width; k++) {
        const int64_t at = r * n + c0 + k;
        dx[at] = x[at] * f->slope[k] + f->base[k];
      }
    for (int64_t r = b * pooled; r < (b + 1) * pooled; r++)
      for (int64_t k = 0; k < width; k++) {
        const int64_t o = r * n + c0 + k;
        if (z[o] > 0) dx[index[o]] += dz[o] * f->scale[k];
      }
  }
}

CK_CLONES void ck_norm_pool_gradient_f32(
  const ck_pool *s, const float *dz, const float *x, const float *mean, const float *inverse,
  const float *offset, const float *z, const int32_t *index, float *dx) {
  const int tiled = s->stride == s->window && s->out_height * s->stride - s->top >= s->height
    && s->out_width * s->stride - s->left >= s->width;
  CK_EACH_COLUMNS(s->channels, {
    const coefficients f = coefficients_of(s, c0, width, dz, mean, inverse, offset, z);
    if (tiled)
      write_windows(s, c0, width, &f, dz, x, z, index, dx);
    else
      write_pixels(s, c0, width, &f, dz, x, z, index, dx);
  })
}
