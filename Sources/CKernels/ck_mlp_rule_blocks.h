// The blocks of a slice: where each one's numbers are. Included after ck_mlp_rule_statistics.h.

/// A walk through a slice, block by block.
typedef struct {
  int64_t element;                 // of the tensor
  int64_t left;                    // of the slice
  int64_t column;                  // along the last axis
  int64_t a, b;                    // the run's entries, from the slice's first
  int64_t lead[CK_MR_MAX_RANK];
} cursor;

static void next_run(const context *k, cursor *at) {
  const ck_mr_plan *plan = k->plan;
  at->column = 0;
  for (int32_t d = plan->rank - 2; d >= plan->leading; d--) {
    at->a += k->a->strides[d];
    at->b += k->b->strides[d];
    if (++at->lead[d] < plan->dims[d]) return;
    at->a -= k->a->strides[d] * at->lead[d];
    at->b -= k->b->strides[d] * at->lead[d];
    at->lead[d] = 0;
  }
}

static inline void advance(const context *k, int64_t count, cursor *at) {
  at->element += count;
  at->left -= count;
  if (k->plan->is_vector) return;
  while (at->column + count >= k->plan->last) {
    count -= k->plan->last - at->column;
    next_run(k, at);
  }
  at->column += count;
}

/// A slice: its first element, and its first entries of a and b.
typedef struct {
  int64_t element, a, b;
} slice;

/// Spreads what r and c contribute to a block that isn't part of one run.
CK_APART void expand(
    const context *k, const slice *in, cursor at, const int layers, block *b
) {
  const ck_mr_plan *plan = k->plan;
  const int32_t decays = k->rule->factored_count, used = plan->layers[0].used;
  const ck_mr_statistic *sa = k->a, *sb = k->b;
  float *factors = k->scratch + plan->expanded_factors;
  float *parts = k->scratch + plan->expanded_parts;
  float *raw = k->scratch + plan->expanded_raw;
  const float *a_factors = k->scratch + sa->factors + in->a;
  const float *b_factors = k->scratch + sb->factors + in->b;
  // A pitch of 0 is that of a start that is the same everywhere: see first_starts.
  const float *a_parts = b->a_parts, *b_parts = b->b_parts;
  for (int64_t done = 0; done < b->count;) {
    const int64_t rest = b->count - done, run = plan->last - at.column;
    const int64_t count = run < rest ? run : rest;
    const int64_t ia = sa->varies ? at.a + at.column : at.a, ib = at.b + at.column;
    for (int32_t i = 0; i < decays; i++) {
      const float *x = a_factors + i * sa->entries + ia, *y = b_factors + i * sb->entries + ib;
      float *to = factors + i * CK_MR_EXPANDED + done;
      for (int64_t e = 0; e < count; e += CK_VECTOR) {
        store(to + e, (sa->varies ? load(x + e) : splat(*x)) * load(y + e));
      }
    }
    if (layers) {
      for (int32_t j = 0; j < used; j++) {
        const float *x = a_parts + j * b->a_parts_pitch + (sa->shared ? ia : 0);
        const float *y = b_parts + j * b->b_parts_pitch + (sb->shared ? ib : 0);
        float *to = parts + j * CK_MR_EXPANDED + done;
        for (int64_t e = 0; e < count; e += CK_VECTOR) {
          const vf first = sa->shared && sa->varies ? load(x + e) : splat(*x);
          store(to + e, first + load(sb->shared ? y + e : y));
        }
      }
      const ck_mr_statistic *both[2] = {sa, sb};
      for (int which = 0; which < 2; which++) {
        const ck_mr_statistic *s = both[which];
        if (s->shared) continue;
        for (int32_t i = 0; i < decays; i++) {
          const float *x = k->state + s->offset + i * s->entries
              + (which == 0 ? in->a + ia : in->b + ib);
          float *to = raw + (which * decays + i) * CK_MR_EXPANDED + done;
          for (int64_t e = 0; e < count; e++) to[e] = s->varies ? x[e] : *x;
        }
      }
    }
    done += count;
    advance(k, count, &at);
  }
  b->a_factors = k->scratch + plan->ones;
  b->a_factors_pitch = 0;
  b->b_factors = factors;
  b->b_factors_pitch = CK_MR_EXPANDED;
  b->a_parts = k->scratch + plan->zeros;
  b->a_parts_pitch = 0;
  b->b_parts = parts;
  b->b_parts_pitch = CK_MR_EXPANDED;
  b->a_raw = raw;
  b->is_expanded = 1;
  b->b_raw = raw + decays * CK_MR_EXPANDED;
  b->a_raw_pitch = b->b_raw_pitch = CK_MR_EXPANDED;
}

/// Where the parts of the first layer's sums begin: the statistics' if they are shared (one of them
/// holds the bias), else the bias and zeros.
static void first_starts(const context *k, block *b) {
  const ck_mr_plan *plan = k->plan;
  const int has_statistics = !plan->is_vector && k->rule->factored_count > 0;
  b->a_parts = k->scratch + plan->first_bias;
  b->a_parts_pitch = 1;
  b->b_parts = k->scratch + plan->zeros;
  b->b_parts_pitch = 0;
  if (!has_statistics) return;
  if (k->a->shared) {
    b->a_parts = k->scratch + k->a->parts;
    b->a_parts_pitch = k->a->slice_entries + CK_MR_EXPANDED;
  }
  if (k->b->shared) {
    b->b_parts = k->scratch + k->b->parts;
    b->b_parts_pitch = k->b->slice_entries + CK_MR_EXPANDED;
  }
}

