// Tiles of a product in registers. Included after ck_deep_lstm_math.h with CK_TILE_ROWS rows of
// CK_TILE_VECTORS vectors.

#define CK_PANEL (CK_TILE_VECTORS * CK_VECTOR)

// MARK: - Parts of a vector

#if CK_USE_AVX512
typedef __mmask16 part;
CK_INLINE part first_lanes(int64_t count) {
  return (part)((1u << count) - 1);
}
CK_INLINE vf load_part(const float *p, part m) {
  return (vf)_mm512_maskz_loadu_ps(m, p);
}
CK_INLINE void store_part(float *p, vf x, part m) {
  _mm512_mask_storeu_ps(p, m, (__m512)x);
}
#elif CK_USE_AVX2
typedef vi part;
CK_INLINE part first_lanes(int64_t count) {
  const vi lanes = {0, 1, 2, 3, 4, 5, 6, 7};
  return lanes < (int32_t)count;
}
CK_INLINE vf load_part(const float *p, part m) {
  return (vf)_mm256_maskload_ps(p, (__m256i)m);
}
CK_INLINE void store_part(float *p, vf x, part m) {
  _mm256_maskstore_ps(p, (__m256i)m, (__m256)x);
}
#else
typedef int64_t part;
CK_INLINE part first_lanes(int64_t count) {
  return count;
}
CK_INLINE vf load_part(const float *p, part m) {
  vf x = {};
  for (int64_t i = 0; i < m; i++) x[i] = p[i];
  return x;
}
CK_INLINE void store_part(float *p, vf x, part m) {
  for (int64_t i = 0; i < m; i++) p[i] = x[i];
}
#endif

// MARK: - Tiles

/// c[i][j] = alpha (sum over p < k of A[i][p] b[p][j]) + beta d[i][j], or without the latter if d is NULL;
/// A[i][p] is a[i a_row + p a_step]. d may be c.
typedef struct {
  int64_t k;
  const float *a;
  int64_t a_row, a_step;
  const float *b;
  int64_t b_row;
  float alpha, beta;
  const float *d;
  float *c;
  int64_t row;            // of c and d
} tile;

/// One tile; `partial`: only the lanes `last` of the last vector are there.
CK_INLINE void run_tile(
    const int rows, const int vectors, const int partial, const tile *t, part last
) {
#define CK_EACH_OF_TILE CK_UNROLL for (int i = 0; i < rows; i++) CK_UNROLL for (int v = 0; v < vectors; v++)
#define CK_IS_PART(v) (partial && v == vectors - 1)
  vf sums[CK_TILE_ROWS][CK_TILE_VECTORS];
  CK_EACH_OF_TILE sums[i][v] = (vf){};
  // A pointer for three rows, which are at 0, 1 and 2 strides from it. Of one pointer alone the
  // compiler makes a chain of additions as long as the products take; the asm hides that they differ by
  // so many rows.
  const float *a[(CK_TILE_ROWS + 2) / 3], *b = t->b;
  const int64_t a_row = t->a_row;
  CK_UNROLL for (int i = 0; i < rows; i += 3) {
    a[i / 3] = t->a + i * a_row;
    __asm__("" : "+r"(a[i / 3]));
  }
  for (int64_t p = 0; p < t->k; p++) {
    vf y[CK_TILE_VECTORS];
    CK_UNROLL for (int v = 0; v < vectors; v++) {
      y[v] = CK_IS_PART(v) ? load_part(b + v * CK_VECTOR, last) : load(b + v * CK_VECTOR);
    }
    CK_UNROLL for (int i = 0; i < rows; i++) {
      const vf x = splat(a[i / 3][i % 3 * a_row]);
      CK_UNROLL for (int v = 0; v < vectors; v++) sums[i][v] += x * y[v];
    }
    CK_UNROLL for (int i = 0; i < rows; i += 3) a[i / 3] += t->a_step;
    b += t->b_row;
  }
  CK_EACH_OF_TILE {
    const int64_t at = i * t->row + v * CK_VECTOR;
    vf z = sums[i][v] * t->alpha;
    if (t->d) z += t->beta * (CK_IS_PART(v) ? load_part(t->d + at, last) : load(t->d + at));
    if (CK_IS_PART(v)) store_part(t->c + at, z, last);
    else store(t->c + at, z);
  }
}

