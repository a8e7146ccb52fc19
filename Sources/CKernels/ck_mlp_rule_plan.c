// The plan of a call: which feature is where, how r and c lie beside p, and the parts of scratch.

#include <string.h>

#include "ck_mlp_rule_private.h"
#include "ck_newton_schulz.h"

static int64_t aligned(int64_t floats) {
  return (floats + 15) & ~(int64_t)15;
}

static int32_t group_size(const ck_mlp_rule *rule, int32_t group) {
  switch (group) {
    case CK_MLP_RULE_M:
    case CK_MLP_RULE_M_S:
    case CK_MLP_RULE_FACTORED_M:
      return rule->momentum_count;
    case CK_MLP_RULE_FACTORED_G:
    case CK_MLP_RULE_ROW:
    case CK_MLP_RULE_COLUMN:
    case CK_MLP_RULE_RSQRT_ROW:
    case CK_MLP_RULE_RSQRT_COLUMN:
      return rule->factored_count;
    default:
      return 1;
  }
}

static int32_t feature_inputs(const ck_mlp_rule *rule) {
  int32_t inputs = 0;
  for (int32_t i = 0; i < rule->group_count; i++) inputs += group_size(rule, rule->groups[i]);
  return inputs;
}

int32_t ck_mlp_rule_input_count(const ck_mlp_rule *rule) {
  return feature_inputs(rule) + (rule->has_time ? CK_MLP_RULE_TIMES : 0);
}

int64_t ck_mlp_rule_weight_count(const ck_mlp_rule *rule) {
  int64_t count = 0, in = ck_mlp_rule_input_count(rule);
  for (int32_t l = 0; l <= rule->layer_count; l++) {
    const int64_t out = l < rule->layer_count ? rule->widths[l] : rule->outputs;
    count += (in + 1) * out;
    in = out;
  }
  return count;
}

// MARK: - Layers and features

static void plan_layers(const ck_mlp_rule *rule, ck_mr_plan *plan) {
  int64_t at = 0;
  int32_t in = ck_mlp_rule_input_count(rule);
  plan->layer_count = rule->layer_count + 1;
  for (int32_t l = 0; l < plan->layer_count; l++) {
    ck_mr_layer *layer = &plan->layers[l];
    const int last = l == rule->layer_count;
    layer->in = in;
    layer->stride = last ? rule->outputs : rule->widths[l];
    layer->used = !last ? layer->stride : rule->head == CK_MLP_RULE_DIRECT ? 1 : 2;
    layer->weights = at;
    layer->bias = at + (int64_t)in * layer->stride;
    at = layer->bias + layer->stride;
    in = layer->stride;
  }
}

/// Adds `count` rows of features for rows of weights from `row` on, if these are there.
static int32_t add_rows(ck_mr_features *features, int32_t row, int32_t other, int32_t count) {
  if (row < 0) {
    row = other;
    other = -1;
  }
  if (row < 0) return -1;
  const int32_t first = features->count;
  for (int32_t i = 0; i < count; i++) {
    features->weights[first + i] = row + i;
    features->more_weights[first + i] = other < 0 ? -1 : other + i;
  }
  features->count += count;
  return first;
}

