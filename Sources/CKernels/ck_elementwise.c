#include "ck_elementwise.h"
#include "ck_activations.h"
#include "ck_math.h"

#pragma clang fp contract(fast)

// MARK: - Maps

// An array that is read is the one that is written or has nothing in common with it: element i depends
// on elements i alone. Unsaid, a compiler's check for overlap would take work in place for the bad case.
#define EACH _Pragma("clang loop vectorize(assume_safety)")

#define MAP(op, expression) \
  case op: \
    EACH for (int64_t i = 0; i < n; i++) { float v = x[i]; y[i] = (expression); } \
    break;

// Of functions that the library has.
#define CALL(op, expression) \
  case op: \
    for (int64_t i = 0; i < n; i++) { float v = x[i]; y[i] = (expression); } \
    break;

CK_CLONES void ck_unary_f32(ck_unary_op op, int64_t n, const float *x, float *y) {
  switch (op) {
    MAP(CK_NEGATE, -v)
    MAP(CK_EXP, ck_exp1(v))
    CALL(CK_LOG, logf(v))
    CALL(CK_SQRT, sqrtf(v))
    MAP(CK_SQUARE, v * v)
    MAP(CK_ABS, fabsf(v))
    MAP(CK_SIGN, v > 0 ? 1.0f : (v < 0 ? -1.0f : v))
    MAP(CK_SIGMOID, ck_sigmoid1(v))
    MAP(CK_TANH, ck_tanh1(v))
    MAP(CK_RELU, v > 0 ? v : (v == v ? 0.0f : v))
    MAP(CK_STEP, v > 0 ? 1.0f : 0.0f)
    MAP(CK_RECIPROCAL, 1.0f / v)
    CALL(CK_SIN, sinf(v))
    CALL(CK_COS, cosf(v))
    CALL(CK_SOFTPLUS, ck_softplus1(v))
    MAP(CK_SILU, ck_silu1(v))
    MAP(CK_SILU_SLOPE, ck_silu_slope1(v))
    MAP(CK_GELU, ck_gelu1(v))
    MAP(CK_GELU_SLOPE, ck_gelu_slope1(v))
    MAP(CK_ELU, ck_elu1(v))
    MAP(CK_ELU_SLOPE, ck_elu_slope1(v))
  }
}

#define COMBINE(A, B) \
  switch (op) { \
  case CK_ADD: EACH for (int64_t i = 0; i < n; i++) y[i] = (A) + (B); break; \
  case CK_SUBTRACT: EACH for (int64_t i = 0; i < n; i++) y[i] = (A) - (B); break; \
  case CK_MULTIPLY: EACH for (int64_t i = 0; i < n; i++) y[i] = (A) * (B); break; \
  case CK_DIVIDE: EACH for (int64_t i = 0; i < n; i++) y[i] = (A) / (B); break; \
  case CK_DIVIDE_OR_ZERO: \
    EACH for (int64_t i = 0; i < n; i++) y[i] = (((A) == 0) & ((B) == 0)) ? 0.0f : (A) / (B); \
    break; \
  }

CK_CLONES void ck_binary_f32(
  ck_binary_op op, int64_t n, const float *a, const float *b, float *y) {
  COMBINE(a[i], b[i])
}

CK_CLONES void ck_binary_scalar_f32(
  ck_binary_op op, int64_t n, const float *a, float b, float *y) {
  COMBINE(a[i], b)
}

CK_CLONES void ck_scalar_binary_f32(
  ck_binary_op op, int64_t n, float a, const float *b, float *y) {
  COMBINE(a, b[i])
}

void ck_binary_rows_f32(
  ck_binary_op op, int64_t rows, int64_t n, const float *a, const float *b, float *y) {
  for (int64_t r = 0; r < rows; r++) ck_binary_f32(op, n, a + r * n, b, y + r * n);
}

CK_CLONES void ck_affine_f32(int64_t n, const float *x, float scale, float offset, float *y) {
  EACH for (int64_t i = 0; i < n; i++) y[i] = x[i] * scale + offset;
}

CK_CLONES void ck_clamp_f32(int64_t n, const float *x, float low, float high, float *y) {
  EACH for (int64_t i = 0; i < n; i++) {
    float v = x[i];
    v = v < low ? low : v;
    y[i] = v > high ? high : v;
  }
}

