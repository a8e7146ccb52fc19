// The factored accumulators r and c: their step, the factors R and C, and their part of the first
// layer's sums. Included after ck_mlp_rule_layers.h.

typedef double vd __attribute__((vector_size(CK_VECTOR * 8)));
typedef double vd_unaligned __attribute__((vector_size(CK_VECTOR * 8), aligned(8), may_alias));

/// Calls `body` for runs along the last axis with x and y, the statistics' entries of their first
/// elements; lead counts through the dimensions `first` ..< rank - 1.
#define CK_EACH_RUN(plan, first, first_element, x_strides, y_strides, x, y, body) \
  { \
    int64_t lead[CK_MR_MAX_RANK] = {0}; \
    int64_t x = 0, y = 0; \
    for (int64_t run = 0; run < (plan)->n / (plan)->last; run++) { \
      body; \
      for (int32_t d = (plan)->rank - 2; d >= 0; d--) { \
        x += (x_strides)[d]; \
        y += (y_strides)[d]; \
        if (++lead[d] < (plan)->dims[d]) break; \
        x -= (x_strides)[d] * lead[d]; \
        y -= (y_strides)[d] * lead[d]; \
        lead[d] = 0; \
      } \
    } \
  }

/// Adds q = g^2 + 1e-30 of a run to sums: to a[0] if a is constant, else to a[e], and to b[e].
CK_INLINE void add_run(
    const int a_constant, int64_t count, const float *g, float limit, double *a, double *b
) {
  vd lanes = {};
  int64_t e = 0;
  for (; e + CK_VECTOR <= count; e += CK_VECTOR) {
    const vf x = clamp(load(g + e), limit);
    const vd q = __builtin_convertvector(x * x + 1e-30f, vd);
    *(vd_unaligned *)(b + e) += q;
    if (a_constant) lanes += q;
    else *(vd_unaligned *)(a + e) += q;
  }
  double total = 0;
  for (; e < count; e++) {
    const float low = g[e] < -limit ? -limit : g[e], x = low > limit ? limit : low;
    const double q = (double)(x * x + 1e-30f);
    b[e] += q;
    if (a_constant) total += q;
    else a[e] += q;
  }
  if (a_constant) {
    CK_UNROLL for (int i = 0; i < CK_VECTOR; i++) total += lanes[i];
    *a += total;
  }
}

/// The sums of q over d0 and d1.
CK_APART void sum_squared_gradient(const context *k) {
  const ck_mr_plan *plan = k->plan;
  const ck_mr_statistic *a = k->a, *b = k->b;
  double *to_a = (double *)(k->scratch + a->sums), *to_b = (double *)(k->scratch + b->sums);
  memset(to_a, 0, (size_t)a->entries * sizeof(double));
  memset(to_b, 0, (size_t)b->entries * sizeof(double));
  const float limit = k->rule->gradient_limit, *g = k->gradient;
  const int64_t last = plan->last;
  if (a->varies) {
    CK_EACH_RUN(plan, 0, 0, a->strides, b->strides, x, y, {
      add_run(0, last, g + run * last, limit, to_a + x, to_b + y);
    })
  } else {
    CK_EACH_RUN(plan, 0, 0, a->strides, b->strides, x, y, {
      add_run(1, last, g + run * last, limit, to_a + x, to_b + y);
    })
  }
}

CK_APART void advance_statistic(const context *k, const ck_mr_statistic *s) {
  const double *sums = (const double *)(k->scratch + s->sums);
  const double count = (double)(k->plan->n / s->entries);
  for (int32_t i = 0; i < k->rule->factored_count; i++) {
    const float d = k->factored[i].decay, rate = k->factored[i].rate;
    float *x = k->state + s->offset + i * s->entries;
    for (int64_t e = 0; e < s->entries; e++) x[e] = x[e] * d + (float)(sums[e] / count) * rate;
  }
}

