// Gradients in units of their own history, and their projection: what CK_PREPROCESS_MOMENTS puts in
// front of a net. Included by ck_deep_lstm_kernels.h.
//
// Every operation of the moments is rounded on its own, so that they are the same numbers on every
// instruction set.

// MARK: - Forward

/// What is added to a gradient's size.
#define CK_SIZE_EPSILON 1e-8f

/// The smallest v^ whose root has a derivative: FLT_MIN, whose root is lost beside the epsilon.
#define CK_LEAST_SECOND 1.17549435e-38f

CK_INLINE vf root_of(vf second) {
  return __builtin_elementwise_sqrt(at_least(second, CK_LEAST_SECOND));
}

/// Step t of a block's m and v [2][lanes], what is seen of them and of the gradient, and its
/// projection x [projection][lanes] at the start of `slot`.
static void see(
    const context *k, int64_t block, int32_t t, const float *gradient, const float *before,
    float *after, float *slot
) {
#pragma clang fp contract(off)
  const ck_dl_layout *layout = &k->layout;
  const float decay = (float)k->config->decay, rate = 1 - decay;
  const float correction = k->scratch[k->at.corrections + t];
  float *seen = slot + layout->tape_seen;
  load_entry(k, block, 0, gradient, seen);
  CK_EACH_VECTOR {
    const int at = v * CK_VECTOR;
    const vf g = load(seen + at);
    const vf first = load(before + at) * decay + g * rate;
    const vf second = load(before + CK_LANES + at) * decay + g * g * rate;
    const vf size = root_of(second * correction) + CK_SIZE_EPSILON;
    store(after + at, first);
    store(after + CK_LANES + at, second);
    store(seen + at, first * correction / size);
    store(seen + CK_LANES + at, g / size);
  }
  linear_with_bias(layout->projection, k->packed + layout->packed_projection, seen, 2, slot);
  for (int32_t i = 0; i < layout->projection * CK_VECTORS; i++) {
    const vf x = load(slot + i * CK_VECTOR), zero = {};
    // exp2_minus_1 of x log2(e).
    const vf below = exp2_minus_1(at_most(x, 0) * 1.44269504f, 1);
    store(slot + i * CK_VECTOR, choose(x > zero, x, below));
  }
}

// MARK: - Backward

/// From the adjoints of x in the input part of scratch to those before its ELU, and the projection's
/// weight gradient.
static void project_back(const context *k, const float *slot) {
  const ck_dl_layout *layout = &k->layout;
  float *adjoint = k->scratch + k->at.input_adjoint;
  for (int32_t i = 0; i < layout->projection * CK_VECTORS; i++) {
    const vf x = load(slot + i * CK_VECTOR), zero = {};
    const vf slope = choose(x > zero, zero + 1, x + 1);
    store(adjoint + i * CK_VECTOR, load(adjoint + i * CK_VECTOR) * slope);
  }
  float *turned = k->scratch + k->at.input_transposed;
  const int32_t pitch = layout->projection_pitch;
  transpose_block(adjoint, pitch, turned);
  add_outer_and_bias(
      slot + layout->tape_seen, 2, turned, pitch,
      k->scratch + k->at.gradient + layout->projection_gradient);
}

/// input_adjoint [rows] of a block after project_back, and the adjoints of m and v [2][lanes] before
/// a call's only step from those after it. With s = sqrt(v^) + 1e-8 and a, b the adjoints of what is
/// seen, m~ = m^ / s and g~ = g / s:
///
///   ds = -(a m~ + b g~) / s,  dm' += a c / s,  dv' += ds c / (2 sqrt(v^))   (c: the correction)
///   dg = b / s + (1 - decay) (dm' + 2 g dv'),  dm = decay dm',  dv = decay dv'
static void see_back(
    const context *k, int64_t block, const float *gradient, const float *slot, float *adjoint,
    float *input_adjoint
) {
  const ck_dl_layout *layout = &k->layout;
  const float decay = (float)k->config->decay, rate = 1 - decay;
  const float correction = k->scratch[k->at.corrections];
  const float *seen = slot + layout->tape_seen, *after = k->scratch + k->at.moments;
  _Alignas(64) float given[2 * CK_LANES], g_lanes[CK_LANES], out[CK_LANES];
  linear(
      2, k->packed + layout->packed_projection_backward, k->scratch + k->at.input_adjoint,
      layout->projection, given);
  load_entry(k, block, 0, gradient, g_lanes);
  CK_EACH_VECTOR {
    const int at = v * CK_VECTOR;
    const vf a = load(given + at), b = load(given + CK_LANES + at), g = load(g_lanes + at);
    const vf second = load(after + CK_LANES + at) * correction, root = root_of(second);
    const vf size = root + CK_SIZE_EPSILON, zero = {};
    const vf d_size = -(a * load(seen + at) + b * load(seen + CK_LANES + at)) / size;
    const vf through = choose(
        second >= splat(CK_LEAST_SECOND), d_size * 0.5f / root * correction, zero);
    const vf d_first = load(adjoint + at) + a * correction / size;
    const vf d_second = load(adjoint + CK_LANES + at) + through;
    store(adjoint + at, d_first * decay);
    store(adjoint + CK_LANES + at, d_second * decay);
    store(out + at, b / size + (d_first * rate + d_second * (2 * g) * rate));
  }
  store_entry(k, block, 0, out, input_adjoint);
}