CK_CLONES void ck_inside_f32(int64_t n, const float *x, float low, float high, float *y) {
  EACH for (int64_t i = 0; i < n; i++) y[i] = ((x[i] >= low) & (x[i] <= high)) ? 1.0f : 0.0f;
}

// MARK: - Reductions

enum { LANES = 16 };

CK_CLONES double ck_sum_f32(int64_t n, const float *x) {
  double lane[LANES] = {0}, total = 0;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++) lane[l] += x[i + l];
  for (; i < n; i++) total += x[i];
  for (int l = 0; l < LANES; l++) total += lane[l];
  return total;
}

CK_CLONES double ck_dot_f32(int64_t n, const float *a, const float *b) {
  double lane[LANES] = {0}, total = 0;
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int l = 0; l < LANES; l++) lane[l] += (double)a[i + l] * b[i + l];
  for (; i < n; i++) total += (double)a[i] * b[i];
  for (int l = 0; l < LANES; l++) total += lane[l];
  return total;
}

// Rows in blocks whose sums are added in double precision: the rounding error of many rows stays that
// of a few. Columns 16 at a time, so that their sums stay in registers.
enum { ROW_BLOCK = 256 };

CK_INLINE void sum_rows(
  int64_t rows, int64_t n, int64_t width, const float *restrict x, float *restrict y) {
  double total[LANES] = {0};
  for (int64_t r0 = 0; r0 < rows; r0 += ROW_BLOCK) {
    const int64_t r1 = r0 + ROW_BLOCK < rows ? r0 + ROW_BLOCK : rows;
    float lane[LANES] = {0};
    for (int64_t r = r0; r < r1; r++)
      for (int64_t l = 0; l < width; l++) lane[l] += x[r * n + l];
    for (int64_t l = 0; l < width; l++) total[l] += lane[l];
  }
  for (int64_t l = 0; l < width; l++) y[l] = (float)total[l];
}

CK_CLONES void ck_sum_rows_f32(int64_t rows, int64_t n, const float *x, float *y) {
  int64_t c = 0;
  for (; c + LANES <= n; c += LANES) sum_rows(rows, n, LANES, x + c, y + c);
  if (c < n) sum_rows(rows, n, n - c, x + c, y + c);
}

void ck_sum_columns_f32(int64_t rows, int64_t n, const float *x, float *y) {
  for (int64_t r = 0; r < rows; r++) y[r] = (float)ck_sum_f32(n, x + r * n);
}

CK_CLONES int ck_all_finite_f32(int64_t n, const float *x) {
  // Of the bits without the sign, infinity's are the largest of a number and less than a NaN's; a
  // largest of integers also keeps the loop free of branches.
  int32_t largest = 0;
  for (int64_t i = 0; i < n; i++) {
    int32_t bits;
    memcpy(&bits, x + i, 4);
    bits &= 0x7fffffff;
    largest = bits > largest ? bits : largest;
  }
  return largest < 0x7f800000;
}

// MARK: - Softmax

CK_INLINE float largest_of(int64_t n, const float *row) {
  float largest = -INFINITY;
  for (int64_t i = 0; i < n; i++) largest = row[i] > largest ? row[i] : largest;
  return largest;
}

CK_INLINE void scale_row(int64_t n, float *row) {
  float total = 0;
  for (int64_t i = 0; i < n; i++) total += row[i];
  float scale = 1.0f / total;
  for (int64_t i = 0; i < n; i++) row[i] *= scale;
}

// Powers of all rows at once: rows of a few classes leave a vector half empty.
CK_CLONES void ck_softmax_f32(int64_t rows, int64_t n, const float *x, float *y) {
  for (int64_t r = 0; r < rows; r++) {
    const float largest = largest_of(n, x + r * n);
    for (int64_t i = 0; i < n; i++) y[r * n + i] = x[r * n + i] - largest;
  }
  for (int64_t i = 0; i < rows * n; i++) y[i] = ck_exp1(y[i]);
  for (int64_t r = 0; r < rows; r++) scale_row(n, y + r * n);
}