static void plan_features(const ck_mlp_rule *rule, ck_mr_plan *plan) {
  int32_t rows[CK_MLP_RULE_GROUPS], row = 0;
  for (int32_t i = 0; i < CK_MLP_RULE_GROUPS; i++) rows[i] = -1;
  for (int32_t i = 0; i < rule->group_count; i++) {
    const int32_t group = rule->groups[i];
    const int absent =
        plan->is_vector && rule->vectors_stop_at_row && group >= CK_MLP_RULE_ROW;
    rows[group] = absent ? -1 : row;
    row += group_size(rule, group);
  }
  plan->times_row = row;
  ck_mr_features *features = &plan->features;
  const int32_t momenta = rule->momentum_count, factored = rule->factored_count;
  features->count = 0;
  features->g = add_rows(features, rows[CK_MLP_RULE_G], -1, 1);
  features->clipped_g = add_rows(features, rows[CK_MLP_RULE_CLIPPED_G], -1, 1);
  features->p = add_rows(features, rows[CK_MLP_RULE_P], -1, 1);
  features->v = add_rows(features, rows[CK_MLP_RULE_V], -1, 1);
  features->s = add_rows(features, rows[CK_MLP_RULE_S], -1, 1);
  features->g_s = add_rows(features, rows[CK_MLP_RULE_G_S], -1, 1);
  features->m = add_rows(features, rows[CK_MLP_RULE_M], -1, momenta);
  features->m_s = add_rows(features, rows[CK_MLP_RULE_M_S], -1, momenta);
  features->factored_g = add_rows(features, rows[CK_MLP_RULE_FACTORED_G], -1, factored);
  features->factored_m = add_rows(features, rows[CK_MLP_RULE_FACTORED_M], -1, momenta);
  features->u = features->rsqrt_u = -1;
  if (plan->is_vector) {
    features->u =
        add_rows(features, rows[CK_MLP_RULE_ROW], rows[CK_MLP_RULE_COLUMN], factored);
    features->rsqrt_u = add_rows(
        features, rows[CK_MLP_RULE_RSQRT_ROW], rows[CK_MLP_RULE_RSQRT_COLUMN], factored);
  }
  features->elementwise = features->count;
  plan->row.raw = rows[CK_MLP_RULE_ROW];
  plan->row.rsqrt = rows[CK_MLP_RULE_RSQRT_ROW];
  plan->column.raw = rows[CK_MLP_RULE_COLUMN];
  plan->column.rsqrt = rows[CK_MLP_RULE_RSQRT_COLUMN];
  for (int i = 0; i < 2; i++) {
    features->raw[i] = features->rsqrt[i] = -1;
    const ck_mr_statistic *s = (i == 0) == plan->column_is_a ? &plan->column : &plan->row;
    if (plan->is_vector || factored == 0 || s->shared) continue;
    features->raw[i] = add_rows(features, s->raw, -1, factored);
    features->rsqrt[i] = add_rows(features, s->rsqrt, -1, factored);
  }
}

// MARK: - Shapes

static void plan_statistic(ck_mr_plan *plan, int32_t missing, ck_mr_statistic *s) {
  int64_t stride = 1;
  s->slice_entries = 1;
  for (int32_t d = plan->rank - 1; d >= 0; d--) {
    s->strides[d] = d == missing ? 0 : stride;
    if (d != missing) stride *= plan->dims[d];
    if (d != missing && d >= plan->leading) s->slice_entries *= plan->dims[d];
  }
  s->entries = stride;
  s->varies = missing != plan->rank - 1;
  // Sums are worth sharing if an entry serves more elements than there are sums.
  s->shared = s->slice_entries > 0
      && plan->slice_n / s->slice_entries >= plan->layers[0].used;
}

static void plan_shape(
    const ck_mlp_rule *rule, int32_t rank, const int64_t *dims, ck_mr_plan *plan
) {
  plan->is_vector = rank < 2;
  plan->rank = rank < 1 ? 1 : rank;
  plan->n = 1;
  for (int32_t d = 0; d < plan->rank; d++) {
    plan->dims[d] = rank < 1 ? 1 : dims[d];
    plan->n *= plan->dims[d];
  }
  plan->leading = rule->normalizes_last_two && rank > 2 ? rank - 2 : 0;
  plan->slices = 1;
  for (int32_t d = 0; d < plan->leading; d++) plan->slices *= plan->dims[d];
  plan->slice_n = plan->slices > 0 ? plan->n / plan->slices : 0;
  plan->last = plan->dims[plan->rank - 1];
  if (plan->is_vector) return;
  // The last of the largest, then the last of the largest of the others.
  plan->d0 = 0;
  for (int32_t d = 1; d < rank; d++) {
    if (dims[d] >= dims[plan->d0]) plan->d0 = d;
  }
  plan->d1 = plan->d0 == 0 ? 1 : 0;
  for (int32_t d = 0; d < rank; d++) {
    if (d != plan->d0 && dims[d] >= dims[plan->d1]) plan->d1 = d;
  }
  plan_statistic(plan, plan->d0, &plan->row);
  plan_statistic(plan, plan->d1, &plan->column);
  plan->column_is_a = !plan->column.varies;
  plan->is_grid = plan->rank - plan->leading == 2 && rule->factored_count > 0
      && plan->row.shared && plan->column.shared;
}

