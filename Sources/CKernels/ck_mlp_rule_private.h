// What the parts of the perceptrons' engine share: the plan of a call, and an instruction set's kernels.

#ifndef CK_MLP_RULE_PRIVATE_H
#define CK_MLP_RULE_PRIVATE_H

#include <stdint.h>

#include "ck_isa.h"
#include "ck_mlp_rule.h"

/// Most rows of features, of time left out: 1 + 1 + 1 + 8 + 1 + 8 + 1 + 8 + 1 + 4 x 8 + 8.
enum { CK_MR_MAX_FEATURES = 72, CK_MR_MAX_RANK = 4, CK_MR_MAX_VECTOR = 16 };
/// Elements of a block on any instruction set, at most, and the pitch of buffers that may be written
/// up to a vector past it.
enum { CK_MR_MAX_BLOCK = 32, CK_MR_EXPANDED = CK_MR_MAX_BLOCK + CK_MR_MAX_VECTOR };

/// A factored accumulator, r or c: p's shape without one dimension.
typedef struct {
  int64_t entries;         // n / size of that dimension
  int64_t slice_entries;   // of a slice
  int64_t strides[CK_MR_MAX_RANK];  // by p's dimensions; 0 for the one that is missing
  int varies;              // along the last axis
  int shared;              // its part of the first layer's sums is made once an entry
  int32_t raw, rsqrt;      // rows of weights, of the first decay, or -1
  int64_t offset;          // in the state, of the first decay
  int64_t factors;         // in scratch: R or C [decays][entries]
  int64_t sums;            // in scratch: doubles [entries]
  int64_t parts;           // in scratch: [first width][slice_entries + CK_MR_EXPANDED], parts of the
                           // first sums
} ck_mr_statistic;

/// Rows of a block's features, of the first decay where there are several; -1: not there.
typedef struct {
  int32_t g, clipped_g, p, m, v, m_s, s, factored_g, g_s, factored_m;
  int32_t u, rsqrt_u;      // rank < 2
  int32_t raw[2], rsqrt[2];  // of statistics a and b that are not shared
  int32_t elementwise;     // rows before the statistics' own
  int32_t count;
  int32_t weights[CK_MR_MAX_FEATURES];      // each row's row of w0
  int32_t more_weights[CK_MR_MAX_FEATURES]; // a second one that takes the same feature, or -1
} ck_mr_features;

/// A layer: weights at [in][stride], of whose columns `used` are computed, then the bias.
typedef struct {
  int32_t in, stride, used;
  int64_t weights, bias;   // in the weights
} ck_mr_layer;

/// The shape of a call. Slices are what features are normalized over; a run is a slice's part along
/// the last axis.
typedef struct {
  int is_vector;           // rank < 2
  int64_t n, slice_n, slices, last;
  int32_t rank, leading;   // dimensions before a slice's own
  int64_t dims[CK_MR_MAX_RANK];
  int32_t d0, d1;
  ck_mr_statistic row, column;
  int column_is_a;         // a is the statistic that is constant in a run, if there is one; b varies
  int is_grid;             // slices of two dimensions, whose sums r and c both share: a's entries are
                           // the runs, b's the places in a run
  ck_mr_features features;
  int32_t layer_count;     // all, the last one too
  ck_mr_layer layers[CK_MLP_RULE_MAX_LAYERS + 1];
  int32_t times_row;       // of w0
  int64_t m, v, u;         // in the state
  int64_t state_floats;
  // Parts of scratch.
  int64_t sums, lanes, scales, first_weights, first_bias, ones, zeros;
  int64_t block, expanded_factors, expanded_parts, expanded_raw, values, hidden, more_hidden;
  int64_t means, repeated_factors, direction, orthogonalization;
  int64_t scratch_floats;
} ck_mr_plan;

/// One instruction set's kernel: the update to `update`, or, if that is NULL, added to p.
typedef void (*ck_mr_kernel)(
    const ck_mlp_rule *, const ck_mlp_rule_call *, const ck_mr_plan *, const float *weights,
    const float *gradient, float *p, float *state, float *update, float *scratch);

void ck_mr_step_baseline(
    const ck_mlp_rule *, const ck_mlp_rule_call *, const ck_mr_plan *, const float *, const float *,
    float *, float *, float *, float *);
#if defined(__x86_64__)
void ck_mr_step_avx2(
    const ck_mlp_rule *, const ck_mlp_rule_call *, const ck_mr_plan *, const float *, const float *,
    float *, float *, float *, float *);
void ck_mr_step_avx512(
    const ck_mlp_rule *, const ck_mlp_rule_call *, const ck_mr_plan *, const float *, const float *,
    float *, float *, float *, float *);
#endif

void ck_mr_make_plan(
    const ck_mlp_rule *rule, int32_t rank, const int64_t *dims, ck_mr_plan *plan);

#endif
