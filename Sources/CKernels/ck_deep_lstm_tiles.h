// Register tiles: the matrix products of a block, and the activations of a tile of units.
// Included after ck_deep_lstm_math.h, with the tile sizes
// CK_VECTORS (vectors in a block's row), CK_GATE_UNITS, CK_LINEAR_ROWS, CK_OUTER_ROWS,
// CK_OUTER_VECTORS.
//
// The functions take a tile's extent as a constant: after inlining, a tile lives in registers.

#include <stddef.h>

#include "ck_deep_lstm_private.h"

#define CK_LANES (CK_VECTOR * CK_VECTORS)
#define CK_EACH_VECTOR CK_UNROLL for (int v = 0; v < CK_VECTORS; v++)

#include "ck_deep_lstm_outer.h"

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

/// The same with a constant number of rows: straight code, to be mixed with other work.
CK_INLINE void multiply_add_few(
    const int count, const int rows, vf sums[][CK_VECTORS], const float *w, const float *x
) {
  CK_UNROLL for (int k = 0; k < rows; k++) {
    vf in[CK_VECTORS];
    CK_EACH_VECTOR in[v] = load(x + k * CK_LANES + v * CK_VECTOR);
    CK_UNROLL for (int r = 0; r < count; r++) {
      const vf weight = splat(w[k * count + r]);
      CK_EACH_VECTOR sums[r][v] += weight * in[v];
    }
  }
}

#include "ck_deep_lstm_activations.h"

// MARK: - Gates

/// Pre-activations z [units][4][lanes] of a tile of `units` units from its packed weights,
/// h [hidden][lanes] before the step and x [inputs][lanes].
///
/// With CK_INTERLEAVE, does the pending activations of the tile before on the way, in between the
/// recurrent rows: they use other ports than the products, but in a row of their own they would
/// run at less than half speed, with the multipliers idle. The input rows come after, as the
/// pending units may be among the inputs.
CK_INLINE const float *compute_gate_tile(
    const int units, const int tape, const float *w, const float *h, int32_t hidden,
    const float *x, int32_t inputs, pending_units *p, float *z
) {
  vf sums[4 * CK_GATE_UNITS][CK_VECTORS];
  CK_UNROLL for (int r = 0; r < 4 * units; r++) {
    CK_EACH_VECTOR sums[r][v] = splat(w[r]);
  }
  w += 4 * units;
#if CK_INTERLEAVE
  int32_t u = 0;
  for (; u < p->units && hidden >= 4; u++, hidden -= 4) {
    vf gates[4][CK_VECTORS];
    CK_UNROLL for (int g = 0; g < 4; g++) {
      multiply_add_few(4 * units, 1, sums, w + g * 4 * units, h + g * CK_LANES);
      start_gate(g, p, u, gates[g]);
    }
    combine_gates(tape, p, u, gates);
    w += 16 * units;
    h += 4 * CK_LANES;
  }
  for (; u < p->units; u++) finish_gates(tape, p, u);
  for (u = 0; u < p->units && hidden >= 1; u++, hidden -= 1) {
    multiply_add_few(4 * units, 1, sums, w, h);
    finish_hidden(tape, p, u);
    w += 4 * units;
    h += CK_LANES;
  }
  for (; u < p->units; u++) finish_hidden(tape, p, u);
#else
  (void)tape;
  (void)p;
#endif
  w = multiply_add(4 * units, sums, w, h, hidden);
  w = multiply_add(4 * units, sums, w, x, inputs);
  CK_UNROLL for (int r = 0; r < 4 * units; r++) {
    CK_EACH_VECTOR store(z + r * CK_LANES + v * CK_VECTOR, sums[r][v]);
  }
  return w;
}