static int64_t take(int64_t *at, int64_t floats) {
  const int64_t start = *at;
  *at += aligned(floats);
  return start;
}

static void plan_memory(const ck_mlp_rule *rule, ck_mr_plan *plan) {
  const int64_t n = plan->n, factored = rule->factored_count;
  plan->m = 0;
  plan->v = plan->m + rule->momentum_count * n;
  plan->u = plan->v + rule->rms_count * n;
  plan->row.offset = plan->u;
  plan->column.offset = plan->u + (plan->is_vector ? n : plan->row.entries) * factored;
  plan->state_floats =
      plan->column.offset + (plan->is_vector ? 0 : plan->column.entries) * factored;

  const int64_t first = plan->layers[0].used;
  int64_t at = 0;
  plan->sums = take(&at, 2 * CK_MR_MAX_FEATURES * CK_MR_MAX_VECTOR);
  plan->lanes = take(&at, CK_MR_MAX_FEATURES * CK_MR_MAX_VECTOR);
  plan->scales = take(&at, CK_MR_MAX_FEATURES);
  plan->first_weights = take(&at, CK_MR_MAX_FEATURES * first);
  plan->first_bias = take(&at, first);
  plan->ones = take(&at, 1);
  plan->zeros = take(&at, CK_MR_EXPANDED);
  const int64_t planes = 2 + rule->momentum_count + rule->rms_count + factored;
  plan->block = take(&at, planes * CK_MR_MAX_BLOCK);
  plan->expanded_factors = take(&at, factored * CK_MR_EXPANDED);
  plan->expanded_parts = take(&at, first * CK_MR_EXPANDED);
  plan->expanded_raw = take(&at, 2 * factored * CK_MR_EXPANDED);
  plan->values = take(&at, CK_MR_MAX_FEATURES * CK_MR_MAX_BLOCK);
  plan->hidden = take(&at, CK_MLP_RULE_MAX_WIDTH * CK_MR_MAX_BLOCK);
  plan->more_hidden = take(&at, CK_MLP_RULE_MAX_WIDTH * CK_MR_MAX_BLOCK);
  plan->direction = take(
      &at, rule->normalizes_step || rule->orthogonalizes ? plan->slice_n : 0);
  plan->orthogonalization = at;
  if (!plan->is_vector && factored > 0) {
    plan->means = take(&at, plan->row.entries);
    ck_mr_statistic *both[2] = {&plan->row, &plan->column};
    for (int i = 0; i < 2; i++) {
      ck_mr_statistic *s = both[i];
      s->factors = take(&at, factored * s->entries + CK_MR_MAX_VECTOR);
      s->sums = take(&at, 2 * s->entries);
      s->parts = take(&at, s->shared ? first * (s->slice_entries + CK_MR_EXPANDED) : 0);
    }
    plan->repeated_factors =
        take(&at, plan->is_grid ? factored * (plan->last + CK_MR_EXPANDED) : 0);
    plan->orthogonalization = at;
  }
  if (!plan->is_vector && rule->orthogonalizes) {
    at += ck_newton_schulz_scratch_floats(plan->dims[plan->rank - 2], plan->last);
  }
  plan->scratch_floats = at;
}

void ck_mr_make_plan(
    const ck_mlp_rule *rule, int32_t rank, const int64_t *dims, ck_mr_plan *plan
) {
  memset(plan, 0, sizeof *plan);
  plan_layers(rule, plan);
  plan_shape(rule, rank, dims, plan);
  plan_features(rule, plan);
  plan_memory(rule, plan);
}
