#include "ck_adam.h"

#include <math.h>
#include <string.h>

#include "ck_platform.h"

#pragma clang fp contract(off)

static float correction(double beta, int64_t step) {
  return 1.0f / (1.0f - (float)pow((double)(float)beta, (double)(step + 1)));
}

void ck_adam_make(
    ck_adam *adam, float learning_rate, double beta1, double beta2, float epsilon, int64_t step,
    int32_t corrects
) {
  *adam = (ck_adam){
      learning_rate, (float)beta1, (float)(1 - beta1), (float)beta2, (float)(1 - beta2),
      corrects ? correction(beta1, step) : 1.0f, corrects ? correction(beta2, step) : 1.0f,
      epsilon, !corrects, 0,
  };
}

// sqrtf sets errno, which keeps its loops from becoming vectors.
CK_INLINE float root_of(float x) { return __builtin_elementwise_sqrt(x); }

// One loop for all cases: `inside`, `decays` and `applies` are constants where it is used. Copies of
// the numbers, as the compiler can't know that no array holds them.
CK_INLINE int run(
    const int inside, const int decays, const int applies, const ck_adam *adam, int64_t n,
    const float *restrict g, const float *p, float *restrict m, float *restrict v, float *out
) {
  const ck_adam a = *adam;
  const float factor = -a.learning_rate;
  // Of the results' bits without the sign, as in ck_all_finite_f32.
  int32_t largest = 0;
  for (int64_t i = 0; i < n; i++) {
    const float x = m[i] * a.beta1 + g[i] * a.rate1;
    const float y = v[i] * a.beta2 + g[i] * g[i] * a.rate2;
    m[i] = x;
    v[i] = y;
    const float first = x * a.correction1, second = y * a.correction2;
    const float root = inside ? root_of(second + a.epsilon) : root_of(second) + a.epsilon;
    float update = first * factor / root;
    if (decays) update = update - p[i] * a.weight_decay;
    const float result = applies ? p[i] + update : update;
    out[i] = result;
    if (applies) {
      int32_t bits;
      memcpy(&bits, &result, 4);
      bits &= 0x7fffffff;
      largest = bits > largest ? bits : largest;
    }
  }
  return largest < 0x7f800000;
}

#define CHOOSE(applies, p, out) \
  (adam->epsilon_is_inside \
      ? adam->weight_decay != 0 ? run(1, 1, applies, adam, n, gradient, p, m, v, out) \
                                : run(1, 0, applies, adam, n, gradient, p, m, v, out) \
  : adam->weight_decay != 0     ? run(0, 1, applies, adam, n, gradient, p, m, v, out) \
                                : run(0, 0, applies, adam, n, gradient, p, m, v, out))

CK_CLONES void ck_adam_step(
    const ck_adam *adam, int64_t n, const float *gradient, const float *p, float *m, float *v,
    float *update
) {
  (void)CHOOSE(0, p, update);
}

CK_CLONES int ck_adam_apply(
    const ck_adam *adam, int64_t n, const float *gradient, float *p, float *m, float *v
) {
  return CHOOSE(1, p, p);
}