/// R from r: relative to its mean over d1.
CK_APART void make_row_factors(const context *k) {
  const ck_mr_plan *plan = k->plan;
  const ck_mr_statistic *s = &plan->row;
  // r as [outer, d1, inner].
  const int64_t size = plan->dims[plan->d1], inner = s->strides[plan->d1];
  const int64_t outer = s->entries / (size * inner);
  float *means = k->scratch + plan->means;
  for (int32_t i = 0; i < k->rule->factored_count; i++) {
    const float *r = k->state + s->offset + i * s->entries;
    float *factors = k->scratch + s->factors + i * s->entries;
    for (int64_t o = 0; o < outer; o++) {
      const float *from = r + o * size * inner;
      float *to = factors + o * size * inner;
      if (inner == 1) {
        double sum = 0, lanes[4] = {0};
        int64_t e = 0;
        for (; e + 4 <= size; e += 4) {
          CK_UNROLL for (int l = 0; l < 4; l++) lanes[l] += (double)from[e + l];
        }
        for (; e < size; e++) sum += (double)from[e];
        means[0] = (float)((sum + ((lanes[0] + lanes[1]) + (lanes[2] + lanes[3]))) / (double)size);
        for (int64_t e = 0; e < size; e++) to[e] = from[e] / (means[0] + 1e-9f);
        continue;
      }
      memset(means, 0, (size_t)inner * sizeof(float));
      for (int64_t e = 0; e < size; e++) {
        for (int64_t l = 0; l < inner; l++) means[l] += from[e * inner + l];
      }
      for (int64_t l = 0; l < inner; l++) means[l] = means[l] / (float)size + 1e-9f;
      for (int64_t e = 0; e < size; e++) {
        for (int64_t l = 0; l < inner; l++) to[e * inner + l] = from[e * inner + l] / means[l];
      }
    }
  }
}

/// rsqrt(max(x, 1e-9)) of `count` floats; reads from and writes to whole vectors.
CK_APART void limited_inverse_roots(int64_t count, const float *from, float *to) {
  int64_t e = 0;
  for (; e + CK_VECTOR <= count; e += CK_VECTOR) {
    store(to + e, inverse_root(at_least(load(from + e), 1e-9f)));
  }
  for (; e < count; e++) {
    const float x = from[e] < 1e-9f ? 1e-9f : from[e];
    to[e] = 1 / __builtin_elementwise_sqrt(x);
  }
}

/// One step of r and c, then R and C.
static void advance_statistics(const context *k) {
  const ck_mr_plan *plan = k->plan;
  const int64_t rows = plan->row.entries * k->rule->factored_count;
  const int64_t columns = plan->column.entries * k->rule->factored_count;
  float *row_factors = k->scratch + plan->row.factors;
  sum_squared_gradient(k);
  advance_statistic(k, &plan->row);
  advance_statistic(k, &plan->column);
  make_row_factors(k);
  limited_inverse_roots(rows, row_factors, row_factors);
  limited_inverse_roots(
      columns, k->state + plan->column.offset, k->scratch + plan->column.factors);
}

// MARK: - What a slice's entries contribute

/// A slice's entries of a statistic, a block at a time: r or c of all decays, then rsqrt of them.
/// values [2 decays][CK_BLOCK], 0 past `count` entries.
CK_INLINE void load_entries(
    const context *k, const ck_mr_statistic *s, int64_t first, int64_t count, float *values
) {
  const int32_t decays = k->rule->factored_count;
  for (int32_t i = 0; i < decays; i++) {
    const float *x = k->state + s->offset + i * s->entries + first;
    float *y = values + i * CK_BLOCK, *z = values + (decays + i) * CK_BLOCK;
    if (count == CK_BLOCK) {
      CK_EACH_VECTOR store(y + v * CK_VECTOR, load(x + v * CK_VECTOR));
    } else {
      for (int64_t e = 0; e < CK_BLOCK; e++) y[e] = e < count ? x[e] : 0;
    }
    CK_EACH_VECTOR store(z + v * CK_VECTOR, inverse_root(load(y + v * CK_VECTOR) + 1e-8f));
  }
  if (count < CK_BLOCK) clear_absent(2 * decays, count, values);
}

