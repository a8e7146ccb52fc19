// The perceptron on a block of elements: sums in registers, elements along the lanes, weights broadcast.
// Included after ck_mlp_rule_features.h, with CK_LAYER_ROWS sums at a time.

/// The start of a layer's sums: those at a + j a_pitch, by kind, plus b[j b_pitch + e] if there is a b.
typedef struct {
  const float *a, *b;
  int64_t a_pitch, b_pitch;
  const vi *entries;
} start_of_sums;

/// A layer for `used` sums j: max(limit, start + sum over i < in of w[i stride + j] x[i][e]), x [in][CK_BLOCK].
typedef struct {
  start_of_sums start;
  int32_t used, in;
  const float *x, *w;
  int64_t stride;
  float limit;
} layer_call;

/// Where the sums of a layer go: to out [used][CK_BLOCK], or at once into the next one, which is the last
/// and has one or two outputs: totals[o][e] += next[j next_stride + o] sum j.
typedef struct {
  float *out;
  const float *next;
  int64_t next_stride;
  vf totals[2][CK_BLOCK_VECTORS];
} layer_result;

/// Sums j from `first` on; outputs: of the next layer, 0 to store the sums.
CK_INLINE void layer_rows(
    const int rows, const int a_kind, const int has_b, const int outputs,
    const layer_call *c, int32_t first, layer_result *to
) {
  const start_of_sums *start = &c->start;
  const float *a = start->a + first * start->a_pitch, *b = start->b + first * start->b_pitch;
  vf sums[CK_LAYER_ROWS][CK_BLOCK_VECTORS];
  CK_UNROLL for (int j = 0; j < rows; j++) {
    CK_EACH_VECTOR {
      sums[j][v] = by_kind(a_kind, a + j * start->a_pitch, v, start->entries);
      if (has_b) sums[j][v] += load(b + j * start->b_pitch + v * CK_VECTOR);
    }
  }
  const float *x = c->x, *w = c->w + first;
  for (int32_t i = 0; i < c->in; i++) {
    // Weights first, then a vector of x at a time: so it fits into 16 registers.
    vf weights[CK_LAYER_ROWS];
    CK_UNROLL for (int j = 0; j < rows; j++) weights[j] = splat(w[j]);
    CK_EACH_VECTOR {
      const vf y = load(x + v * CK_VECTOR);
      CK_UNROLL for (int j = 0; j < rows; j++) sums[j][v] += y * weights[j];
    }
    x += CK_BLOCK;
    w += c->stride;
  }
  CK_UNROLL for (int j = 0; j < rows; j++) {
    CK_EACH_VECTOR sums[j][v] = at_least(sums[j][v], c->limit);
  }
  if (outputs == 0) {
    float *out = to->out + first * CK_BLOCK;
    CK_UNROLL for (int j = 0; j < rows; j++) {
      CK_EACH_VECTOR store(out + j * CK_BLOCK + v * CK_VECTOR, sums[j][v]);
    }
    return;
  }
  const float *next = to->next + first * to->next_stride;
  CK_UNROLL for (int o = 0; o < outputs; o++) {
    CK_EACH_VECTOR {
      vf total = to->totals[o][v];
      CK_UNROLL for (int j = 0; j < rows; j++) total += sums[j][v] * next[j * to->next_stride + o];
      to->totals[o][v] = total;
    }
  }
}

/// All sums of a layer, in tiles as even as possible.
CK_INLINE void layer_tiles(
    const int a_kind, const int has_b, const int outputs, const layer_call *c,
    layer_result *to
) {
  const int32_t tiles = (c->used + CK_LAYER_ROWS - 1) / CK_LAYER_ROWS;
  int32_t first = 0, left = tiles;
  while (left > 0) {
    const int32_t rows = (c->used - first + left - 1) / left;
#define CK_CASE(n) \
  case n: \
    layer_rows(n, a_kind, has_b, outputs, c, first, to); \
    break;
    switch (rows) {
      CK_CASE(1)
      CK_CASE(2)
#if CK_LAYER_ROWS >= 3
      CK_CASE(3)
#endif
#if CK_LAYER_ROWS >= 4
      CK_CASE(4)
#endif
#if CK_LAYER_ROWS >= 5
      CK_CASE(5)
      CK_CASE(6)
      CK_CASE(7)
      CK_CASE(8)
#endif
      default:
        break;
    }
#undef CK_CASE
    first += rows;
    left--;
  }
}

