// The windows of a pooling, for the kernels that look for maxima.
#pragma once
#include "ck_platform.h"
#include "ck_pool.h"

/// The part of an output's window that is inside its image.
typedef struct {
  int64_t base;           // of its first pixel
  int64_t rows, columns;
} ck_pool_window;

CK_INLINE ck_pool_window ck_window_of(const ck_pool *s, int64_t b, int64_t i, int64_t j) {
  const int64_t row = i * s->stride - s->top, column = j * s->stride - s->left;
  const int64_t first_row = row < 0 ? 0 : row, first = column < 0 ? 0 : column;
  const int64_t last_row = row + s->window < s->height ? row + s->window : s->height;
  const int64_t last = column + s->window < s->width ? column + s->window : s->width;
  return (ck_pool_window){
    ((b * s->height + first_row) * s->width + first) * s->channels, last_row - first_row,
    last - first,
  };
}

/// Channels are taken so many at a time: their numbers stay in registers.
enum { CK_POOL_COLUMNS = 16 };

/// Runs BODY for c0 = 0, 16, ... < n, with `width` columns from c0 on: constant in all blocks but the
/// last, so that its loops become whole vectors.
#define CK_EACH_COLUMNS(n, BODY) \
  { \
    int64_t c0 = 0; \
    for (; c0 + CK_POOL_COLUMNS <= (n); c0 += CK_POOL_COLUMNS) { \
      const int64_t width = CK_POOL_COLUMNS; \
      BODY \
    } \
    if (c0 < (n)) { \
      const int64_t width = (n) - c0; \
      BODY \
    } \
  }

/// The maxima of a window and their places, for channels c0 ..< c0 + width.
CK_INLINE void ck_window_maxima(
  const ck_pool *s, const ck_pool_window *w, int64_t c0, int64_t width, const float *restrict x,
  float *restrict y, int32_t *restrict index) {
  float best[CK_POOL_COLUMNS] = {0};
  int32_t place[CK_POOL_COLUMNS] = {0};
  for (int64_t k = 0; k < width; k++) {
    best[k] = x[w->base + c0 + k];
    place[k] = (int32_t)(w->base + c0 + k);
  }
  for (int64_t u = 0; u < w->rows; u++)
    for (int64_t v = 0; v < w->columns; v++) {
      const int64_t at = w->base + (u * s->width + v) * s->channels + c0;
      for (int64_t k = 0; k < width; k++) {
        const float value = x[at + k];
        const int larger = (value > best[k]) | (value != value);
        best[k] = larger ? value : best[k];
        place[k] = larger ? (int32_t)(at + k) : place[k];
      }
    }
  for (int64_t k = 0; k < width; k++) {
    y[k] = best[k];
    index[k] = place[k];
  }
}
