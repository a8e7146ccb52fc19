#include "ck_cross_entropy.h"

#include "ck_math.h"

// Rows along the lanes, as there are few columns: a block of rows is turned, and turned back at the end.
enum { ROWS = 16, COLUMNS = 64 };

// Loops over a block's rows are to become vectors, not the loops over columns around them: those would
// gather.
#define EACH_COLUMN(first) \
  _Pragma("clang loop vectorize(disable)") for (int64_t i = first; i < n; i++)
#define EACH_ROW _Pragma("clang loop vectorize(enable)") for (int r = 0; r < ROWS; r++)

/// Turns a block of `count` rows to [n][ROWS]. Absent rows repeat the last one.
CK_INLINE void turn_in(int64_t count, int64_t n, const float *x, float *restrict turned) {
  _Pragma("clang loop vectorize(disable)") for (int64_t r = 0; r < ROWS; r++) {
    const float *row = x + (r < count ? r : count - 1) * n;
    EACH_COLUMN(0) turned[i * ROWS + r] = row[i];
  }
}

/// A block of rows with few columns. Returns the sum of its losses.
CK_INLINE double narrow_block(
    int64_t count, int64_t n, const float *x, const int32_t *labels, float scale, float *dx
) {
  float turned[COLUMNS * ROWS], largest[ROWS], total[ROWS];
  turn_in(count, n, x, turned);
  EACH_ROW largest[r] = turned[r];
  EACH_COLUMN(1) {
    const float *column = turned + i * ROWS;
    EACH_ROW largest[r] = column[r] > largest[r] ? column[r] : largest[r];
  }
  // The difference first: a large offset of all logits must not round the logarithm away.
  double loss = 0, product = 1;
  for (int64_t r = 0; r < count; r++) {
    loss += (double)(largest[r] - turned[labels[r] * ROWS + r]);
  }
  EACH_ROW total[r] = 0;
  EACH_COLUMN(0) {
    float *column = turned + i * ROWS;
    EACH_ROW {
      column[r] = ck_exp1(column[r] - largest[r]);
      total[r] += column[r];
    }
  }
  // Totals are between 1 and n: one logarithm serves the block.
  for (int64_t r = 0; r < count; r++) product *= (double)total[r];
  EACH_ROW total[r] = scale / total[r];
  EACH_COLUMN(0) {
    float *column = turned + i * ROWS;
    EACH_ROW column[r] *= total[r];
  }
  for (int64_t r = 0; r < count; r++) {
    turned[labels[r] * ROWS + r] -= scale;
    EACH_COLUMN(0) dx[r * n + i] = turned[i * ROWS + r];
  }
  return loss + log(product);
}

CK_INLINE double wide_row(int64_t n, const float *x, int32_t label, float scale, float *dx) {
  float largest = x[0], total = 0;
  for (int64_t i = 1; i < n; i++) largest = x[i] > largest ? x[i] : largest;
  const double loss = (double)(largest - x[label]);
  for (int64_t i = 0; i < n; i++) dx[i] = ck_exp1(x[i] - largest);
  for (int64_t i = 0; i < n; i++) total += dx[i];
  const float factor = scale / total;
  for (int64_t i = 0; i < n; i++) dx[i] *= factor;
  dx[label] -= scale;
  return loss + log((double)total);
}

CK_CLONES float ck_cross_entropy_and_gradient_f32(
    int64_t rows, int64_t n, const float *x, const int32_t *labels, float scale, float *dx
) {
  const float each = scale / (float)rows;
  double loss = 0;
  if (n <= COLUMNS) {
    for (int64_t r = 0; r < rows; r += ROWS) {
      const int64_t count = rows - r < ROWS ? rows - r : ROWS;
      loss += narrow_block(count, n, x + r * n, labels + r, each, dx + r * n);
    }
  } else {
    for (int64_t r = 0; r < rows; r++) {
      loss += wide_row(n, x + r * n, labels[r], each, dx + r * n);
    }
  }
  return (float)(loss / (double)rows);
}
