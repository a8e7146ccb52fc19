// Activation functions and their slopes as branch-free float32 expressions, to be inlined in loops.
//
// Not a public header: ck_elementwise.c maps arrays with them, ck_dense.c fuses them with what comes
// before. Slopes round every operation by itself, so that both give the same bits.
#pragma once
#include "ck_math.h"

// exp(x) - 1 = 2^n (exp(r) - 1) + (2^n - 1), x = n ln 2 + r as in ck_exp1: no cancellation near 0.
CK_INLINE float ck_expm1_1(float x) {
  x = x > 89.0f ? 89.0f : x;
  x = x < -105.0f ? -105.0f : x;
  const float magic = 12582912.0f;
  float n = (x * 1.44269504088896341f + magic) - magic;
  float r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r;
  int32_t whole = (int32_t)(x == x ? n : 0.0f);
  // 2^128 is no float: half of it is scaled, and doubled at the end.
  float half = ck_power_of_two((whole < -125 ? -125 : whole) - 1);
  return 2.0f * (p * half + (half - 0.5f));
}

CK_INLINE float ck_softplus1(float x) {
  float tail = log1pf(ck_exp1(-fabsf(x)));
  return (x > 0 ? x : (x == x ? 0.0f : x)) + tail;
}

// x sigmoid(x). The factor's bound only matters where the sigmoid is 0, and -inf 0 is NaN.
CK_INLINE float ck_silu1(float x) { return (x < -100.0f ? -100.0f : x) * ck_sigmoid1(x); }

// s + x s (1 - s) with s = sigmoid(x). 1 - s as exp(-x) s: a difference would lose its digits where s
// is near 1.
CK_INLINE float ck_silu_slope1(float x) {
#pragma clang fp contract(off)
  float c = x < -88.0f ? -88.0f : x;
  c = c > 88.0f ? 88.0f : c;
  float power = ck_exp1(-c);
  float s = 1.0f / (1.0f + power);
  float slope = s + c * (power * s) * s;
  return x < -88.0f ? 0.0f : slope;
}

// GELU in its tanh form: x (1 + tanh u) / 2 = x sigmoid(2 u), u = sqrt(2 / pi) (x + 0.044715 x^3).
// Beyond 11 it is x or 0 in float32.
CK_INLINE float ck_gelu1(float x) {
  float c = x < -11.0f ? -11.0f : x;
  float d = c > 11.0f ? 11.0f : c;
  return c * ck_sigmoid1(d * (1.59576912160573f + 0.0713548162726f * d * d));
}

// The same with s = sigmoid(v), v = 2 u, and v' as one more factor.
CK_INLINE float ck_gelu_slope1(float x) {
#pragma clang fp contract(off)
  float c = x < -10.0f ? -10.0f : x;
  c = c > 10.0f ? 10.0f : c;
  float square = c * c;
  float power = ck_exp1(-c * (1.59576912160573f + 0.0713548162726f * square));
  float s = 1.0f / (1.0f + power);
  float slope = s + c * (power * s) * s * (1.59576912160573f + 0.2140644488178f * square);
  return x < -10.0f ? 0.0f : slope;
}

CK_INLINE float ck_elu1(float x) { return x > 0 ? x : ck_expm1_1(x); }

CK_INLINE float ck_elu_slope1(float x) { return x > 0 ? 1.0f : ck_exp1(x); }
