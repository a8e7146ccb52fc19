#include "ck_rows.h"

#include <string.h>

#include "ck_platform.h"

void ck_gather_rows_f32(
  int64_t count, int64_t n, const float *x, const int32_t *index, float *y) {
  for (int64_t i = 0; i < count; i++)
    memcpy(y + i * n, x + index[i] * n, (size_t)n * sizeof(float));
}

CK_CLONES void ck_scatter_rows_f32(
  int64_t count, int64_t n, const float *x, const int32_t *index, int64_t m, float *y) {
  memset(y, 0, (size_t)(m * n) * sizeof(float));
  for (int64_t i = 0; i < count; i++) {
    float *row = y + index[i] * n;
    for (int64_t j = 0; j < n; j++) row[j] += x[i * n + j];
  }
}

void ck_exchange_axes_f32(
  int64_t outer, int64_t a, int64_t b, int64_t inner, const float *x, float *y) {
  for (int64_t o = 0; o < outer; o++, x += a * b * inner, y += a * b * inner)
    for (int64_t j = 0; j < b; j++)
      for (int64_t i = 0; i < a; i++) {
        const float *source = x + (i * b + j) * inner;
        float *target = y + (j * a + i) * inner;
        if (inner == 1) *target = *source;
        else memcpy(target, source, (size_t)inner * sizeof(float));
      }
}