CK_CLONES void ck_causal_softmax_f32(int64_t rows, int64_t n, const float *x, float *y) {
  for (int64_t r = 0; r < rows; r++) {
    const int64_t seen = r % n + 1;
    const float largest = largest_of(seen, x + r * n);
    for (int64_t i = 0; i < seen; i++) y[r * n + i] = ck_exp1(x[r * n + i] - largest);
    scale_row(seen, y + r * n);
    for (int64_t i = seen; i < n; i++) y[r * n + i] = 0;
  }
}

CK_CLONES float ck_cross_entropy_f32(
  int64_t rows, int64_t n, const float *x, const int32_t *labels) {
  enum { BLOCK = 1024 };
  float power[BLOCK], total[BLOCK];
  double sum = 0;
  const int64_t most = n >= 1 && n <= BLOCK ? BLOCK / n : 1;
  for (int64_t first = 0; first < rows; first += most) {
    const int64_t count = rows - first < most ? rows - first : most;
    const float *block = x + first * n;
    for (int64_t r = 0; r < count; r++) total[r] = 0;
    if (n <= BLOCK) {  // powers of many rows at once, as in the softmax
      for (int64_t r = 0; r < count; r++) {
        const float largest = largest_of(n, block + r * n);
        for (int64_t i = 0; i < n; i++) power[r * n + i] = block[r * n + i] - largest;
      }
      for (int64_t i = 0; i < count * n; i++) power[i] = ck_exp1(power[i]);
      for (int64_t r = 0; r < count; r++)
        for (int64_t i = 0; i < n; i++) total[r] += power[r * n + i];
    } else {
      const float largest = largest_of(n, block);
      for (int64_t i = 0; i < n; i++) total[0] += ck_exp1(block[i] - largest);
    }
    for (int64_t r = 0; r < count; r++) {
      // The difference first: a large offset of all logits must not round the logarithm away.
      const float *row = block + r * n;
      sum += logf(total[r]) + (largest_of(n, row) - row[labels[first + r]]);
    }
  }
  return (float)(sum / (double)rows);
}

// MARK: - Products of small matrices

CK_CLONES static void product(
  int64_t m, int64_t n, int64_t k, const float *a, int transpose_a, const float *b,
  int transpose_b, float *c) {
  const int64_t row = transpose_a ? 1 : k, column = transpose_a ? m : 1;
  if (n == 1 && transpose_a) {  // c = transposed(a) b, walking a along its rows
    for (int64_t i = 0; i < m; i++) c[i] = 0;
    for (int64_t p = 0; p < k; p++)
      for (int64_t i = 0; i < m; i++) c[i] += a[p * m + i] * b[p];
  } else if (n == 1 || transpose_b) {
    int64_t first = 0;
    // Four rows at a time: each sum is in order, and does not wait for the one before.
    for (; n == 1 && first + 4 <= m; first += 4) {
      const float *x = a + first * row;
      float s0 = 0, s1 = 0, s2 = 0, s3 = 0;
      for (int64_t p = 0; p < k; p++, x += column) {
        s0 += x[0] * b[p];
        s1 += x[row] * b[p];
        s2 += x[2 * row] * b[p];
        s3 += x[3 * row] * b[p];
      }
      c[first] = s0, c[first + 1] = s1, c[first + 2] = s2, c[first + 3] = s3;
    }
    for (int64_t i = first; i < m; i++)
      for (int64_t j = 0; j < n; j++) {
        float sum = 0;
        for (int64_t p = 0; p < k; p++) sum += a[i * row + p * column] * b[j * k + p];
        c[i * n + j] = sum;
      }
  } else {
    for (int64_t i = 0; i < m; i++) {
      for (int64_t j = 0; j < n; j++) c[i * n + j] = 0;
      for (int64_t p = 0; p < k; p++) {
        const float v = a[i * row + p * column];
        for (int64_t j = 0; j < n; j++) c[i * n + j] += v * b[p * n + j];
      }
    }
  }
}

void ck_batched_product_f32(
  int64_t batch, int64_t m, int64_t n, int64_t k, const float *a, int64_t a_stride,
  int transpose_a, const float *b, int64_t b_stride, int transpose_b, float *c) {
  for (int64_t i = 0; i < batch; i++)
    product(m, n, k, a + i * a_stride, transpose_a, b + i * b_stride, transpose_b, c + i * m * n);
}