/// Copies the elements of a block that isn't whole, 0 past them; with `out` the accumulators back.
static void copy_partial(const context *k, int64_t element, int64_t count, int out) {
  const ck_mlp_rule *rule = k->rule;
  const ck_mr_plan *plan = k->plan;
  float *to = k->scratch + plan->block;
  const size_t size = (size_t)count * sizeof(float);
  if (!out) {
    memset(to, 0, 2 * CK_BLOCK * sizeof(float));
    memcpy(to, k->gradient + element, size);
    memcpy(to + CK_BLOCK, k->p + element, size);
  }
  to += 2 * CK_BLOCK;
  const int32_t planes = rule->momentum_count + rule->rms_count
      + (plan->is_vector ? rule->factored_count : 0);
  for (int32_t i = 0; i < planes; i++) {
    float *x = k->state + i * plan->n + element, *y = to + i * CK_BLOCK;
    if (!out) memset(y, 0, CK_BLOCK * sizeof(float));
    memcpy(out ? x : y, out ? y : x, size);
  }
}

/// Sets the kind of a, and entries, of a block in a grid whose rows are `last` long. Returns whether
/// that is possible: not if more entries belong to a block than a vector holds.
CK_INLINE int find_entries(int64_t last, int64_t column, block *b) {
  if (column + CK_BLOCK <= last) return 1;
#if CK_USE_AVX512 || CK_USE_AVX2
  if ((column + CK_BLOCK - 1) / last >= CK_VECTOR) return 0;
  vi place;
  for (int i = 0; i < CK_VECTOR; i++) place[i] = i;
  // From the middle of an element, so that rounding doesn't matter; only one end is near if rows are long.
  place += last < CK_BLOCK ? (int32_t)column : (int32_t)(column - last);
  const float scale = 1 / (float)last;
  CK_EACH_VECTOR {
    const vi x = place + v * CK_VECTOR;
    b->entries[v] = last < CK_BLOCK
        ? __builtin_convertvector((__builtin_convertvector(x, vf) + 0.5f) * scale, vi)
        : (x >= 0) & 1;
  }
  b->a_kind = b->a_parts_kind = CK_BY_ENTRY;
  return 1;
#else
  (void)b;
  return 0;
#endif
}

/// The block at a cursor.
CK_APART void find_block(
    const context *k, const slice *in, const cursor *at, const int layers, block *b
) {
  const ck_mlp_rule *rule = k->rule;
  const ck_mr_plan *plan = k->plan;
  b->count = at->left < CK_BLOCK ? at->left : CK_BLOCK;
  float *m;
  if (b->count == CK_BLOCK) {
    b->g = k->gradient + at->element;
    b->p = k->p + at->element;
    m = k->state + at->element;
    b->pitch = plan->n;
  } else {
    copy_partial(k, at->element, b->count, 0);
    b->g = k->scratch + plan->block;
    b->p = b->g + CK_BLOCK;
    m = k->scratch + plan->block + 2 * CK_BLOCK;
    b->pitch = CK_BLOCK;
  }
  b->m = m;
  b->v = m + rule->momentum_count * b->pitch;
  b->u = b->v + rule->rms_count * b->pitch;
  first_starts(k, b);
  b->a_kind = b->a_parts_kind = CK_CONSTANT;
  b->is_expanded = 0;
  if (plan->is_vector || rule->factored_count == 0) return;
  const ck_mr_statistic *sa = k->a, *sb = k->b;
  if (plan->is_grid && find_entries(plan->last, at->column, b)) {
    b->a_factors = k->scratch + sa->factors + in->a + at->a;
    b->a_factors_pitch = sa->entries;
    b->b_factors = k->scratch + plan->repeated_factors + at->column;
    b->b_factors_pitch = plan->last + CK_MR_EXPANDED;
    b->a_parts += at->a;
    b->b_parts += at->column;
    return;
  }
  if (at->column + CK_BLOCK > plan->last || b->count < CK_BLOCK) {
    expand(k, in, *at, layers, b);
    return;
  }
  const int64_t ia = sa->varies ? at->a + at->column : at->a, ib = at->b + at->column;
  b->a_factors = k->scratch + sa->factors + in->a + ia;
  b->a_factors_pitch = sa->entries;
  b->b_factors = k->scratch + sb->factors + in->b + ib;
  b->b_factors_pitch = sb->entries;
  if (sa->shared) b->a_parts += ia;
  if (sb->shared) b->b_parts += ib;
  b->a_raw = k->state + sa->offset + in->a + ia;
  b->a_raw_pitch = sa->entries;
  b->b_raw = k->state + sb->offset + in->b + ib;
  b->b_raw_pitch = sb->entries;
  b->a_kind = sa->varies ? CK_VARYING : CK_CONSTANT;
  b->a_parts_kind = sa->varies && sa->shared ? CK_VARYING : CK_CONSTANT;
}
