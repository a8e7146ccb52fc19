// Register tiles of the convolutions. Included once for each number of lanes, with
// CK_NAME(name)   the name of a function of this set,
// CK_VECTOR       floats in a vector register,
// CK_VECTORS      registers along the lanes,
// CK_OUTPUTS      outputs in a tile at most, 24 or fewer,
// CK_TAPS         taps in a tile at most, 27 or fewer.
//
// The functions take a tile's extent as a constant: after inlining, a tile lives in registers. A tile
// of n by v registers needs n + v loads for n v multiply-adds; 8 or more of them hide the latency.

#define CK_LANES (CK_VECTOR * CK_VECTORS)
#define CK_UNROLL _Pragma("clang loop unroll(full)")
#define CK_EACH_VECTOR CK_UNROLL for (int v = 0; v < CK_VECTORS; v++)

typedef float CK_NAME(vf) __attribute__((vector_size(CK_VECTOR * 4)));
typedef float CK_NAME(vf_unaligned)
  __attribute__((vector_size(CK_VECTOR * 4), aligned(4), may_alias));
#define vf CK_NAME(vf)
#define load(p) (*(const CK_NAME(vf_unaligned) *)(p))
#define store(p, x) (*(CK_NAME(vf_unaligned) *)(p) = (x))
#define splat(x) ((x) - (vf){})

/// Bounds of the parts of `extent` in as few, as equal parts of at most `most` as possible.
static inline int64_t CK_NAME(part)(int64_t extent, int64_t most, int64_t done) {
  const int64_t parts = (extent - done + most - 1) / most;
  return (extent - done + parts - 1) / parts;
}

static inline int64_t CK_NAME(larger)(int64_t a, int64_t b) { return a > b ? a : b; }
static inline int64_t CK_NAME(smaller)(int64_t a, int64_t b) { return a < b ? a : b; }

/// `count` outputs side by side, over rows first ..< last of their windows.
CK_INLINE void CK_NAME(outputs_tile)(
  const int count, const ck_conv_outputs *k, const float *x, int64_t first, int64_t last,
  float *out) {
  enum { MOST_GROUPS = (CK_OUTPUTS + 3) / 4 };
  const int groups = (count + 3) / 4;
  vf sums[CK_OUTPUTS][CK_VECTORS];
  CK_UNROLL for (int p = 0; p < count; p++)
    CK_EACH_VECTOR sums[p][v] = load(k->bias + v * CK_VECTOR);
  const float *w = k->weights + first * k->run * CK_LANES;
  const int64_t step = k->x_step;
  x += first * k->x_pitch;
  for (int64_t u = first; u < last; u++, x += k->x_pitch) {
    // A pointer for each four outputs: their distances are then part of the addresses.
    const float *q[MOST_GROUPS];
    CK_UNROLL for (int g = 0; g < groups; g++) q[g] = x + 4 * g * step;
    for (int64_t t = 0; t < k->run; t++) {
      vf weight[CK_VECTORS];
      CK_EACH_VECTOR weight[v] = load(w + v * CK_VECTOR);
      w += CK_LANES;
      CK_UNROLL for (int p = 0; p < count; p++) {
        const vf value = splat(q[p / 4][p % 4 * step]);
        CK_EACH_VECTOR sums[p][v] += value * weight[v];
      }
      CK_UNROLL for (int g = 0; g < groups; g++) q[g]++;
    }
  }
  if (k->count == CK_LANES) {
    CK_UNROLL for (int p = 0; p < count; p++)
      CK_EACH_VECTOR store(out + p * k->out_step + v * CK_VECTOR, sums[p][v]);
  } else {
    CK_UNROLL for (int p = 0; p < count; p++) {
      float lanes[CK_LANES];
      CK_EACH_VECTOR store(lanes + v * CK_VECTOR, sums[p][v]);
      for (int64_t l = 0; l < k->count; l++) out[p * k->out_step + l] = lanes[l];
    }
  }
}

