// Learned optimizers that are a small perceptron over features of each parameter: Celo2 and Celo
// (Moudgil et al. 2025, 2026), MLPLOpt (Metz et al. 2018), AdafacMLPLOpt (Metz et al. 2022). One engine
// serves them all: a description says which accumulators, features and head a rule has.
//
// For one tensor p of rank 0...4 with gradient g (row-major, float32), n values:
//
//   g <- clip(g, +-gradient_limit)
//   m_k <- d m_k + (1 - d) g;  v <- d v + (1 - d) g^2                                      [n] each
//   q = g^2 + 1e-30; d0, d1: the largest and second largest dimension (a stable ascending sort)
//   rank >= 2: r_k <- d r_k + (1 - d) mean over d0 of q                                 [n / size d0]
//              c_k <- d c_k + (1 - d) mean over d1 of q                                 [n / size d1]
//              R = rsqrt(max(r / (mean over d1 of r + 1e-9), 1e-9)), C = rsqrt(max(c, 1e-9))
//   rank < 2:  u_k <- d u_k + (1 - d) q                                                           [n]
//   features f * rsqrt(normalization_epsilon + mean f^2), the mean over the last two axes or all
//   o = perceptron([features, tanh(t / tau - 1) for 11 tau]), ReLU between the layers
//   direction = o_0, or o_0 exp(exp_mult o_1) step_mult, or that times rms(p)
//   optionally orthogonalized (rank >= 2), optionally f * rsqrt(1e-9 + mean f^2), both over the last
//   two axes
//   optionally times ((mean m_0^2 + 1e-30) / (mean v + 1e-30))^(graft / 2), over the last two axes
//   update = -step_size direction - weight_decay p
//
// How it is done: sums of squares in a first pass over the elements, the perceptron in a second, in
// blocks that stay in the first cache. Normalization is folded into the first layer's weights, and
// the part of its sums that only rows or columns decide is made once a row or column.
//
// Rules that hold for every function:
// - No allocation, no locks, no global state other than the choice of instruction set.
// - Results depend on the call's inputs alone, and sums have one fixed order: the same bits
//   whatever thread or rank calls, on one instruction set.
// - Pointers need 4 bytes of alignment; scratch 64. Scratch has no meaning between calls.
// - n may be 0. NaN propagates; infinities and huge values (g^2 overflows above 1.8e19) give what
//   the formulas give in float32.

#ifndef CK_MLP_RULE_H
#define CK_MLP_RULE_H

#include <stdint.h>

#include "ck_isa.h"

