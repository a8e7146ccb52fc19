// How a layer's gates become its cells and outputs: the tail of the products in
// ck_deep_lstm_tiles.h, which includes this where its macros are known.

// MARK: - Activations

/// Units whose gates' pre-activations are known, and whose activations are still to be done.
typedef struct {
  int32_t units;
  float *z;               // [units][4][lanes], scaled: see gate_scale
  const float *c_in;      // [units][lanes]
  float *c_out, *h_out;   // [units][lanes]; c_out may be c_in
  float *factors;         // [units][6][lanes], or unused
} pending_units;

/// The gates and c of unit u. Leaves o in z with `tape`, else 1 / o.
///
/// The tape holds not the gates but the factors that adjoints are multiplied by:
///   do = dh * tanh(c) o (1 - o)    dc += dh * o (1 - tanh(c)^2)
///   di = dc * j i (1 - i)          dj = dc * i (1 - j^2)
///   df = dc * c_prev f (1 - f)     dc_prev = dc * f
/// They cost less here, where all values are in registers, and the way back is six products.
CK_INLINE void combine_gates(
    const int tape, const pending_units *p, int32_t u, vf gates[4][CK_VECTORS]
) {
  CK_EACH_VECTOR {
    float *z = p->z + 4 * u * CK_LANES + v * CK_VECTOR;
    const int32_t at = u * CK_LANES + v * CK_VECTOR;
    const vf inverse_i = gates[0][v], m = gates[1][v];
    const vf inverse_f = gates[2][v], inverse_o = gates[3][v];
    if (tape) {
      // One reciprocal for two.
      const vf both_ij = reciprocal(inverse_i * (2 + m));
      const vf both_fo = reciprocal(inverse_f * inverse_o);
      const vf i = both_ij * (2 + m), j = m * (both_ij * inverse_i);
      const vf f = both_fo * inverse_o, o = both_fo * inverse_f;
      const vf ij = i * j, cf = load(p->c_in + at) * f;
      store(p->c_out + at, cf + ij);
      float *factors = p->factors + CK_DL_FACTORS * u * CK_LANES + v * CK_VECTOR;
      store(factors, ij - ij * i);
      store(factors + CK_LANES, i - ij * j);
      store(factors + 2 * CK_LANES, cf - cf * f);
      store(factors + 5 * CK_LANES, f);
      store(z + 3 * CK_LANES, o);
    } else {
      // A reciprocal is worth four products, so that one does for all.
      const vf inverse_ij = inverse_i * (2 + m);
      const vf sum = load(p->c_in + at) * inverse_ij + m * inverse_f;
      store(p->c_out + at, sum * reciprocal(inverse_ij * inverse_f));
      store(z + 3 * CK_LANES, inverse_o);
    }
  }
}

/// tanh of any number.
CK_INLINE vf tanh_of(vf x) {
  // The scale in front: infinities stay what they are.
  const vf m = exp2_minus_1(x * 2.88539008f, 1);
  return m * reciprocal(2 + m);
}

/// The exponential part of gate g of unit u.
CK_INLINE void start_gate(const int g, const pending_units *p, int32_t u, vf out[CK_VECTORS]) {
  CK_EACH_VECTOR {
    const vf z = load(p->z + (4 * u + g) * CK_LANES + v * CK_VECTOR);
    out[v] = g == 1 ? exp2_minus_1(z, 1) : inverse_sigmoid_of_scaled(z);
  }
}

CK_INLINE void finish_gates(const int tape, const pending_units *p, int32_t u) {
  vf gates[4][CK_VECTORS];
  CK_UNROLL for (int g = 0; g < 4; g++) start_gate(g, p, u, gates[g]);
  combine_gates(tape, p, u, gates);
}

/// h of unit u, after its gates.
CK_INLINE void finish_hidden(const int tape, const pending_units *p, int32_t u) {
  CK_EACH_VECTOR {
    const int32_t at = u * CK_LANES + v * CK_VECTOR;
    const vf o = load(p->z + (4 * u + 3) * CK_LANES + v * CK_VECTOR);
    const vf m = exp2_minus_1(load(p->c_out + at), 2.88539008f);
    if (tape) {
      const vf tanh_c = m * reciprocal(2 + m), h = tanh_c * o;
      store(p->h_out + at, h);
      float *factors = p->factors + CK_DL_FACTORS * u * CK_LANES + v * CK_VECTOR;
      store(factors + 3 * CK_LANES, h - h * o);
      store(factors + 4 * CK_LANES, o - h * tanh_c);
    } else {
      store(p->h_out + at, m * reciprocal(o * (2 + m)));
    }
  }
}

/// Does all that is pending. In two passes: the chain from a pre-activation to h is long, but
/// independent units follow each other at the pace of the ports, not of the chain.
CK_INLINE void finish(const int tape, pending_units *p) {
  for (int32_t u = 0; u < p->units; u++) finish_gates(tape, p, u);
  for (int32_t u = 0; u < p->units; u++) finish_hidden(tape, p, u);
  p->units = 0;
}
