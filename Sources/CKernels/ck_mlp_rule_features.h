// Blocks of elements: their accumulators and features. Included after ck_deep_lstm_math.h, with
// CK_BLOCK_VECTORS vectors to a block.

#define CK_BLOCK (CK_VECTOR * CK_BLOCK_VECTORS)
// Functions with loops that need all registers.
#define CK_APART static __attribute__((noinline))
#define CK_EACH_VECTOR CK_UNROLL for (int v = 0; v < CK_BLOCK_VECTORS; v++)

/// Decays and what they leave, rounded.
typedef struct {
  float decay, rate;
} average;

/// A call under way.
typedef struct {
  const ck_mlp_rule *rule;
  const ck_mlp_rule_call *call;
  const ck_mr_plan *plan;
  const float *weights;
  const float *gradient;
  const float *p;
  float *state, *scratch;
  const ck_mr_statistic *a, *b;
  average momenta[CK_MLP_RULE_MAX_DECAYS], rms, factored[CK_MLP_RULE_MAX_DECAYS];
} context;

/// Where a block's numbers are. Arrays of several decays have a pitch between decays.
typedef struct {
  const float *g, *p;
  float *m, *v, *u;
  int64_t pitch;                       // of m and u
  int64_t count;                       // elements that are there
  int a_kind, a_parts_kind, is_expanded;
  vi entries[CK_BLOCK_VECTORS];        // a's, of elements, from the first one's
  // What r and c contribute: b's of element e is at b[e], a's depends on its kind.
  const float *a_factors, *b_factors;  // factor of decay k
  int64_t a_factors_pitch, b_factors_pitch;
  const float *a_parts, *b_parts;      // part of sum j of the first layer
  int64_t a_parts_pitch, b_parts_pitch;
  const float *a_raw, *b_raw;          // r or c of decay k
  int64_t a_raw_pitch, b_raw_pitch;
} block;

/// 1 / sqrt(x), both rounded: the same bits on every machine, as estimates would not be.
CK_INLINE vf inverse_root(vf x) {
  return 1 / __builtin_elementwise_sqrt(x);
}

CK_INLINE vf clamp(vf x, float limit) {
  return at_least(at_most(x, limit), -limit);
}

/// Where the a of element e is: at a[e]; at a[0]; at a[entries[e]].
enum { CK_VARYING, CK_CONSTANT, CK_BY_ENTRY };

CK_INLINE vf by_kind(const int kind, const float *x, int v, const vi *entries) {
  if (kind == CK_CONSTANT) return splat(*x);
#if CK_USE_AVX512
  if (kind == CK_BY_ENTRY) {
    return (vf)_mm512_permutexvar_ps((__m512i)entries[v], (__m512)load(x));
  }
#elif CK_USE_AVX2
  if (kind == CK_BY_ENTRY) {
    return (vf)_mm256_permutevar8x32_ps((__m256)load(x), (__m256i)entries[v]);
  }
#endif
  (void)entries;
  return load(x + v * CK_VECTOR);
}

CK_INLINE vf averaged(average a, vf old, vf new) {
  return old * a.decay + new * a.rate;
}

/// What a block's features are for: the sums of their squares, after a step of the accumulators, or
/// their values.
enum { CK_SQUARES, CK_VALUES };

/// Takes a feature of a block: to values [rows][CK_BLOCK], or its squares to lanes [rows][CK_VECTOR].
CK_INLINE void take(const int purpose, int32_t row, const vf x[CK_BLOCK_VECTORS], float *out) {
  if (row < 0) return;
  if (purpose == CK_VALUES) {
    CK_EACH_VECTOR store(out + row * CK_BLOCK + v * CK_VECTOR, x[v]);
    return;
  }
  vf sum = load(out + row * CK_VECTOR);
  CK_EACH_VECTOR sum += x[v] * x[v];
  store(out + row * CK_VECTOR, sum);
}

/// What a rule's features are made of: a constant where the rule is a common one.
typedef struct {
  int32_t momenta, rms, factored, is_vector;
  int32_t g, clipped_g, p, m, v, m_s, s, factored_g, g_s, factored_m, u, rsqrt_u;
} ingredients;

