// The passes over a tensor. Included after ck_mlp_rule_blocks.h; defines CK_KERNEL.

// MARK: - Features, by rule

#define CK_FEATURES(in, advances, purpose, out) \
  if (b->a_kind == CK_CONSTANT) make_features(k, b, in, advances, purpose, CK_CONSTANT, out); \
  else if (b->a_kind == CK_VARYING) make_features(k, b, in, advances, purpose, CK_VARYING, out); \
  else make_features(k, b, in, advances, purpose, CK_BY_ENTRY, out);

#define CK_FEATURE_FUNCTIONS(name, ingredients) \
  CK_APART void name##_squares(const context *k, const block *b, float *lanes) { \
    CK_FEATURES(ingredients, 1, CK_SQUARES, lanes) \
  } \
  CK_APART void name##_values(const context *k, const block *b, float *values) { \
    CK_FEATURES(ingredients, 0, CK_VALUES, values) \
  }

CK_FEATURE_FUNCTIONS(celo, celo_ingredients)
CK_FEATURE_FUNCTIONS(adafac, adafac_ingredients)
CK_FEATURE_FUNCTIONS(other, planned_ingredients(k))

CK_APART void partial_values(const context *k, const block *b, float *values) {
  CK_FEATURES(planned_ingredients(k), 1, CK_VALUES, values)
}

/// Functions for whole blocks.
typedef struct {
  void (*squares)(const context *, const block *, float *);
  void (*values)(const context *, const block *, float *);
} feature_functions;

static feature_functions choose_features(const context *k) {
  const ingredients planned = planned_ingredients(k);
  if (memcmp(&planned, &celo_ingredients, sizeof planned) == 0) {
    return (feature_functions){celo_squares, celo_values};
  }
  if (memcmp(&planned, &adafac_ingredients, sizeof planned) == 0) {
    return (feature_functions){adafac_squares, adafac_values};
  }
  return (feature_functions){other_squares, other_values};
}

// MARK: - Passes over a slice

/// Advances the accumulators and sums squares.
CK_APART void first_pass(
    const context *k, feature_functions functions, const slice *in, squares *sums
) {
  const ck_mr_plan *plan = k->plan;
  float *values = k->scratch + plan->values;
  start_squares(k, plan->features.elementwise, sums);
  cursor at = {in->element, plan->slice_n, 0, 0, 0, {0}};
  while (at.left > 0) {
    block b;
    find_block(k, in, &at, 0, &b);
    if (b.count == CK_BLOCK) {
      functions.squares(k, &b, sums->lanes);
      count_block(sums);
    } else {
      partial_values(k, &b, values);
      copy_partial(k, at.element, b.count, 1);
      clear_absent(plan->features.elementwise, b.count, values);
      add_squares(sums, values);
    }
    advance(k, b.count, &at);
  }
  flush_squares(sums);
}

/// First-layer weights with the features' scales, and what r and c contribute.
CK_APART void fold_scales(const context *k, const slice *in, const squares *sums) {
  const ck_mlp_rule *rule = k->rule;
  const ck_mr_plan *plan = k->plan;
  const ck_mr_features *at = &plan->features;
  const ck_mr_layer *layer = &plan->layers[0];
  const int32_t used = layer->used, decays = rule->factored_count;
  const float *w = k->weights + layer->weights;
  float *scales = k->scratch + plan->scales, *bias = k->scratch + plan->first_bias;
  for (int32_t j = 0; j < used; j++) bias[j] = k->weights[layer->bias + j];
  for (int32_t i = 0; rule->has_time && i < CK_MLP_RULE_TIMES; i++) {
    const float *row = w + (plan->times_row + i) * layer->stride;
    for (int32_t j = 0; j < used; j++) bias[j] += row[j] * k->call->times[i];
  }
  for (int32_t i = 0; i < at->elementwise; i++) {
    scales[i] = scale_of(sums, i, plan->slice_n, (double)rule->normalization_epsilon);
  }
  if (!plan->is_vector && decays > 0) {
    const ck_mr_statistic *both[2] = {k->a, k->b};
    const int64_t first[2] = {in->a, in->b};
    for (int i = 0; i < 2; i++) {
      float own[2 * CK_MLP_RULE_MAX_DECAYS];
      scale_entries(k, both[i], first[i], own);
      if (both[i]->shared) {
        make_parts(k, both[i], first[i], own, i == 0 ? bias : k->scratch + plan->zeros);
      } else {
        for (int32_t d = 0; d < decays; d++) {
          if (at->raw[i] >= 0) scales[at->raw[i] + d] = own[d];
          if (at->rsqrt[i] >= 0) scales[at->rsqrt[i] + d] = own[decays + d];
        }
      }
    }
  }
  float *to = k->scratch + plan->first_weights;
  for (int32_t i = 0; i < at->count; i++) {
    const float *x = w + at->weights[i] * layer->stride;
    const float *y = w + at->more_weights[i] * layer->stride;
    for (int32_t j = 0; j < used; j++) {
      to[i * used + j] = (at->more_weights[i] < 0 ? x[j] : x[j] + y[j]) * scales[i];
    }
  }
}