/// One LSTM layer, one step, one block. h, c_in, c_out, h_out [H][lanes]; x [inputs][lanes];
/// factors [H][6][lanes] with `tape`. c_out may be c_in. Some units may be left pending: call
/// finish before their h is used, other than as the x of the next layer.
CK_INLINE void compute_layer(
    const int tape, const ck_dl_layer *layer, const float *packed, const float *h, const float *x,
    const float *c_in, float *c_out, float *h_out, float *factors, float *z, pending_units *p
) {
  const int32_t hidden = layer->hidden, inputs = layer->inputs;
  const int32_t tiles = ck_dl_tile_count(hidden, CK_GATE_UNITS);
  const float *w = packed + layer->packed_gates;
  for (int32_t i = 0, start = 0; i < tiles; i++) {
    const int32_t end = ck_dl_tile_start(i + 1, tiles, hidden), units = end - start;
#if CK_INTERLEAVE
    // Two tiles of pre-activations in turn.
    float *z_tile = p->z == z ? z + 4 * CK_GATE_UNITS * CK_LANES : z;
#else
    float *z_tile = z + 4 * start * CK_LANES;
#endif
    switch (units) {
#define CK_CASE(n) \
  case n: w = compute_gate_tile(n, tape, w, h, hidden, x, inputs, p, z_tile); break;
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
#if CK_INTERLEAVE
    p->units = units;
    p->z = z_tile;
    p->c_in = c_in + start * CK_LANES;
    p->c_out = c_out + start * CK_LANES;
    p->h_out = h_out + start * CK_LANES;
    p->factors = tape ? factors + CK_DL_FACTORS * start * CK_LANES : NULL;
#endif
    start = end;
  }
#if !CK_INTERLEAVE
  *p = (pending_units){hidden, z, c_in, c_out, h_out, factors};
  finish(tape, p);
#endif
}

static void compute_layer_plain(
    const ck_dl_layer *layer, const float *packed, const float *h, const float *x,
    const float *c_in, float *c_out, float *h_out, float *z, pending_units *p
) {
  compute_layer(0, layer, packed, h, x, c_in, c_out, h_out, NULL, z, p);
}

static void compute_layer_taped(
    const ck_dl_layer *layer, const float *packed, const float *h, const float *x,
    const float *c_in, float *c_out, float *h_out, float *factors, float *z, pending_units *p
) {
  compute_layer(1, layer, packed, h, x, c_in, c_out, h_out, factors, z, p);
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

/// What the elementwise part of a layer's backward step reads and writes.
typedef struct {
  int32_t hidden, pitch;
  const float *factors;   // [H][6][lanes]
  const float *adjoint_h; // [H][lanes]
  float *adjoint_c;       // [H][lanes]: of c after the step, then before
  float *gates;           // [4H][lanes]: adjoints of the gates
  float *turned;          // the same, [lanes][pitch]
} gate_adjoints;

/// The adjoints of unit u's gates and c in vector v.
CK_INLINE void compute_gate_adjoints(const gate_adjoints *a, int32_t u, int v, vf gates[4]) {
  const int32_t at = u * CK_LANES + v * CK_VECTOR;
  const float *f = a->factors + CK_DL_FACTORS * u * CK_LANES + v * CK_VECTOR;
  float *out = a->gates + 4 * u * CK_LANES + v * CK_VECTOR;
  const vf dh = load(a->adjoint_h + at);
  const vf dc = load(a->adjoint_c + at) + dh * load(f + 4 * CK_LANES);
  gates[0] = dc * load(f);
  gates[1] = dc * load(f + CK_LANES);
  gates[2] = dc * load(f + 2 * CK_LANES);
  gates[3] = dh * load(f + 3 * CK_LANES);
  CK_UNROLL for (int g = 0; g < 4; g++) store(out + g * CK_LANES, gates[g]);
  store(a->adjoint_c + at, dc * load(f + 5 * CK_LANES));
}

#if CK_FUSE
/// compute_linear_tile over the adjoints of gates, which it computes on the way, and writes also
/// transposed: loads, shuffles and stores go beside the products, and the six elementwise
/// products of a unit go with 4 count others.
CK_INLINE const float *compute_fused_tile(
    const int count, const int start, const float *w, const gate_adjoints *a, const float *base,
    float *out
) {
  vf sums[CK_LINEAR_ROWS][CK_VECTORS];
  CK_UNROLL for (int r = 0; r < count; r++) {
    CK_EACH_VECTOR {
      sums[r][v] = start == START_BASE ? load(base + r * CK_LANES + v * CK_VECTOR) : (vf){};
    }
  }
  for (int32_t u = 0; u < a->hidden; u++) {
    vf gates[CK_VECTORS][4];
    CK_EACH_VECTOR compute_gate_adjoints(a, u, v, gates[v]);
    CK_UNROLL for (int g = 0; g < 4; g++) {
      CK_UNROLL for (int r = 0; r < count; r++) {
        const vf weight = splat(w[r]);
        CK_EACH_VECTOR sums[r][v] += weight * gates[v][g];
      }
      w += count;
    }
    CK_EACH_VECTOR {
      store_turned(gates[v], a->turned + (int64_t)v * CK_VECTOR * a->pitch + 4 * u, a->pitch);
    }
  }
  CK_UNROLL for (int r = 0; r < count; r++) {
    CK_EACH_VECTOR store(out + r * CK_LANES + v * CK_VECTOR, sums[r][v]);
  }
  return w;
}
#endif

/// out [count][lanes] = start + w x, with x [rows][lanes] and w packed in tiles of outputs.
/// base [count][lanes] may be out. With `fused`, x is what a computes.
CK_INLINE void compute_linear(
    const int start, const int fused, int32_t count, const float *w, const float *x,
    int32_t rows, const gate_adjoints *a, const float *base, float *out
) {
  const int32_t tiles = ck_dl_tile_count(count, CK_LINEAR_ROWS);
  for (int32_t i = 0; i < tiles; i++) {
    const int32_t size = ck_dl_tile_start(i + 1, tiles, count) - ck_dl_tile_start(i, tiles, count);
    switch (size) {
#if CK_FUSE
#define CK_CASE(n) \
  case n: \
    w = fused && i == 0 ? compute_fused_tile(n, start, w, a, base, out) \
                        : compute_linear_tile(n, start, w, x, rows, base, out); \
    break;
#else
#define CK_CASE(n) \
  case n: w = compute_linear_tile(n, start, w, x, rows, base, out); break;
#endif
      CK_CASE(1) CK_CASE(2) CK_CASE(3) CK_CASE(4)
#if CK_LINEAR_ROWS > 4
      CK_CASE(5)
#endif
#if CK_LINEAR_ROWS > 5
      CK_CASE(6)
#endif
#if CK_LINEAR_ROWS > 6
      CK_CASE(7) CK_CASE(8) CK_CASE(9) CK_CASE(10)
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
  (void)fused;
  (void)a;
}

static void linear_with_bias(
    int32_t count, const float *w, const float *x, int32_t rows, float *out
) {
  compute_linear(START_BIAS, 0, count, w, x, rows, NULL, NULL, out);
}

static void linear(int32_t count, const float *w, const float *x, int32_t rows, float *out) {
  compute_linear(START_ZERO, 0, count, w, x, rows, NULL, NULL, out);
}

static void add_linear(int32_t count, const float *w, const float *x, int32_t rows, float *out) {
  compute_linear(START_BASE, 0, count, w, x, rows, NULL, out, out);
}

// MARK: - Adjoints of a layer

/// The adjoints of a layer's gates, of c, and of its h before the step: out [count][lanes] = w gates.
/// count may be 0. out may be a->adjoint_h.
static void adjoints_and_linear(
    const gate_adjoints *a, int32_t count, const float *w, float *out
) {
#if CK_FUSE
  // Gates past the last: they take part in whole vectors.
  for (int32_t column = 4 * a->hidden; column < a->pitch; column++) {
    for (int lane = 0; lane < CK_LANES; lane++) a->turned[lane * a->pitch + column] = 0;
  }
  if (count == 0) {
    compute_fused_tile(0, START_ZERO, w, a, NULL, out);
  } else {
    compute_linear(START_ZERO, 1, count, w, a->gates, 4 * a->hidden, a, NULL, out);
  }
#else
  // A square of gates at a time, transposed in registers.
  enum { UNITS = CK_VECTOR / 4 };
  for (int32_t u = 0; u < a->hidden; u += UNITS) {
    const int whole = u + UNITS <= a->hidden;
    for (int v = 0; v < CK_VECTORS; v++) {
      vf square[CK_VECTOR];
      if (whole) {
        CK_UNROLL for (int i = 0; i < UNITS; i++) compute_gate_adjoints(a, u + i, v, square + 4 * i);
      } else {
        CK_UNROLL for (int i = 0; i < UNITS; i++) {
          if (u + i < a->hidden) compute_gate_adjoints(a, u + i, v, square + 4 * i);
          else CK_UNROLL for (int g = 0; g < 4; g++) square[4 * i + g] = (vf){};
        }
      }
      transpose(square);
      float *rows = a->turned + (int64_t)v * CK_VECTOR * a->pitch + 4 * u;
      CK_UNROLL for (int i = 0; i < CK_VECTOR; i++) store(rows + i * a->pitch, square[i]);
    }
  }
  linear(count, w, a->gates, 4 * a->hidden, out);
#endif
}
