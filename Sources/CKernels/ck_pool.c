#include "ck_pool.h"
#include "ck_platform.h"
#include <string.h>

/// The maxima of one window over all channels; rows and columns are those inside the image.
CK_INLINE void pool_window(
  const ck_pool *s, const float *x, int64_t base, int64_t rows, int64_t columns, float *y,
  int32_t *index) {
  const int64_t n = s->channels;
  for (int64_t c = 0; c < n; c++) {
    y[c] = x[base + c];
    index[c] = (int32_t)(base + c);
  }
  for (int64_t u = 0; u < rows; u++)
    for (int64_t v = 0; v < columns; v++) {
      const int64_t at = base + (u * s->width + v) * n;
      for (int64_t c = 0; c < n; c++) {
        const float value = x[at + c], best = y[c];
        const int larger = (value > best) | (value != value);
        y[c] = larger ? value : best;
        index[c] = larger ? (int32_t)(at + c) : index[c];
      }
    }
}

CK_CLONES void ck_max_pool_f32(const ck_pool *s, const float *x, float *y, int32_t *index) {
  for (int64_t b = 0; b < s->batch; b++)
    for (int64_t i = 0; i < s->out_height; i++) {
      const int64_t row = i * s->stride - s->top;
      const int64_t first_row = row < 0 ? 0 : row;
      const int64_t last_row = row + s->window < s->height ? row + s->window : s->height;
      for (int64_t j = 0; j < s->out_width; j++) {
        const int64_t column = j * s->stride - s->left;
        const int64_t first = column < 0 ? 0 : column;
        const int64_t last = column + s->window < s->width ? column + s->window : s->width;
        const int64_t o = ((b * s->out_height + i) * s->out_width + j) * s->channels;
        pool_window(
          s, x, ((b * s->height + first_row) * s->width + first) * s->channels,
          last_row - first_row, last - first, y + o, index + o);
      }
    }
}

CK_CLONES void ck_gather_f32(int64_t n, const float *x, const int32_t *index, float *y) {
  for (int64_t i = 0; i < n; i++) y[i] = x[index[i]];
}

void ck_scatter_add_f32(int64_t n, const float *x, const int32_t *index, int64_t m, float *y) {
  memset(y, 0, (size_t)m * sizeof *y);
  for (int64_t i = 0; i < n; i++) y[index[i]] += x[i];
}