#ifdef __cplusplus
extern "C" {
#endif

/// Groups of features, in the order in which the descriptions below mention them: s = rsqrt(v + rms_epsilon).
enum {
  CK_MLP_RULE_G = 0,          // g
  CK_MLP_RULE_CLIPPED_G = 1,  // clip(g, +-0.1)
  CK_MLP_RULE_P = 2,          // p
  CK_MLP_RULE_M = 3,          // m_k
  CK_MLP_RULE_V = 4,          // v
  CK_MLP_RULE_M_S = 5,        // m_k s
  CK_MLP_RULE_S = 6,          // s
  CK_MLP_RULE_FACTORED_G = 7, // g R_k C_k; rank < 2: g rsqrt(u_k + 1e-9)
  CK_MLP_RULE_G_S = 8,        // g s
  CK_MLP_RULE_ROW = 9,        // r_k; rank < 2: u_k
  CK_MLP_RULE_COLUMN = 10,    // c_k; rank < 2: u_k
  CK_MLP_RULE_RSQRT_ROW = 11, // rsqrt(r_k + 1e-8); rank < 2: rsqrt(u_k + 1e-8)
  CK_MLP_RULE_RSQRT_COLUMN = 12,
  CK_MLP_RULE_FACTORED_M = 13, // m_k R_k C_k; rank < 2: m_k rsqrt(u_k + vector_epsilon)
  CK_MLP_RULE_GROUPS = 14,
};

/// What becomes of the perceptron's outputs o.
enum {
  CK_MLP_RULE_DIRECT = 0,       // o_0
  CK_MLP_RULE_EXP = 1,          // o_0 exp(exp_mult o_1) step_mult
  CK_MLP_RULE_EXP_OF_RMS = 2,   // that times sqrt(mean p^2 + 1e-9), the mean over the tensor
};

#define CK_MLP_RULE_MAX_DECAYS 8
#define CK_MLP_RULE_MAX_LAYERS 4
#define CK_MLP_RULE_MAX_WIDTH 64
#define CK_MLP_RULE_TIMES 11

/// A rule: everything but its weights.
typedef struct {
  /// Decays of m (0...8), of v (0 or 1), and of the factored accumulators (0...8).
  int32_t momentum_count, rms_count, factored_count;
  double momentum_decays[CK_MLP_RULE_MAX_DECAYS];
  double rms_decay;
  double factored_decays[CK_MLP_RULE_MAX_DECAYS];
  /// Feature groups in the order of the first layer's weights. M_S, FACTORED_M: as many as m.
  /// S, V, M_S, G_S need v; FACTORED_M needs as many factored decays as decays of m.
  int32_t group_count;
  int32_t groups[CK_MLP_RULE_GROUPS];
  /// 1: for rank < 2 there are no groups from ROW on (and no rows of weights for them: they must be
  /// the last). 0: u takes the place of r and c.
  int32_t vectors_stop_at_row;
  /// 1: 11 features of time after the groups.
  int32_t has_time;
  /// Whether features are normalized over the last two axes (1) or the whole tensor (0).
  int32_t normalizes_last_two;
  /// Limit of g's size; infinity for none.
  float gradient_limit;
  float rms_epsilon, vector_epsilon, normalization_epsilon;
  /// Hidden layers (0...4), their widths (1...64), and the last layer's outputs (1...64, of which
  /// DIRECT uses the first, the others the first two).
  int32_t layer_count;
  int32_t widths[CK_MLP_RULE_MAX_LAYERS];
  int32_t outputs;
  /// One of CK_MLP_RULE_DIRECT, _EXP, _EXP_OF_RMS. The last needs normalizes_last_two = 0.
  int32_t head;
  float exp_mult, step_mult;
  /// Newton-Schulz over the last two axes, for rank >= 2.
  int32_t orthogonalizes;
  /// Normalization of the direction over the last two axes.
  int32_t normalizes_step;
  /// The power of how far gradients agree that the direction goes with; 0: none. Needs m and v. The
  /// caller's step_size makes up for averages that start at 0.
  float graft;
} ck_mlp_rule;

/// What a call has besides the tensor.
typedef struct {
  /// Factor of the direction: the learning rate, or a tensor's own scalar.
  float step_size;
  /// Factor of p: the learning rate times the weight decay.
  float weight_decay;
  /// [11], from ck_mlp_rule_time_features; NULL for rules without.
  const float *times;
} ck_mlp_rule_call;

/// Celo2 (orthogonalizes = 1) or Celo2-base (0) with hidden widths 8, 8: 347 weights.
void ck_mlp_rule_make_celo2(ck_mlp_rule *rule, int32_t orthogonalizes);
/// MLPLOpt with hidden widths 32, 32: 1,762 weights.
void ck_mlp_rule_make_mlp_lopt(ck_mlp_rule *rule);
/// AdafacMLPLOpt with hidden widths 4, 4: 190 weights here (and seven offsets of the decays, which
/// the caller turns into decays).
void ck_mlp_rule_make_adafac_mlp_lopt(ck_mlp_rule *rule);
/// Celo's perceptron, hidden widths 4, 4: 159 weights here; step_size is the tensor's scalar.
void ck_mlp_rule_make_celo(ck_mlp_rule *rule);

/// Inputs of the first layer for tensors of rank >= 2: its rows of weights.
int32_t ck_mlp_rule_input_count(const ck_mlp_rule *rule);
/// Floats of all weights: w0 [inputs, widths 0], b0, w1 [widths 0, widths 1], b1, ..., row-major.
int64_t ck_mlp_rule_weight_count(const ck_mlp_rule *rule);
/// Writes tanh(t / tau - 1) for tau = 1, 3, 10, ..., 100000 to times [11]. Steps count from 0.
void ck_mlp_rule_time_features(int64_t step, float *times);

/// Floats of a tensor's state; zeros are the first state. Plain arrays one after the other:
/// m [momentum_count, n], v [rms_count, n], then for rank >= 2 r [factored_count, n / size of d0] and
/// c [factored_count, n / size of d1] (p's shape without that dimension), else u [factored_count, n].
int64_t ck_mlp_rule_state_floats(const ck_mlp_rule *rule, int32_t rank, const int64_t *dims);
/// Where the state's parts begin: m, v, r or u, c, and the end.
void ck_mlp_rule_state_offsets(
    const ck_mlp_rule *rule, int32_t rank, const int64_t *dims, int64_t offsets[5]);

/// Floats of scratch of the calls below. About 16 KB, and what belongs to r's and c's entries, and
/// for rules that normalize the step n floats.
int64_t ck_mlp_rule_scratch_floats(const ck_mlp_rule *rule, int32_t rank, const int64_t *dims);

/// One step: writes what is to be added to p.
///
/// - weights [ck_mlp_rule_weight_count]; gradient, p, update [n]. update must not overlap the others.
/// - state is advanced in place.
///
/// Cost: per element 2 (inputs H + sum of in out) flops for the layers, less what rows and columns
/// share, and about 100 for the features; g is read three times, state twice, and written once.
void ck_mlp_rule_step(
    const ck_mlp_rule *rule, const ck_mlp_rule_call *call, const float *weights, int32_t rank,
    const int64_t *dims, const float *gradient, const float *p, float *state, float *update,
    float *scratch);

/// One step that changes p in place, to the bits of p + update of ck_mlp_rule_step.
void ck_mlp_rule_apply(
    const ck_mlp_rule *rule, const ck_mlp_rule_call *call, const float *weights, int32_t rank,
    const int64_t *dims, const float *gradient, float *p, float *state, float *scratch);

#ifdef __cplusplus
}
#endif

#endif