// The kinds of starts and results.

CK_APART void first_layer_constant(const layer_call *c, layer_result *to) {
  layer_tiles(CK_CONSTANT, 1, 0, c, to);
}

CK_APART void first_layer_varying(const layer_call *c, layer_result *to) {
  layer_tiles(CK_VARYING, 1, 0, c, to);
}

#if CK_USE_AVX512 || CK_USE_AVX2
CK_APART void first_layer_by_entry(const layer_call *c, layer_result *to) {
  layer_tiles(CK_BY_ENTRY, 1, 0, c, to);
}
#else
static void first_layer_by_entry(const layer_call *c, layer_result *to) {
  first_layer_varying(c, to);
}
#endif

CK_APART void next_layer(const layer_call *c, layer_result *to) {
  layer_tiles(CK_CONSTANT, 0, 0, c, to);
}

CK_APART void next_layer_and_one(const layer_call *c, layer_result *to) {
  layer_tiles(CK_CONSTANT, 0, 1, c, to);
}

CK_APART void next_layer_and_two(const layer_call *c, layer_result *to) {
  layer_tiles(CK_CONSTANT, 0, 2, c, to);
}

/// From a block's features to the outputs that are used: result[0] or both.
CK_INLINE void run_layers(
    const context *k, const block *b, const float *values,
    vf result[2][CK_BLOCK_VECTORS]
) {
  const ck_mr_plan *plan = k->plan;
  const float none = -__builtin_inff();
  float *other = k->scratch + plan->more_hidden;
  const int32_t outputs = plan->layers[plan->layer_count - 1].used;
  layer_result to = {.out = k->scratch + plan->hidden};
  layer_call call = {
      {b->a_parts, b->b_parts, b->a_parts_pitch, b->b_parts_pitch, b->entries}, plan->layers[0].used,
      plan->features.count, values, k->scratch + plan->first_weights, plan->layers[0].used,
      plan->layer_count > 1 ? 0 : none,
  };
  if (b->a_parts_kind == CK_CONSTANT) first_layer_constant(&call, &to);
  else if (b->a_parts_kind == CK_BY_ENTRY) first_layer_by_entry(&call, &to);
  else first_layer_varying(&call, &to);
  for (int32_t l = 1; l < plan->layer_count; l++) {
    const ck_mr_layer *layer = &plan->layers[l], *next = layer + 1;
    call = (layer_call){
        {k->weights + layer->bias, NULL, 1, 0, NULL}, layer->used, layer->in, to.out,
        k->weights + layer->weights, layer->stride, l + 1 < plan->layer_count ? 0 : none,
    };
    if (l + 2 == plan->layer_count) {
      to.next = k->weights + next->weights;
      to.next_stride = next->stride;
      for (int32_t o = 0; o < outputs; o++) {
        CK_EACH_VECTOR to.totals[o][v] = splat(k->weights[next->bias + o]);
      }
      if (outputs == 1) next_layer_and_one(&call, &to);
      else next_layer_and_two(&call, &to);
      CK_EACH_VECTOR result[0][v] = to.totals[0][v];
      if (outputs > 1) CK_EACH_VECTOR result[1][v] = to.totals[1][v];
      return;
    }
    float *before = to.out;
    to.out = other;
    next_layer(&call, &to);
    other = before;
  }
  for (int32_t o = 0; o < outputs; o++) {
    CK_EACH_VECTOR result[o][v] = load(to.out + o * CK_BLOCK + v * CK_VECTOR);
  }
}
