#include "ck_dense.h"
#include "ck_activations.h"
#include "ck_elementwise.h"

#pragma clang fp contract(fast)

// In place, or with sums and results in arrays of their own.
#define ACTIVATE(name, expression) \
  case name: \
    for (int64_t r = 0; r < rows; r++) { \
      float *restrict sum = z + r * n; \
      if (y == z) { \
        for (int64_t i = 0; i < n; i++) { \
          const float v = sum[i] + bias[i]; \
          sum[i] = (expression); \
        } \
      } else { \
        float *restrict out = y + r * n; \
        for (int64_t i = 0; i < n; i++) { \
          const float v = sum[i] + bias[i]; \
          sum[i] = v; \
          out[i] = (expression); \
        } \
      } \
    } \
    break;

CK_CLONES void ck_bias_activation_f32(
  ck_activation f, int64_t rows, int64_t n, const float *restrict bias, float *z, float *y) {
  switch (f) {
    ACTIVATE(CK_ACTIVATION_IDENTITY, v)
    ACTIVATE(CK_ACTIVATION_SIGMOID, ck_sigmoid1(v))
    ACTIVATE(CK_ACTIVATION_RELU, v > 0 ? v : (v == v ? 0.0f : v))
    ACTIVATE(CK_ACTIVATION_TANH, ck_tanh1(v))
    ACTIVATE(CK_ACTIVATION_ELU, ck_elu1(v))
    ACTIVATE(CK_ACTIVATION_SILU, ck_silu1(v))
    ACTIVATE(CK_ACTIVATION_GELU, ck_gelu1(v))
  }
}

#define PULL(name, slope) \
  case name: \
    for (int64_t i = 0; i < n; i++) { \
      const float w = v[i]; \
      dz[i] = dy[i] * (slope); \
    } \
    break;

CK_CLONES void ck_activation_gradient_f32(
  ck_activation f, int64_t n, const float *v, const float *dy, float *dz) {
// As when each operation is a loop of its own.
#pragma clang fp contract(off)
  switch (f) {
    PULL(CK_ACTIVATION_IDENTITY, 1.0f)
    PULL(CK_ACTIVATION_SIGMOID, w - w * w)
    PULL(CK_ACTIVATION_RELU, w > 0 ? 1.0f : 0.0f)
    PULL(CK_ACTIVATION_TANH, 1.0f - w * w)
    PULL(CK_ACTIVATION_ELU, w > 0 ? 1.0f : w + 1.0f)
    PULL(CK_ACTIVATION_SILU, ck_silu_slope1(w))
    PULL(CK_ACTIVATION_GELU, ck_gelu_slope1(w))
  }
}

void ck_cross_entropy_gradient_f32(
  int64_t rows, int64_t n, const float *x, const int32_t *labels, float scale, float *dx) {
  ck_softmax_f32(rows, n, x, dx);
  for (int64_t r = 0; r < rows; r++) dx[r * n + labels[r]] -= 1.0f;
  ck_binary_scalar_f32(CK_MULTIPLY, rows * n, dx, scale, dx);
}
