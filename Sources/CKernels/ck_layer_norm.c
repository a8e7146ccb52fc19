#include "ck_layer_norm.h"

#include <math.h>

#include "ck_platform.h"

enum { LANES = 16 };

// The sum of EXPRESSION over i < n in sixteen lanes of double precision.
#define SUM(EXPRESSION) \
  ({ \
    double lane[LANES] = {0}, total = 0; \
    int64_t start = 0; \
    for (; start + LANES <= n; start += LANES) \
      for (int l = 0; l < LANES; l++) { \
        const int64_t i = start + l; \
        lane[l] += (EXPRESSION); \
      } \
    for (int64_t i = start; i < n; i++) total += (EXPRESSION); \
    for (int l = 0; l < LANES; l++) total += lane[l]; \
    total; \
  })

CK_CLONES void ck_layer_norm_f32(
  int64_t rows, int64_t n, const float *x, float epsilon, float *z, float *inverse) {
  for (int64_t r = 0; r < rows; r++, x += n, z += n) {
    const float mean = (float)(SUM((double)x[i]) / (double)n);
    const double variance = SUM((double)(x[i] - mean) * (double)(x[i] - mean)) / (double)n;
    const float scale = (float)(1 / sqrt(variance + epsilon));
    for (int64_t i = 0; i < n; i++) z[i] = (x[i] - mean) * scale;
    inverse[r] = scale;
  }
}

CK_CLONES void ck_layer_norm_gradient_f32(
  int64_t rows, int64_t n, const float *dz, const float *z, const float *inverse, float *dx) {
  for (int64_t r = 0; r < rows; r++, dz += n, z += n, dx += n) {
    const float a = (float)(SUM((double)dz[i]) / (double)n);
    const float b = (float)(SUM((double)dz[i] * (double)z[i]) / (double)n);
    for (int64_t i = 0; i < n; i++) dx[i] = inverse[r] * (dz[i] - a - z[i] * b);
  }
}