#define CK_EACH_EXTENT(X) \
  X(1) X(2) X(3) X(4) X(5) X(6) X(7) X(8) X(9) X(10) X(11) X(12) X(13) X(14) X(15) X(16) X(17) \
  X(18) X(19) X(20) X(21) X(22) X(23) X(24) X(25) X(26) X(27)

static void CK_NAME(outputs)(const ck_conv_outputs *k) {
  for (int64_t i = 0; i < k->out_rows; i++) {
    const int64_t first = CK_NAME(larger)(0, k->first_row - i * k->down);
    const int64_t last = CK_NAME(smaller)(k->rows, k->last_row - i * k->down);
    for (int64_t j = 0; j < k->out_columns;) {
      const int64_t count = CK_NAME(part)(k->out_columns, CK_OUTPUTS, j);
      const float *x = k->x + i * k->x_row + j * k->x_step;
      float *out = k->out + i * k->out_row + j * k->out_step;
      switch (count) {
#define CASE(n) \
  case n <= CK_OUTPUTS ? n : -n: \
    if (n <= CK_OUTPUTS) CK_NAME(outputs_tile)(n <= CK_OUTPUTS ? n : 1, k, x, first, last, out); \
    break;
        CK_EACH_EXTENT(CASE)
#undef CASE
      }
      j += count;
    }
  }
}

/// `count` taps side by side, over rows first ..< last of the pixels: the pixels' sum starts at 0 and is added to the others' at the end,
/// so that rounding errors don't grow with the number of pixels.
CK_INLINE void CK_NAME(taps_tile)(
  const int count, const ck_conv_taps *k, const float *x, int64_t first, int64_t last,
  float *out) {
  vf sums[CK_TAPS][CK_VECTORS];
  CK_UNROLL for (int t = 0; t < count; t++) CK_EACH_VECTOR sums[t][v] = (vf){};
  for (int64_t i = first; i < last; i++) {
    const float *q = x + i * k->x_row, *g = k->g + i * k->g_row;
    for (int64_t j = 0; j < k->g_columns; j++) {
      vf value[CK_VECTORS];
      CK_EACH_VECTOR value[v] = load(g + v * CK_VECTOR);
      CK_UNROLL for (int t = 0; t < count; t++) {
        const vf pixel = splat(q[t]);
        CK_EACH_VECTOR sums[t][v] += pixel * value[v];
      }
      q += k->x_step;
      g += k->g_step;
    }
  }
  CK_UNROLL for (int t = 0; t < count; t++) CK_EACH_VECTOR {
    float *target = out + t * CK_LANES + v * CK_VECTOR;
    store(target, load(target) + sums[t][v]);
  }
}

static void CK_NAME(taps)(const ck_conv_taps *k) {
  for (int64_t u = 0; u < k->rows; u++) {
    // The rows i of pixels whose tap is inside: first_row <= i down + u < last_row.
    int64_t first = 0, last = k->g_rows;
    while (first < last && first * k->down + u < k->first_row) first++;
    while (last > first && (last - 1) * k->down + u >= k->last_row) last--;
    for (int64_t t = 0; t < k->run;) {
      const int64_t count = CK_NAME(part)(k->run, CK_TAPS, t);
      const float *x = k->x + u * k->x_pitch + t;
      float *out = k->sums + (u * k->run + t) * CK_LANES;
      switch (count) {
#define CASE(n) \
  case n <= CK_TAPS ? n : -n: \
    if (n <= CK_TAPS) CK_NAME(taps_tile)(n <= CK_TAPS ? n : 1, k, x, first, last, out); \
    break;
        CK_EACH_EXTENT(CASE)
#undef CASE
      }
      t += count;
    }
  }
}

static const ck_conv_kernels CK_NAME(kernels) = {CK_LANES, CK_NAME(outputs), CK_NAME(taps)};

#undef vf
#undef load
#undef store
#undef splat
#undef CK_LANES
#undef CK_UNROLL
#undef CK_EACH_VECTOR
#undef CK_EACH_EXTENT
#undef CK_NAME
#undef CK_VECTOR
#undef CK_VECTORS
#undef CK_OUTPUTS
#undef CK_TAPS
