// Adam (Kingma and Ba 2014) on whole tensors: two accumulators and the step in one pass.
//
// No allocation, no locks. Every operation is rounded on its own, so that the bits are those of the
// formulas computed tensor by tensor, on every instruction set.

#ifndef CK_ADAM_H
#define CK_ADAM_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The numbers of one step:
///
///   m <- beta1 m + rate1 g
///   v <- beta2 v + rate2 g^2
///   update = -learning_rate (correction1 m) / (sqrt(correction2 v) + epsilon)
///   or, epsilon_is_inside:  -learning_rate (correction1 m) / sqrt(correction2 v + epsilon)
///   then, if weight_decay isn't 0: update - weight_decay p
typedef struct {
  float learning_rate, beta1, rate1, beta2, rate2, correction1, correction2, epsilon;
  int32_t epsilon_is_inside;
  /// Factor of p: the learning rate times the weight decay.
  float weight_decay;
} ck_adam;

/// Fills in a step's numbers, without weight decay: rates 1 - beta rounded once, and, if `corrects`,
/// 1 / (1 - beta^(step + 1)) for a step counted from 0, else corrections of 1 and epsilon inside the
/// root.
void ck_adam_make(
    ck_adam *adam, float learning_rate, double beta1, double beta2, float epsilon, int64_t step,
    int32_t corrects);

/// Advances m and v [n] in place by the gradient [n] and writes what is to be added to p [n] to update
/// [n]. p is read only with weight decay, and may be NULL without.
void ck_adam_step(
    const ck_adam *adam, int64_t n, const float *gradient, const float *p, float *m, float *v,
    float *update);

/// The same, but adds the update to p, to the bits of p + update. Returns whether all of p is finite
/// afterwards.
int ck_adam_apply(
    const ck_adam *adam, int64_t n, const float *gradient, float *p, float *m, float *v);

#ifdef __cplusplus
}
#endif

#endif
