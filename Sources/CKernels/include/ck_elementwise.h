// Element-wise maps and reductions over contiguous float32 arrays.
//
// Every array holds `n` (or the stated product of) floats and needs only 4-byte alignment. Inputs
// and outputs may be the same array, else they must not overlap. Nothing allocates.
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum {
  CK_NEGATE,
  CK_EXP,
  CK_LOG,
  CK_SQRT,
  CK_SQUARE,
  CK_ABS,
  CK_SIGN,        // -1, 0 or 1; NaN stays NaN
  CK_SIGMOID,
  CK_TANH,
  CK_RELU,        // max(x, 0)
  CK_STEP,        // 1 where x > 0, else 0
  CK_RECIPROCAL,
  CK_SIN,
  CK_COS,
  CK_SOFTPLUS,    // log(1 + exp(x))
  CK_SILU,        // x sigmoid(x)
  CK_SILU_SLOPE,
  CK_GELU,        // x sigmoid(2 sqrt(2 / pi) (x + 0.044715 x^3)): the tanh form
  CK_GELU_SLOPE,
  CK_ELU,         // x, but exp(x) - 1 below 0
  CK_ELU_SLOPE,   // 1, but exp(x) from 0 down
} ck_unary_op;

typedef enum {
  CK_ADD,
  CK_SUBTRACT,
  CK_MULTIPLY,
  CK_DIVIDE,
  CK_DIVIDE_OR_ZERO,  // a / b, but 0 where both are 0
} ck_binary_op;

/// y[i] = op(x[i]).
void ck_unary_f32(ck_unary_op op, int64_t n, const float *x, float *y);
/// y[i] = op(a[i], b[i]).
void ck_binary_f32(ck_binary_op op, int64_t n, const float *a, const float *b, float *y);
/// y[i] = op(a[i], b).
void ck_binary_scalar_f32(ck_binary_op op, int64_t n, const float *a, float b, float *y);
/// y[i] = op(a, b[i]).
void ck_scalar_binary_f32(ck_binary_op op, int64_t n, float a, const float *b, float *y);
/// y[r, i] = op(a[r, i], b[i]) for a and y of [rows, n].
void ck_binary_rows_f32(
  ck_binary_op op, int64_t rows, int64_t n, const float *a, const float *b, float *y);
/// y[i] = x[i] * scale + offset.
void ck_affine_f32(int64_t n, const float *x, float scale, float offset, float *y);
/// y[i] = min(max(x[i], low), high); NaN stays NaN.
void ck_clamp_f32(int64_t n, const float *x, float low, float high, float *y);
/// y[i] = 1 where low <= x[i] <= high, else 0.
void ck_inside_f32(int64_t n, const float *x, float low, float high, float *y);
/// The sum of x, accumulated in double precision in a fixed order.
double ck_sum_f32(int64_t n, const float *x);
/// The sum of a[i] * b[i], accumulated in double precision in a fixed order.
double ck_dot_f32(int64_t n, const float *a, const float *b);
/// y[i] = sum over r of x[r, i] for x of [rows, n]; blocks of 256 rows are added in double precision.
void ck_sum_rows_f32(int64_t rows, int64_t n, const float *x, float *y);
/// y[r] = sum over i of x[r, i] for x of [rows, n].
void ck_sum_columns_f32(int64_t rows, int64_t n, const float *x, float *y);
/// 1 when every x[i] is finite, else 0.
int ck_all_finite_f32(int64_t n, const float *x);

/// y[r, :] = softmax(x[r, :]) for x and y of [rows, n]; the row's maximum is subtracted first.
void ck_softmax_f32(int64_t rows, int64_t n, const float *x, float *y);
/// y[r, :] = softmax of the first r mod n + 1 numbers of x[r, :], then zeros, for x and y of [rows, n]:
/// matrices of scores of which row i sees what is not after i.
void ck_causal_softmax_f32(int64_t rows, int64_t n, const float *x, float *y);
/// The mean over rows of -log softmax(x[r, :])[labels[r]], for logits x of [rows, n].
float ck_cross_entropy_f32(int64_t rows, int64_t n, const float *x, const int32_t *labels);

/// c[b] = op(a[b]) op(b[b]) for `batch` small row-major products of [m, k] and [k, n]; the strides
/// are floats between consecutive matrices, `transpose_*` says that a is stored [k, m] or b [n, k].
void ck_batched_product_f32(
  int64_t batch, int64_t m, int64_t n, int64_t k, const float *a, int64_t a_stride,
  int transpose_a, const float *b, int64_t b_stride, int transpose_b, float *c);

#ifdef __cplusplus
}
#endif
