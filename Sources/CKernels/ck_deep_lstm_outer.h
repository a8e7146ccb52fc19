// Weight gradients: products of a block's values and adjoints, summed over the lanes. Included
// by ck_deep_lstm_tiles.h.
//
// The sum over lanes wants one side transposed: then a vector holds columns of the result, and
// the other side's lanes are broadcast one by one.

// MARK: - Weight gradients

/// out [m rows][pitch] += x [m][lanes] times y [lanes][pitch], n vectors wide. With `bias`, the
/// next row of out += the sum of y over lanes.
CK_INLINE void add_outer_tile(
    const int m, const int n, const int bias, const float *x, const float *y, int32_t pitch,
    float *out
) {
  vf sums[CK_OUTER_ROWS + 1][CK_OUTER_VECTORS];
  CK_UNROLL for (int r = 0; r < m + bias; r++) {
    CK_UNROLL for (int v = 0; v < n; v++) sums[r][v] = load(out + r * pitch + v * CK_VECTOR);
  }
  for (int lane = 0; lane < CK_LANES; lane++) {
    vf in[CK_OUTER_VECTORS];
    CK_UNROLL for (int v = 0; v < n; v++) in[v] = load(y + v * CK_VECTOR);
    CK_UNROLL for (int r = 0; r < m; r++) {
      const vf factor = splat(x[r * CK_LANES + lane]);
      CK_UNROLL for (int v = 0; v < n; v++) sums[r][v] += factor * in[v];
    }
    if (bias) {
      CK_UNROLL for (int v = 0; v < n; v++) sums[m][v] += in[v];
    }
    y += pitch;
    // The next tile's sums, two vectors a lane: they have left the first-level cache.
    __builtin_prefetch(out + m * pitch + 2 * lane * CK_VECTOR, 1);
    if (CK_VECTOR == 16) __builtin_prefetch(out + m * pitch + (2 * lane + 1) * CK_VECTOR, 1);
  }
  CK_UNROLL for (int r = 0; r < m + bias; r++) {
    CK_UNROLL for (int v = 0; v < n; v++) store(out + r * pitch + v * CK_VECTOR, sums[r][v]);
  }
}

/// All rows of x, for one column of tiles.
CK_INLINE void add_outer_column(
    const int n, const int bias, const float *x, int32_t rows, const float *y, int32_t pitch,
    float *out
) {
  // The bias row counts as a row, so that with it a tile still fits the registers.
  const int32_t tiles = ck_dl_tile_count(rows + bias, CK_OUTER_ROWS);
  for (int32_t i = 0; i < tiles; i++) {
    int32_t size =
        ck_dl_tile_start(i + 1, tiles, rows + bias) - ck_dl_tile_start(i, tiles, rows + bias);
    if (bias && i == tiles - 1) {
      switch (size - 1) {
#define CK_CASE(m) case m: add_outer_tile(m, n, 1, x, y, pitch, out); break;
        CK_CASE(0) CK_CASE(1)
#if CK_OUTER_ROWS > 2
        CK_CASE(2)
#endif
#if CK_OUTER_ROWS > 3
        CK_CASE(3)
#endif
#if CK_OUTER_ROWS > 4
        CK_CASE(4)
#endif
#undef CK_CASE
        default: __builtin_unreachable();
      }
      break;
    }
    switch (size) {
#define CK_CASE(m) case m: add_outer_tile(m, n, 0, x, y, pitch, out); break;
      CK_CASE(1) CK_CASE(2)
#if CK_OUTER_ROWS > 2
      CK_CASE(3)
#endif
#if CK_OUTER_ROWS > 3
      CK_CASE(4)
#endif
#if CK_OUTER_ROWS > 4
      CK_CASE(5)
#endif
#undef CK_CASE
      default: __builtin_unreachable();
    }
    x += size * CK_LANES;
    out += size * pitch;
  }
}

CK_INLINE void add_outer_columns(
    const int bias, const float *x, int32_t rows, const float *y, int32_t pitch, float *out
) {
  const int32_t vectors = pitch / CK_VECTOR;
  const int32_t columns = ck_dl_tile_count(vectors, CK_OUTER_VECTORS);
  for (int32_t i = 0; i < columns; i++) {
    const int32_t start = ck_dl_tile_start(i, columns, vectors);
    const int32_t size = ck_dl_tile_start(i + 1, columns, vectors) - start;
    const float *y_start = y + start * CK_VECTOR;
    float *out_start = out + start * CK_VECTOR;
    switch (size) {
#define CK_CASE(n) case n: add_outer_column(n, bias, x, rows, y_start, pitch, out_start); break;
      CK_CASE(1) CK_CASE(2)
#if CK_OUTER_VECTORS > 2
      CK_CASE(3)
#endif
#if CK_OUTER_VECTORS > 3
      CK_CASE(4)
#endif
#if CK_OUTER_VECTORS > 4
      CK_CASE(5)
#endif
#undef CK_CASE
      default: __builtin_unreachable();
    }
  }
}

/// out [rows][pitch] += x [rows][lanes] times y [lanes][pitch].
static void add_outer(
    const float *x, int32_t rows, const float *y, int32_t pitch, float *out
) {
  add_outer_columns(0, x, rows, y, pitch, out);
}

/// The same, and out's next row += the sum of y over lanes.
static void add_outer_and_bias(
    const float *x, int32_t rows, const float *y, int32_t pitch, float *out
) {
  add_outer_columns(1, x, rows, y, pitch, out);
}

/// y [lanes][pitch] from x [pitch][lanes].
CK_INLINE void transpose_block(const float *x, int32_t pitch, float *y) {
  for (int32_t column = 0; column < pitch; column += CK_VECTOR) {
    for (int v = 0; v < CK_VECTORS; v++) {
      vf square[CK_VECTOR];
      CK_UNROLL for (int i = 0; i < CK_VECTOR; i++) {
        square[i] = load(x + (column + i) * CK_LANES + v * CK_VECTOR);
      }
      transpose(square);
      CK_UNROLL for (int i = 0; i < CK_VECTOR; i++) {
        store(y + (int64_t)(v * CK_VECTOR + i) * pitch + column, square[i]);
      }
    }
  }
}