CK_INLINE void run_rows(
    const int vectors, const int partial, int32_t rows, const tile *t, part last
) {
#define CK_CASE(n) \
  case n: \
    run_tile(n, vectors, partial, t, last); \
    break;
  switch (rows) {
    CK_CASE(1)
    CK_CASE(2)
    CK_CASE(3)
    CK_CASE(4)
#if CK_TILE_ROWS > 4
    CK_CASE(5)
    CK_CASE(6)
#endif
#if CK_TILE_ROWS > 6
    CK_CASE(7)
    CK_CASE(8)
    CK_CASE(9)
    CK_CASE(10)
    CK_CASE(11)
    CK_CASE(12)
#endif
    default:
      break;
  }
#undef CK_CASE
}

/// A panel of `columns` <= CK_PANEL columns and m rows, in tiles as even as possible.
static void run_panel(int64_t m, int64_t columns, tile t) {
  const int64_t tiles = (m + CK_TILE_ROWS - 1) / CK_TILE_ROWS;
  const float *a = t.a, *d = t.d;
  float *c = t.c;
  const int64_t over = columns % CK_VECTOR;
  const part last = first_lanes(over);
  const int vectors = (int)((columns + CK_VECTOR - 1) / CK_VECTOR);
  for (int64_t i = 0; i < tiles; i++) {
    const int64_t first = i * m / tiles;
    const int32_t rows = (int32_t)((i + 1) * m / tiles - first);
    t.a = a + first * t.a_row;
    t.c = c + first * t.row;
    if (d) t.d = d + first * t.row;
    if (vectors == 1) {
      if (over) run_rows(1, 1, rows, &t, last);
      else run_rows(1, 0, rows, &t, last);
    } else {
      if (over) run_rows(2, 1, rows, &t, last);
      else run_rows(2, 0, rows, &t, last);
    }
  }
}

/// Copies columns of b [k, n] to a panel [k][CK_PANEL], or of the transposed of b [n, k].
static void copy_panel(
    int64_t k, int64_t columns, const float *b, int64_t row, int turns, float *panel
) {
  if (!turns) {
    for (int64_t p = 0; p < k; p++) {
      memcpy(panel + p * CK_PANEL, b + p * row, (size_t)columns * sizeof(float));
    }
    return;
  }
  int64_t j = 0;
  for (; j + CK_VECTOR <= columns; j += CK_VECTOR) {
    int64_t p = 0;
    for (; p + CK_VECTOR <= k; p += CK_VECTOR) {
      vf square[CK_VECTOR];
      CK_UNROLL for (int i = 0; i < CK_VECTOR; i++) square[i] = load(b + (j + i) * row + p);
      transpose(square);
      CK_UNROLL for (int i = 0; i < CK_VECTOR; i++) {
        store(panel + (p + i) * CK_PANEL + j, square[i]);
      }
    }
    for (; p < k; p++) {
      for (int i = 0; i < CK_VECTOR; i++) panel[p * CK_PANEL + j + i] = b[(j + i) * row + p];
    }
  }
  for (; j < columns; j++) {
    for (int64_t p = 0; p < k; p++) panel[p * CK_PANEL + j] = b[j * row + p];
  }
}

static void product(
    int64_t m, int64_t n, int64_t k, const float *a, int transpose_a, const float *b,
    int transpose_b, int accumulates, float *c, float *scratch
) {
  const int copies = transpose_b || k * n > CK_SP_COPY;
  if (k == 0 && !accumulates) memset(c, 0, (size_t)(m * n) * sizeof(float));
  for (int64_t p = 0; p < k; p += CK_SP_DEPTH) {
    const int64_t depth = k - p < CK_SP_DEPTH ? k - p : CK_SP_DEPTH;
    for (int64_t j = 0; j < n; j += CK_PANEL) {
      const int64_t columns = n - j < CK_PANEL ? n - j : CK_PANEL;
      const float *from = transpose_b ? b + j * k + p : b + p * n + j;
      if (copies) copy_panel(depth, columns, from, transpose_b ? k : n, transpose_b, scratch);
      const tile t = {
          depth, transpose_a ? a + p * m : a + p, transpose_a ? 1 : k, transpose_a ? m : 1,
          copies ? scratch : from, copies ? CK_PANEL : n, 1, 1,
          accumulates || p > 0 ? c + j : NULL, c + j, n,
      };
      run_panel(m, columns, t);
    }
  }
}