/// The scales of r and rsqrt(r + 1e-8), or of c, in a slice that starts at entry `first`:
/// scales [2 decays].
CK_APART void scale_entries(
    const context *k, const ck_mr_statistic *s, int64_t first, float *scales
) {
  float *values = k->scratch + k->plan->values;
  const int32_t rows = 2 * k->rule->factored_count;
  squares sums;
  start_squares(k, rows, &sums);
  for (int64_t e = 0; e < s->slice_entries; e += CK_BLOCK) {
    const int64_t left = s->slice_entries - e;
    load_entries(k, s, first + e, left < CK_BLOCK ? left : CK_BLOCK, values);
    add_squares(&sums, values);
  }
  flush_squares(&sums);
  for (int32_t i = 0; i < rows; i++) {
    scales[i] = scale_of(&sums, i, s->slice_entries, (double)k->rule->normalization_epsilon);
  }
}

/// Repeats `count` numbers for a block past the end.
CK_INLINE void repeat(int64_t count, float *x) {
  if (count >= CK_VECTOR) {
    for (int i = 0; i < CK_BLOCK; i += CK_VECTOR) store(x + count + i, load(x + i));
  } else {
    for (int64_t i = count; i < count + CK_BLOCK; i++) x[i] = x[i - count];
  }
}

/// The entries' parts of the first layer's sums, [used][slice_entries + CK_MR_EXPANDED], plus the
/// bias; in a grid repeated past the end.
CK_APART void make_parts(
    const context *k, const ck_mr_statistic *s, int64_t first, const float *scales,
    const float *bias
) {
  const ck_mr_layer *layer = &k->plan->layers[0];
  const int32_t decays = k->rule->factored_count, used = layer->used;
  const int64_t pitch = s->slice_entries + CK_MR_EXPANDED;
  float *values = k->scratch + k->plan->values, *out = k->scratch + k->plan->hidden;
  float *w = k->scratch + k->plan->first_weights, *parts = k->scratch + s->parts;
  for (int32_t i = 0; i < 2 * decays; i++) {
    const int32_t row = i < decays ? s->raw : s->rsqrt, decay = i < decays ? i : i - decays;
    const float *from = k->weights + layer->weights + (row + decay) * layer->stride;
    for (int32_t j = 0; j < used; j++) w[i * used + j] = row < 0 ? 0 : from[j] * scales[i];
  }
  const layer_call call = {
      {bias, NULL, 1, 0, NULL}, used, 2 * decays, values, w, used, -__builtin_inff(),
  };
  layer_result to = {.out = out};
  for (int64_t e = 0; e < s->slice_entries; e += CK_BLOCK) {
    const int64_t left = s->slice_entries - e, count = left < CK_BLOCK ? left : CK_BLOCK;
    load_entries(k, s, first + e, count, values);
    next_layer(&call, &to);
    for (int32_t j = 0; j < used; j++) {
      memcpy(parts + j * pitch + e, out + j * CK_BLOCK, (size_t)count * sizeof(float));
    }
  }
  if (!k->plan->is_grid) return;
  for (int32_t j = 0; j < used; j++) repeat(s->slice_entries, parts + j * pitch);
}

/// In a grid, b's factors of a slice whose entries start at `first`, repeated past the end.
static void repeat_factors(const context *k, int64_t first) {
  const int64_t last = k->plan->last, pitch = last + CK_MR_EXPANDED;
  for (int32_t i = 0; i < k->rule->factored_count; i++) {
    const float *from = k->scratch + k->b->factors + i * k->b->entries + first;
    float *to = k->scratch + k->plan->repeated_factors + i * pitch;
    memcpy(to, from, (size_t)last * sizeof(float));
    repeat(last, to);
  }
}
