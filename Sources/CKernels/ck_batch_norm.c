#include "ck_batch_norm.h"
#include "ck_platform.h"
#include <math.h>

#pragma clang fp contract(fast)

// Columns are taken a few at a time and rows in blocks, so that partial sums stay in registers and
// rounding errors small: a float32 sum over all rows would lose digits with their number.
enum { COLUMNS = 16, BLOCK = 64 };

#define EACH_BLOCK_OF_COLUMNS \
  for (int64_t c0 = 0; c0 < n; c0 += COLUMNS) { \
    const int64_t width = n - c0 < COLUMNS ? n - c0 : COLUMNS;

/// sums[k] = sum over rows of FIRST, and squares[k] of SECOND, at x[r * n + c0 + k].
#define SUM_TWO(first, second) \
  double sums[COLUMNS] = {0}, squares[COLUMNS] = {0}; \
  for (int64_t r0 = 0; r0 < rows; r0 += BLOCK) { \
    const int64_t r1 = r0 + BLOCK < rows ? r0 + BLOCK : rows; \
    float a[COLUMNS] = {0}, b[COLUMNS] = {0}; \
    if (width == COLUMNS) { \
      for (int64_t r = r0; r < r1; r++) \
        for (int64_t k = 0; k < COLUMNS; k++) { \
          const int64_t at = r * n + c0 + k; \
          a[k] += (first); \
          b[k] += (second); \
        } \
    } else { \
      for (int64_t r = r0; r < r1; r++) \
        for (int64_t k = 0; k < width; k++) { \
          const int64_t at = r * n + c0 + k; \
          a[k] += (first); \
          b[k] += (second); \
        } \
    } \
    for (int64_t k = 0; k < width; k++) { \
      sums[k] += a[k]; \
      squares[k] += b[k]; \
    } \
  }

CK_CLONES void ck_batch_statistics_f32(
  int64_t rows, int64_t n, const float *x, float epsilon, float *mean, float *inverse) {
  EACH_BLOCK_OF_COLUMNS
    // Distances from the first row: the variance is then no difference of large numbers.
    float origin[COLUMNS] = {0};
    for (int64_t k = 0; k < width; k++) origin[k] = x[c0 + k];
    SUM_TWO(x[at] - origin[k], (x[at] - origin[k]) * (x[at] - origin[k]))
    for (int64_t k = 0; k < width; k++) {
      const double distance = sums[k] / (double)rows;
      const double variance = squares[k] / (double)rows - distance * distance;
      mean[c0 + k] = (float)(origin[k] + distance);
      inverse[c0 + k] = (float)(1 / sqrt((variance > 0 ? variance : variance * 0) + epsilon));
    }
  }
}

CK_CLONES void ck_batch_norm_f32(
  int64_t rows, int64_t n, const float *x, const float *mean, const float *inverse,
  const float *offset, float *y) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t c = 0; c < n; c++)
      y[r * n + c] = (x[r * n + c] - mean[c]) * inverse[c] + offset[c];
}

CK_CLONES void ck_batch_norm_gradient_f32(
  int64_t rows, int64_t n, const float *dy, const float *x, const float *mean,
  const float *inverse, float *dx) {
  EACH_BLOCK_OF_COLUMNS
    float center[COLUMNS] = {0};
    for (int64_t k = 0; k < width; k++) center[k] = mean[c0 + k];
    SUM_TWO(dy[at], dy[at] * (x[at] - center[k]))
    float scale[COLUMNS], shift[COLUMNS], slope[COLUMNS];
    for (int64_t k = 0; k < width; k++) {
      const float r = inverse[c0 + k];
      scale[k] = r;
      shift[k] = (float)(sums[k] / (double)rows) * r;
      slope[k] = (float)(squares[k] / (double)rows * r * r) * r;
    }
    for (int64_t r = 0; r < rows; r++)
      for (int64_t k = 0; k < width; k++) {
        const int64_t at = r * n + c0 + k;
        dx[at] = dy[at] * scale[k] - shift[k] - (x[at] - center[k]) * slope[k];
      }
  }
}
