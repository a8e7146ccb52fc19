// The public functions of the perceptrons' engine: the known rules, and the choice of the kernels.

#include "ck_mlp_rule.h"

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "ck_mlp_rule_private.h"

// MARK: - The known rules

static void set_decays(double *decays) {
  decays[0] = 0.9;
  decays[1] = 0.99;
  decays[2] = 0.999;
}

/// What Celo2, Celo and AdafacMLPLOpt share.
static void make_factored(ck_mlp_rule *rule, double rms_decay, float epsilon, int32_t width) {
  memset(rule, 0, sizeof *rule);
  rule->momentum_count = rule->factored_count = 3;
  rule->rms_count = 1;
  set_decays(rule->momentum_decays);
  set_decays(rule->factored_decays);
  rule->rms_decay = rms_decay;
  rule->rms_epsilon = epsilon;
  rule->layer_count = 2;
  rule->widths[0] = rule->widths[1] = width;
  rule->gradient_limit = INFINITY;
  rule->normalization_epsilon = 1e-5f;
  rule->exp_mult = rule->step_mult = 0.001f;
}

void ck_mlp_rule_make_celo2(ck_mlp_rule *rule, int32_t orthogonalizes) {
  make_factored(rule, 0.95, 1e-8f, 8);
  rule->group_count = CK_MLP_RULE_GROUPS;
  for (int32_t i = 0; i < CK_MLP_RULE_GROUPS; i++) rule->groups[i] = i;
  rule->vectors_stop_at_row = 1;
  rule->normalizes_last_two = 1;
  rule->gradient_limit = 1000;
  rule->normalization_epsilon = 1e-9f;
  rule->outputs = 3;
  rule->head = CK_MLP_RULE_DIRECT;
  rule->orthogonalizes = orthogonalizes;
  rule->normalizes_step = 1;
}

void ck_mlp_rule_make_celo(ck_mlp_rule *rule) {
  make_factored(rule, 0.999, 1e-6f, 4);
  rule->group_count = CK_MLP_RULE_GROUPS;
  for (int32_t i = 0; i < CK_MLP_RULE_GROUPS; i++) rule->groups[i] = i;
  rule->gradient_limit = 1000;
  rule->outputs = 3;
  rule->head = CK_MLP_RULE_EXP_OF_RMS;
}

void ck_mlp_rule_make_adafac_mlp_lopt(ck_mlp_rule *rule) {
  static const int32_t groups[] = {
      CK_MLP_RULE_G, CK_MLP_RULE_P, CK_MLP_RULE_M, CK_MLP_RULE_V, CK_MLP_RULE_M_S, CK_MLP_RULE_S,
      CK_MLP_RULE_FACTORED_G, CK_MLP_RULE_ROW, CK_MLP_RULE_COLUMN, CK_MLP_RULE_RSQRT_ROW,
      CK_MLP_RULE_RSQRT_COLUMN, CK_MLP_RULE_FACTORED_M,
  };
  make_factored(rule, 0.999, 1e-6f, 4);
  rule->group_count = sizeof groups / sizeof groups[0];
  memcpy(rule->groups, groups, sizeof groups);
  rule->vector_epsilon = 1e-6f;
  rule->has_time = 1;
  rule->outputs = 2;
  rule->head = CK_MLP_RULE_EXP;
}

void ck_mlp_rule_make_mlp_lopt(ck_mlp_rule *rule) {
  static const double decays[] = {0.1, 0.5, 0.9, 0.99, 0.999, 0.9999};
  memset(rule, 0, sizeof *rule);
  rule->momentum_count = 6;
  memcpy(rule->momentum_decays, decays, sizeof decays);
  rule->group_count = 3;
  rule->groups[0] = CK_MLP_RULE_G;
  rule->groups[1] = CK_MLP_RULE_P;
  rule->groups[2] = CK_MLP_RULE_M;
  rule->has_time = 1;
  rule->gradient_limit = INFINITY;
  rule->normalization_epsilon = 1e-5f;
  rule->layer_count = 2;
  rule->widths[0] = rule->widths[1] = 32;
  rule->outputs = 2;
  rule->head = CK_MLP_RULE_EXP;
  rule->exp_mult = rule->step_mult = 0.001f;
}

void ck_mlp_rule_time_features(int64_t step, float *times) {
  static const double taus[CK_MLP_RULE_TIMES] = {
      1, 3, 10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000,
  };
  for (int i = 0; i < CK_MLP_RULE_TIMES; i++) times[i] = (float)tanh((double)step / taus[i] - 1);
}

// MARK: - Sizes

int64_t ck_mlp_rule_state_floats(const ck_mlp_rule *rule, int32_t rank, const int64_t *dims) {
  ck_mr_plan plan;
  ck_mr_make_plan(rule, rank, dims, &plan);
  return plan.state_floats;
}

void ck_mlp_rule_state_offsets(
    const ck_mlp_rule *rule, int32_t rank, const int64_t *dims, int64_t offsets[5]
) {
  ck_mr_plan plan;
  ck_mr_make_plan(rule, rank, dims, &plan);
  offsets[0] = plan.m;
  offsets[1] = plan.v;
  offsets[2] = plan.u;
  offsets[3] = plan.column.offset;
  offsets[4] = plan.state_floats;
}

int64_t ck_mlp_rule_scratch_floats(
    const ck_mlp_rule *rule, int32_t rank, const int64_t *dims
) {
  ck_mr_plan plan;
  ck_mr_make_plan(rule, rank, dims, &plan);
  return plan.scratch_floats;
}

// MARK: - Steps

static void run(
    const ck_mlp_rule *rule, const ck_mlp_rule_call *call, const float *weights, int32_t rank,
    const int64_t *dims, const float *gradient, float *p, float *state, float *update,
    float *scratch
) {
  ck_mr_plan plan;
  ck_mr_make_plan(rule, rank, dims, &plan);
  if (plan.n == 0) return;
  ck_mr_kernel kernel = ck_mr_step_baseline;
#if defined(__x86_64__)
  switch (ck_isa_in_use()) {
    case CK_ISA_AVX512:
      kernel = ck_mr_step_avx512;
      break;
    case CK_ISA_AVX2:
      kernel = ck_mr_step_avx2;
      break;
    default:
      break;
  }
#endif
  kernel(rule, call, &plan, weights, gradient, p, state, update, scratch);
}

void ck_mlp_rule_step(
    const ck_mlp_rule *rule, const ck_mlp_rule_call *call, const float *weights, int32_t rank,
    const int64_t *dims, const float *gradient, const float *p, float *state, float *update,
    float *scratch
) {
  run(rule, call, weights, rank, dims, gradient, (float *)p, state, update, scratch);
}

void ck_mlp_rule_apply(
    const ck_mlp_rule *rule, const ck_mlp_rule_call *call, const float *weights, int32_t rank,
    const int64_t *dims, const float *gradient, float *p, float *state, float *scratch
) {
  run(rule, call, weights, rank, dims, gradient, p, state, NULL, scratch);
}