/// Makes a block's features but those that r and c alone decide. With `advances` the accumulators
/// first take a step.
CK_INLINE void make_features(
    const context *k, const block *b, const ingredients in, const int advances,
    const int purpose, const int a_kind, float *out
) {
  const ck_mlp_rule *rule = k->rule;
  vf g[CK_BLOCK_VECTORS], s[CK_BLOCK_VECTORS], x[CK_BLOCK_VECTORS];
  CK_EACH_VECTOR g[v] = clamp(load(b->g + v * CK_VECTOR), rule->gradient_limit);
  take(purpose, in.g, g, out);
  CK_EACH_VECTOR x[v] = clamp(g[v], 0.1f);
  take(purpose, in.clipped_g, x, out);
  CK_EACH_VECTOR x[v] = load(b->p + v * CK_VECTOR);
  take(purpose, in.p, x, out);
  CK_EACH_VECTOR s[v] = (vf){};
  if (in.rms > 0) {
    CK_EACH_VECTOR {
      float *place = b->v + v * CK_VECTOR;
      x[v] = load(place);
      if (advances) {
        x[v] = averaged(k->rms, x[v], g[v] * g[v]);
        store(place, x[v]);
      }
      s[v] = inverse_root(x[v] + rule->rms_epsilon);
    }
    take(purpose, in.v, x, out);
    take(purpose, in.s, s, out);
    CK_EACH_VECTOR x[v] = g[v] * s[v];
    take(purpose, in.g_s, x, out);
  }
  for (int32_t i = 0; i < in.momenta; i++) {
    CK_EACH_VECTOR {
      float *place = b->m + i * b->pitch + v * CK_VECTOR;
      x[v] = load(place);
      if (advances) {
        x[v] = averaged(k->momenta[i], x[v], g[v]);
        store(place, x[v]);
      }
    }
    take(purpose, in.m < 0 ? -1 : in.m + i, x, out);
    if (in.m_s < 0) continue;
    CK_EACH_VECTOR x[v] *= s[v];
    take(purpose, in.m_s + i, x, out);
  }
  for (int32_t i = 0; i < in.factored; i++) {
    vf factor[CK_BLOCK_VECTORS], m_factor[CK_BLOCK_VECTORS];
    if (in.is_vector) {
      CK_EACH_VECTOR {
        float *place = b->u + i * b->pitch + v * CK_VECTOR;
        x[v] = load(place);
        if (advances) {
          x[v] = averaged(k->factored[i], x[v], g[v] * g[v] + 1e-30f);
          store(place, x[v]);
        }
        factor[v] = inverse_root(at_least(x[v] + 1e-9f, 1e-9f));
        m_factor[v] = (vf){};
        if (in.factored_m >= 0) m_factor[v] = inverse_root(x[v] + rule->vector_epsilon);
      }
      take(purpose, in.u < 0 ? -1 : in.u + i, x, out);
      if (in.rsqrt_u >= 0) {
        CK_EACH_VECTOR x[v] = inverse_root(x[v] + 1e-8f);
        take(purpose, in.rsqrt_u + i, x, out);
      }
    } else {
      const float *from_a = b->a_factors + i * b->a_factors_pitch;
      const float *from_b = b->b_factors + i * b->b_factors_pitch;
      CK_EACH_VECTOR m_factor[v] = factor[v] =
          by_kind(a_kind, from_a, v, b->entries) * load(from_b + v * CK_VECTOR);
    }
    CK_EACH_VECTOR x[v] = g[v] * factor[v];
    take(purpose, in.factored_g < 0 ? -1 : in.factored_g + i, x, out);
    if (in.factored_m < 0) continue;
    const float *m = b->m + i * b->pitch;
    CK_EACH_VECTOR x[v] = load(m + v * CK_VECTOR) * m_factor[v];
    take(purpose, in.factored_m + i, x, out);
  }
}

/// The ingredients as the plan has them.
static ingredients planned_ingredients(const context *k) {
  const ck_mr_features *at = &k->plan->features;
  return (ingredients){
      k->rule->momentum_count, k->rule->rms_count, k->rule->factored_count, k->plan->is_vector,
      at->g, at->clipped_g, at->p, at->m, at->v, at->m_s, at->s, at->factored_g, at->g_s,
      at->factored_m, at->u, at->rsqrt_u,
  };
}

