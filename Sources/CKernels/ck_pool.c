#include "ck_pool.h"
#include "ck_pool_private.h"
#include <string.h>

CK_INLINE void max_pool(
  const ck_pool *s, int64_t c0, int64_t width, const float *x, float *y, int32_t *index) {
  for (int64_t b = 0; b < s->batch; b++)
    for (int64_t i = 0; i < s->out_height; i++)
      for (int64_t j = 0; j < s->out_width; j++) {
        const ck_pool_window window = ck_window_of(s, b, i, j);
        const int64_t o = ((b * s->out_height + i) * s->out_width + j) * s->channels + c0;
        ck_window_maxima(s, &window, c0, width, x, y + o, index + o);
      }
}

CK_CLONES void ck_max_pool_f32(const ck_pool *s, const float *x, float *y, int32_t *index) {
  CK_EACH_COLUMNS(s->channels, max_pool(s, c0, width, x, y, index);)
}

CK_CLONES void ck_gather_f32(int64_t n, const float *x, const int32_t *index, float *y) {
  for (int64_t i = 0; i < n; i++) y[i] = x[index[i]];
}

void ck_scatter_add_f32(int64_t n, const float *x, const int32_t *index, int64_t m, float *y) {
  memset(y, 0, (size_t)m * sizeof *y);
  for (int64_t i = 0; i < n; i++) y[index[i]] += x[i];
}