/// step_size direction + weight_decay p, with its sign.
CK_INLINE vf update_of(vf direction, vf p, float factor, float decay) {
  return direction * -factor - p * decay;
}

/// e^x, to about an ulp.
CK_INLINE vf exponential(vf x) {
  x = at_least(at_most(x, 89.0f), -105.0f);
  const vf magic = splat(12582912.0f), n = (x * 1.44269504088896341f + magic) - magic;
  vf r = x - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  vf y = splat(1.9875691500e-4f);
  y = y * r + 1.3981999507e-3f;
  y = y * r + 8.3334519073e-3f;
  y = y * r + 4.1665795894e-2f;
  y = y * r + 1.6666665459e-1f;
  y = y * r + 5.0000001201e-1f;
  y = y * r * r + r + 1.0f;
  const vi whole = __builtin_convertvector(choose(x == x, n, (vf){}), vi), half = whole >> 1;
  return y * (vf)((half + 127) << 23) * (vf)((whole - half + 127) << 23);
}

/// Writes or applies a block's update. p is read before it is written.
CK_INLINE void store_block(
    const block *b, int64_t element, const vf update[CK_BLOCK_VECTORS], float *p, float *to
) {
  float *out = to ? to + element : p + element, whole[CK_BLOCK];
  float *place = b->count == CK_BLOCK ? out : whole;
  CK_EACH_VECTOR {
    const vf before = to ? (vf){} : load(b->p + v * CK_VECTOR);
    store(place + v * CK_VECTOR, to ? update[v] : before + update[v]);
  }
  if (b->count < CK_BLOCK) memcpy(out, whole, (size_t)b->count * sizeof(float));
}

/// The perceptron: updates, or with `direction` the directions [slice_n], whose squares are summed.
CK_APART void second_pass(
    const context *k, feature_functions functions, const slice *in, float factor, float *p,
    float *update, float *direction, squares *sums
) {
  const ck_mlp_rule *rule = k->rule;
  const ck_mr_plan *plan = k->plan;
  const ck_mr_features *features = &plan->features;
  float *values = k->scratch + plan->values;
  if (direction) start_squares(k, 1, sums);
  cursor at = {in->element, plan->slice_n, 0, 0, 0, {0}};
  while (at.left > 0) {
    block b;
    find_block(k, in, &at, 1, &b);
    functions.values(k, &b, values);
    for (int i = 0; i < 2; i++) {
      if (features->raw[i] < 0 && features->rsqrt[i] < 0) continue;
      const float *x = i == 0 ? b.a_raw : b.b_raw;
      const int64_t pitch = i == 0 ? b.a_raw_pitch : b.b_raw_pitch;
      const int constant = i == 0 && b.a_kind == CK_CONSTANT && !b.is_expanded;
      make_raw_features(k, constant, x, pitch, features->raw[i], features->rsqrt[i], values);
    }
    vf outputs[2][CK_BLOCK_VECTORS], *result = outputs[0];
    run_layers(k, &b, values, outputs);
    if (rule->head != CK_MLP_RULE_DIRECT) {
      CK_EACH_VECTOR result[v] *= exponential(outputs[1][v] * rule->exp_mult) * rule->step_mult;
    }
    if (direction) {
      float *to = direction + (at.element - in->element);
      if (b.count == CK_BLOCK) {
        CK_EACH_VECTOR store(to + v * CK_VECTOR, result[v]);
        take(CK_SQUARES, 0, result, sums->lanes);
        count_block(sums);
      } else {
        float whole[CK_BLOCK];
        CK_EACH_VECTOR store(whole + v * CK_VECTOR, result[v]);
        clear_absent(1, b.count, whole);
        memcpy(to, whole, (size_t)b.count * sizeof(float));
        add_squares(sums, whole);
      }
    } else {
      CK_EACH_VECTOR result[v] = update_of(
          result[v], load(b.p + v * CK_VECTOR), factor, k->call->weight_decay);
      store_block(&b, at.element, result, p, update);
    }
    advance(k, b.count, &at);
  }
  if (direction) flush_squares(sums);
}

/// Writes or applies a slice's direction times factor.
CK_APART void last_pass(
    const context *k, const slice *in, float factor, const float *direction, float *p,
    float *update
) {
  const float decay = k->call->weight_decay;
  float *x = p + in->element, *to = update ? update + in->element : NULL;
  const int64_t n = k->plan->slice_n;
  int64_t e = 0;
  for (; e + CK_VECTOR <= n; e += CK_VECTOR) {
    const vf before = load(x + e), step = update_of(load(direction + e), before, factor, decay);
    if (to) store(to + e, step);
    else store(x + e, before + step);
  }
  float last[3][CK_VECTOR] = {0};
  if (e == n) return;
  const size_t size = (size_t)(n - e) * sizeof(float);
  memcpy(last[0], x + e, size);
  memcpy(last[1], direction + e, size);
  const vf before = load(last[0]), step = update_of(load(last[1]), before, factor, decay);
  store(last[2], to ? step : before + step);
  memcpy((to ? to : x) + e, last[2], size);
}

