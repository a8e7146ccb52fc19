// Register tiles: the three matrix products of a block, and the activations of a tile of units.
// Included after ck_deep_lstm_math.h, with the tile sizes
// CK_VECTORS (vectors in a block's row), CK_GATE_UNITS, CK_LINEAR_ROWS, CK_OUTER_ROWS,
// CK_OUTER_VECTORS.
//
// The functions take a tile's extent as a constant: after inlining, a tile lives in registers.

#include "ck_deep_lstm_private.h"

#define CK_LANES (CK_VECTOR * CK_VECTORS)
#define CK_EACH_VECTOR CK_UNROLL for (int v = 0; v < CK_VECTORS; v++)

/// sums[r] += sum over k of w[k][r] x[k]: a tile of `count` outputs over `rows` inputs.
/// Returns the weights after the last one used.
CK_INLINE const float *multiply_add(
    const int count, vf sums[][CK_VECTORS], const float *w, const float *x, int32_t rows
) {
  for (int32_t k = 0; k < rows; k++) {
    vf in[CK_VECTORS];
    CK_EACH_VECTOR in[v] = load(x + k * CK_LANES + v * CK_VECTOR);
    CK_UNROLL for (int r = 0; r < count; r++) {
      const vf weight = splat(w[r]);
      CK_EACH_VECTOR sums[r][v] += weight * in[v];
    }
    w += count;
  }
  return w;
}

// MARK: - Gates

/// What one tile of units reads and writes; pointers at the tile's first unit, except h and x.
typedef struct {
  const float *w;         // packed tile
  const float *h, *x;     // [H][lanes] before the step, [inputs][lanes]
  int32_t hidden, inputs;
  const float *c_in;      // [units][lanes]
  float *c_out, *h_out;   // [units][lanes]
  float *factors;         // [units][6][lanes], or unused
} gate_tile;

/// The gates of `units` units, their new c and h, and with `tape` what the backward pass needs.
///
/// The tape holds not the gates but the factors that adjoints are multiplied by:
///   do = dh * tanh(c) o (1 - o)    dc += dh * o (1 - tanh(c)^2)
///   di = dc * j i (1 - i)          dj = dc * i (1 - j^2)
///   df = dc * c_prev f (1 - f)     dc_prev = dc * f
/// They cost less here, where all values are in registers, and the way back is six products.
CK_INLINE void compute_gate_tile(const int units, const int tape, const gate_tile *t) {
  vf sums[4 * CK_GATE_UNITS][CK_VECTORS];
  const float *w = t->w;
  CK_UNROLL for (int r = 0; r < 4 * units; r++) {
    CK_EACH_VECTOR sums[r][v] = splat(w[r]);
  }
  w = multiply_add(4 * units, sums, w + 4 * units, t->h, t->hidden);
  multiply_add(4 * units, sums, w, t->x, t->inputs);
  vf c[CK_GATE_UNITS][CK_VECTORS];
  CK_UNROLL for (int u = 0; u < units; u++) {
    CK_EACH_VECTOR {
      const int at = u * CK_LANES + v * CK_VECTOR;
      const vf i = sigmoid_of_scaled(sums[4 * u][v]);
      const vf j = tanh_of_scaled(sums[4 * u + 1][v]);
      const vf f = sigmoid_of_scaled(sums[4 * u + 2][v]);
      const vf o = sigmoid_of_scaled(sums[4 * u + 3][v]);
      const vf ij = i * j;
      const vf cf = load(t->c_in + at) * f;
      c[u][v] = cf + ij;
      store(t->c_out + at, c[u][v]);
      sums[4 * u + 3][v] = o;
      if (tape) {
        float *factors = t->factors + CK_DL_FACTORS * u * CK_LANES + v * CK_VECTOR;
        store(factors, ij * (1 - i));
        store(factors + CK_LANES, i - ij * j);
        store(factors + 2 * CK_LANES, cf * (1 - f));
        store(factors + 5 * CK_LANES, f);
      }
    }
  }
  CK_UNROLL for (int u = 0; u < units; u++) {
    CK_EACH_VECTOR {
      const vf o = sums[4 * u + 3][v];
      const vf tanh_c = tanh_of_scaled(c[u][v] * 2.88539008f);
      const vf h = tanh_c * o;
      store(t->h_out + u * CK_LANES + v * CK_VECTOR, h);
      if (tape) {
        float *factors = t->factors + CK_DL_FACTORS * u * CK_LANES + v * CK_VECTOR;
        store(factors + 3 * CK_LANES, h * (1 - o));
        store(factors + 4 * CK_LANES, o - h * tanh_c);
      }
    }
  }
}

/// One LSTM layer, one step, one block. h, c_in, c_out, h_out [H][lanes]; x [inputs][lanes];
/// factors [H][6][lanes] with `tape`. c_out may be c_in.
CK_INLINE void compute_layer(
    const int tape, const ck_dl_layer *layer, const float *packed, const float *h, const float *x,
    const float *c_in, float *c_out, float *h_out, float *factors
) {
  const int32_t hidden = layer->hidden;
  const int32_t tiles = ck_dl_tile_count(hidden, CK_GATE_UNITS);
  gate_tile tile = {
      packed + layer->packed_gates, h, x, hidden, layer->inputs, c_in, c_out, h_out, factors,
  };
  for (int32_t i = 0; i < tiles; i++) {
    const int32_t units =
        ck_dl_tile_start(i + 1, tiles, hidden) - ck_dl_tile_start(i, tiles, hidden);
    switch (units) {
#define CK_CASE(n) case n: compute_gate_tile(n, tape, &tile); break;
      CK_CASE(1)
#if CK_GATE_UNITS > 1
      CK_CASE(2)
#endif
#if CK_GATE_UNITS > 2
      CK_CASE(3) CK_CASE(4)
#endif
#undef CK_CASE
      default: __builtin_unreachable();
    }
    tile.w += (int64_t)(hidden + layer->inputs + 1) * 4 * units;
    tile.c_in += units * CK_LANES;
    tile.c_out += units * CK_LANES;
    tile.h_out += units * CK_LANES;
    if (tape) tile.factors += CK_DL_FACTORS * units * CK_LANES;
  }
}