// The rows of the common rules, as ck_mlp_rule_plan.c deals them out, for rank >= 2.
static const ingredients celo_ingredients = {
    3, 1, 3, 0, 0, 1, 2, 6, 3, 9, 4, 12, 5, 15, -1, -1,
};
static const ingredients adafac_ingredients = {
    3, 1, 3, 0, 0, -1, 1, 4, 2, 7, 3, 10, -1, 13, -1, -1,
};

/// Adds the features of r or c alone that no entry's part of the sums holds, of one statistic.
CK_INLINE void make_raw_features(
    const context *k, const int constant, const float *x, int64_t pitch, int32_t raw,
    int32_t rsqrt, float *values
) {
  for (int32_t i = 0; i < k->rule->factored_count; i++) {
    CK_EACH_VECTOR {
      const vf y = constant ? splat(x[i * pitch]) : load(x + i * pitch + v * CK_VECTOR);
      if (raw >= 0) store(values + (raw + i) * CK_BLOCK + v * CK_VECTOR, y);
      if (rsqrt < 0) continue;
      store(values + (rsqrt + i) * CK_BLOCK + v * CK_VECTOR, inverse_root(y + 1e-8f));
    }
  }
}

// MARK: - Sums of squares

/// Sums in flight: lanes in float32 for a few blocks, then in double.
typedef struct {
  float *lanes;    // [rows][CK_VECTOR]
  double *sums;    // [rows][CK_VECTOR]
  int32_t rows, blocks;
} squares;

enum { BLOCKS_PER_SUM = 1024 / CK_BLOCK };

CK_APART void flush_squares(squares *s) {
  for (int32_t i = 0; i < s->rows * CK_VECTOR; i++) {
    s->sums[i] += (double)s->lanes[i];
    s->lanes[i] = 0;
  }
  s->blocks = 0;
}

/// To be called after each block.
CK_INLINE void count_block(squares *s) {
  if (++s->blocks == BLOCKS_PER_SUM) flush_squares(s);
}

static void start_squares(const context *k, int32_t rows, squares *s) {
  s->lanes = k->scratch + k->plan->lanes;
  s->sums = (double *)(k->scratch + k->plan->sums);
  s->rows = rows;
  s->blocks = 0;
  memset(s->lanes, 0, (size_t)(rows * CK_VECTOR) * sizeof(float));
  memset(s->sums, 0, (size_t)(rows * CK_VECTOR) * sizeof(double));
}

/// Adds a block's values [rows][CK_BLOCK].
CK_APART void add_squares(squares *s, const float *values) {
  for (int32_t row = 0; row < s->rows; row++) {
    const float *x = values + row * CK_BLOCK;
    vf sum = load(s->lanes + row * CK_VECTOR);
    CK_EACH_VECTOR {
      const vf y = load(x + v * CK_VECTOR);
      sum += y * y;
    }
    store(s->lanes + row * CK_VECTOR, sum);
  }
  count_block(s);
}

/// Adds `count` numbers to the only row.
static void sum_squares(squares *s, int64_t count, const float *x) {
  int64_t e = 0;
  for (; e + CK_BLOCK <= count; e += CK_BLOCK) add_squares(s, x + e);
  if (e < count) {
    float whole[CK_BLOCK] = {0};
    memcpy(whole, x + e, (size_t)(count - e) * sizeof(float));
    add_squares(s, whole);
  }
  flush_squares(s);
}

/// rsqrt(epsilon + mean) of each row; call flush_squares before.
static float scale_of(const squares *s, int32_t row, int64_t count, double epsilon) {
  const double *lanes = s->sums + row * CK_VECTOR;
  double sum = 0;
  CK_UNROLL for (int i = 0; i < CK_VECTOR; i++) sum += lanes[i];
  return (float)(1 / sqrt(epsilon + sum / (double)count));
}

/// Makes the values of elements that aren't there 0.
static void clear_absent(int32_t rows, int64_t count, float *values) {
  for (int32_t row = 0; row < rows; row++) {
    for (int64_t i = count; i < CK_BLOCK; i++) values[row * CK_BLOCK + i] = 0;
  }
}