/// Of the accumulators of a slice, which have taken their step: how far its gradients agree, to the
/// power of half the rule's graft.
CK_APART float agreement(const context *k, const slice *in) {
  const ck_mr_plan *plan = k->plan;
  const float *m = k->state + plan->m + in->element, *v = k->state + plan->v + in->element;
  double squares = 0, seconds = 0;
  for (int64_t start = 0; start < plan->slice_n; start += 1024) {
    const int64_t left = plan->slice_n - start, count = left < 1024 ? left : 1024;
    vf a = {}, b = {};
    int64_t e = 0;
    for (; e + CK_VECTOR <= count; e += CK_VECTOR) {
      const vf x = load(m + start + e);
      a += x * x;
      b += load(v + start + e);
    }
    if (e < count) {
      float last[2][CK_VECTOR] = {0};
      memcpy(last[0], m + start + e, (size_t)(count - e) * sizeof(float));
      memcpy(last[1], v + start + e, (size_t)(count - e) * sizeof(float));
      const vf x = load(last[0]);
      a += x * x;
      b += load(last[1]);
    }
    CK_UNROLL for (int i = 0; i < CK_VECTOR; i++) {
      squares += (double)a[i];
      seconds += (double)b[i];
    }
  }
  const double n = (double)plan->slice_n;
  const double ratio = (squares / n + 1e-30) / (seconds / n + 1e-30);
  return (float)pow(ratio, 0.5 * (double)k->rule->graft);
}

static average average_of(double decay) {
  return (average){(float)decay, (float)(1 - decay)};
}

static void set_averages(context *k) {
  const ck_mlp_rule *rule = k->rule;
  k->rms = average_of(rule->rms_decay);
  for (int32_t i = 0; i < rule->momentum_count; i++) {
    k->momenta[i] = average_of(rule->momentum_decays[i]);
  }
  for (int32_t i = 0; i < rule->factored_count; i++) {
    k->factored[i] = average_of(rule->factored_decays[i]);
  }
}

void CK_KERNEL(
    const ck_mlp_rule *rule, const ck_mlp_rule_call *call, const ck_mr_plan *plan,
    const float *weights, const float *gradient, float *p, float *state, float *update,
    float *scratch
) {
  const ck_mr_statistic *a = plan->column_is_a ? &plan->column : &plan->row;
  const ck_mr_statistic *b = plan->column_is_a ? &plan->row : &plan->column;
  context whole = {rule, call, plan, weights, gradient, p, state, scratch, a, b, .rms = {0, 0}};
  set_averages(&whole);
  const context *k = &whole;
  const feature_functions functions = choose_features(k);
  scratch[plan->ones] = 1;
  memset(scratch + plan->zeros, 0, CK_MR_EXPANDED * sizeof(float));
  if (!plan->is_vector && rule->factored_count > 0) advance_statistics(k);
  const int orthogonalizes = rule->orthogonalizes && !plan->is_vector;
  const int needs_direction = rule->normalizes_step || orthogonalizes;
  slice in = {0, 0, 0};
  int64_t lead[CK_MR_MAX_RANK] = {0};
  for (int64_t i = 0; i < plan->slices; i++) {
    squares sums;
    if (plan->is_grid) repeat_factors(k, in.b);
    first_pass(k, functions, &in, &sums);
    float factor = call->step_size;
    if (rule->head == CK_MLP_RULE_EXP_OF_RMS) {
      factor /= scale_of(&sums, plan->features.p, plan->slice_n, 1e-9);
    }
    if (rule->graft != 0) factor *= agreement(k, &in);
    fold_scales(k, &in, &sums);  // takes the memory of the sums
    float *direction = needs_direction ? scratch + plan->direction : NULL;
    second_pass(k, functions, &in, factor, p, update, direction, &sums);
    if (direction) {
      if (orthogonalizes) {
        float *more = scratch + plan->orthogonalization;
        const int64_t rows = plan->slice_n / plan->last;
        ck_newton_schulz(rows, plan->last, direction, more);
        start_squares(k, 1, &sums);
        sum_squares(&sums, plan->slice_n, direction);
      }
      if (rule->normalizes_step) factor *= scale_of(&sums, 0, plan->slice_n, 1e-9);
      last_pass(k, &in, factor, direction, p, update);
    }
    in.element += plan->slice_n;
    for (int32_t d = plan->leading - 1; d >= 0; d--) {
      in.a += a->strides[d];
      in.b += b->strides[d];
      if (++lead[d] < plan->dims[d]) break;
      in.a -= a->strides[d] * lead[d];
      in.b -= b->strides[d] * lead[d];
      lead[d] = 0;
    }
  }
}