// MARK: - Linear maps

/// Where a linear map's sums start from.
enum { START_ZERO, START_BIAS, START_BASE };

CK_INLINE const float *compute_linear_tile(
    const int count, const int start, const float *w, const float *x, int32_t rows,
    const float *base, float *out
) {
  vf sums[CK_LINEAR_ROWS][CK_VECTORS];
  CK_UNROLL for (int r = 0; r < count; r++) {
    CK_EACH_VECTOR {
      sums[r][v] = start == START_BIAS ? splat(w[r])
          : start == START_BASE ? load(base + r * CK_LANES + v * CK_VECTOR) : (vf){};
    }
  }
  w = multiply_add(count, sums, start == START_BIAS ? w + count : w, x, rows);
  CK_UNROLL for (int r = 0; r < count; r++) {
    CK_EACH_VECTOR store(out + r * CK_LANES + v * CK_VECTOR, sums[r][v]);
  }
  return w;
}

/// out [count][lanes] = start + w x, with x [rows][lanes] and w packed in tiles of outputs.
/// base [count][lanes] may be out.
CK_INLINE void compute_linear(
    const int start, int32_t count, const float *w, const float *x, int32_t rows,
    const float *base, float *out
) {
  const int32_t tiles = ck_dl_tile_count(count, CK_LINEAR_ROWS);
  for (int32_t i = 0; i < tiles; i++) {
    const int32_t size = ck_dl_tile_start(i + 1, tiles, count) - ck_dl_tile_start(i, tiles, count);
    switch (size) {
#define CK_CASE(n) \
  case n: w = compute_linear_tile(n, start, w, x, rows, base, out); break;
      CK_CASE(1) CK_CASE(2) CK_CASE(3) CK_CASE(4)
#if CK_LINEAR_ROWS > 4
      CK_CASE(5)
#endif
#if CK_LINEAR_ROWS > 5
      CK_CASE(6) CK_CASE(7) CK_CASE(8) CK_CASE(9) CK_CASE(10)
#endif
#if CK_LINEAR_ROWS > 10
      CK_CASE(11) CK_CASE(12) CK_CASE(13) CK_CASE(14) CK_CASE(15)
      CK_CASE(16) CK_CASE(17) CK_CASE(18) CK_CASE(19) CK_CASE(20)
#endif
#undef CK_CASE
      default: __builtin_unreachable();
    }
    if (start == START_BASE) base += size * CK_LANES;
    out += size * CK_LANES;
  }
}

// MARK: - Weight gradients

/// sums [m rows][pitch] += x [m][lanes] times y [lanes][pitch], n vectors wide.
CK_INLINE void add_outer_tile(
    const int m, const int n, const float *x, const float *y, int32_t pitch, float *out
) {
  vf sums[CK_OUTER_ROWS][CK_OUTER_VECTORS];
  CK_UNROLL for (int r = 0; r < m; r++) {
    CK_UNROLL for (int v = 0; v < n; v++) sums[r][v] = load(out + r * pitch + v * CK_VECTOR);
  }
  for (int lane = 0; lane < CK_LANES; lane++) {
    vf in[CK_OUTER_VECTORS];
    CK_UNROLL for (int v = 0; v < n; v++) in[v] = load(y + v * CK_VECTOR);
    CK_UNROLL for (int r = 0; r < m; r++) {
      const vf factor = splat(x[r * CK_LANES + lane]);
      CK_UNROLL for (int v = 0; v < n; v++) sums[r][v] += factor * in[v];
    }
    y += pitch;
  }
  CK_UNROLL for (int r = 0; r < m; r++) {
    CK_UNROLL for (int v = 0; v < n; v++) store(out + r * pitch + v * CK_VECTOR, sums[r][v]);
  }
}

/// All rows of x, for one column of tiles.
CK_INLINE void add_outer_column(
    const int n, const float *x, int32_t rows, const float *y, int32_t pitch, float *out
) {
  const int32_t tiles = ck_dl_tile_count(rows, CK_OUTER_ROWS);
  for (int32_t i = 0; i < tiles; i++) {
    const int32_t size = ck_dl_tile_start(i + 1, tiles, rows) - ck_dl_tile_start(i, tiles, rows);
    switch (size) {
#define CK_CASE(m) case m: add_outer_tile(m, n, x, y, pitch, out); break;
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

/// out [rows][pitch] += x [rows][lanes] times y [lanes][pitch].
static void add_outer(
    const float *x, int32_t rows, const float *y, int32_t pitch, float *out
) {
  const int32_t vectors = pitch / CK_VECTOR;
  const int32_t columns = ck_dl_tile_count(vectors, CK_OUTER_VECTORS);
  for (int32_t i = 0; i < columns; i++) {
    const int32_t start = ck_dl_tile_start(i, columns, vectors);
    const int32_t size = ck_dl_tile_start(i + 1, columns, vectors) - start;
    const float *y_start = y + start * CK_VECTOR;
    float *out_start = out + start * CK_VECTOR;
    switch (size) {
#define CK_CASE(n) case n: add_outer_column(n, x, rows, y_start, pitch, out_start); break;
      CK_CASE(1) CK_CASE(2) CK_CASE(3)
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
