// What surrounds the matrix products of a perceptron, in one pass each.
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Functions applied element by element after a layer.
typedef enum {
  CK_ACTIVATION_IDENTITY,
  CK_ACTIVATION_SIGMOID,
  CK_ACTIVATION_RELU,
  CK_ACTIVATION_TANH,
  CK_ACTIVATION_ELU,
  CK_ACTIVATION_SILU,
  CK_ACTIVATION_GELU,
} ck_activation;

/// z[r, i] += bias[i], y[r, i] = f(z[r, i]) for z and y of [rows, n]; y may be z, whose sums are then
/// lost. The bits of ck_binary_rows_f32 followed by ck_unary_f32.
void ck_bias_activation_f32(
  ck_activation f, int64_t rows, int64_t n, const float *bias, float *z, float *y);

/// dz[i] = dy[i] f'(z[i]), where v is f(z) up to ELU, whose slopes follow from it, and z from SiLU on.
void ck_activation_gradient_f32(
  ck_activation f, int64_t n, const float *v, const float *dy, float *dz);

/// dx[r, i] = (softmax(x[r, :])[i] - (i == labels[r])) scale for x and dx of [rows, n]: the gradient of
/// the mean cross-entropy for scale = 1 / rows. The bits of ck_softmax_f32, a subtraction and a product.
void ck_cross_entropy_gradient_f32(
  int64_t rows, int64_t n, const float *x, const int32_t *labels, float scale, float *dx);

#ifdef __cplusplus
}
#endif
