// The kernels of one instruction set: blocks of rows through the net, forward and backward.
// Included after ck_deep_lstm_tiles.h; defines the table CK_KERNELS.

#include <string.h>

/// A call's constants.
typedef struct {
  const ck_deep_lstm_config *config;
  const float *packed;
  int64_t rows;
  ck_dl_layout layout;
  ck_dl_scratch at;   // parts of `scratch`
  float *scratch;
} context;

static const ck_dl_shape ck_shape = {
    CK_LANES, CK_VECTOR, CK_GATE_UNITS, CK_LINEAR_ROWS,
};

static void make_context(
    context *k, const ck_deep_lstm_config *config, const float *packed, int64_t rows,
    int32_t steps, float *scratch
) {
  k->config = config;
  k->packed = packed;
  k->rows = rows;
  k->scratch = scratch;
  ck_dl_make_layout(config, &ck_shape, &k->layout);
  ck_dl_make_scratch(&k->layout, steps, &k->at);
}

// MARK: - Rows in and out of lanes

/// Lanes of a block that hold rows.
CK_INLINE int32_t used_lanes(const context *k, int64_t block) {
  const int64_t left = k->rows - block * CK_LANES;
  return left < CK_LANES ? (int32_t)left : CK_LANES;
}

/// out [lanes] from entry `entry` of a block's rows of `from` [rows, width]; 0 in unused lanes.
CK_INLINE void load_entry(
    const context *k, int64_t block, int32_t entry, const float *from, float *out
) {
  const int32_t used = used_lanes(k, block), width = k->layout.width;
  const float *source = from + block * CK_LANES * width + entry;
  if (used == CK_LANES && width == 1) {
    CK_EACH_VECTOR store(out + v * CK_VECTOR, load(source + v * CK_VECTOR));
    return;
  }
  CK_EACH_VECTOR store(out + v * CK_VECTOR, (vf){});
  for (int32_t lane = 0; lane < used; lane++) out[lane] = source[(int64_t)lane * width];
}

CK_INLINE void store_entry(
    const context *k, int64_t block, int32_t entry, const float *in, float *to
) {
  const int32_t used = used_lanes(k, block), width = k->layout.width;
  float *target = to + block * CK_LANES * width + entry;
  if (used == CK_LANES && width == 1) {
    CK_EACH_VECTOR store(target + v * CK_VECTOR, load(in + v * CK_VECTOR));
    return;
  }
  for (int32_t lane = 0; lane < used; lane++) target[(int64_t)lane * width] = in[lane];
}

// MARK: - Preprocessing

#define CK_EPSILON 1.1920929e-07f

CK_INLINE vf absolute(vf x) {
  return (vf)((vi)x & 0x7fffffff);
}

/// x [inputs][lanes] from a block's rows of gradient [rows, width].
static void preprocess(const context *k, int64_t block, const float *gradient, float *x) {
  const ck_deep_lstm_config *config = k->config;
  const vf inverse_k = splat(k->packed[CK_DL_INVERSE_K]), exp_k = splat(k->packed[CK_DL_EXP_K]);
  for (int32_t entry = 0; entry < k->layout.width; entry++) {
    switch (config->preprocess) {
      case CK_PREPROCESS_LOG_AND_SIGN: {
        float *out = x + 2 * entry * CK_LANES;
        load_entry(k, block, entry, gradient, out);
        CK_EACH_VECTOR {
          const vf g = load(out + v * CK_VECTOR);
          const vf size = logarithm(absolute(g) + CK_EPSILON) * inverse_k;
          store(out + v * CK_VECTOR, at_least(size, -1));
          store(out + CK_LANES + v * CK_VECTOR, at_most(at_least(g * exp_k, -1), 1));
        }
        break;
      }
      case CK_PREPROCESS_CLAMP: {
        float *out = x + entry * CK_LANES;
        load_entry(k, block, entry, gradient, out);
        CK_EACH_VECTOR {
          const vf g = load(out + v * CK_VECTOR);
          store(out + v * CK_VECTOR, at_most(at_least(g, config->p0), config->p1));
        }
        break;
      }
      default:
        load_entry(k, block, entry, gradient, x + entry * CK_LANES);
    }
  }
}

/// input_adjoint [rows, width] of a block from adjoints [inputs][lanes] of the net's inputs.
/// Ties at a limit count as inside.
static void preprocess_backward(
    const context *k, int64_t block, const float *gradient, const float *adjoints,
    float *input_adjoint
) {
  const ck_deep_lstm_config *config = k->config;
  const vf inverse_k = splat(k->packed[CK_DL_INVERSE_K]), exp_k = splat(k->packed[CK_DL_EXP_K]);
  _Alignas(64) float g_lanes[CK_LANES], out[CK_LANES];
  const vf zero = {};
  for (int32_t entry = 0; entry < k->layout.width; entry++) {
    load_entry(k, block, entry, gradient, g_lanes);
    CK_EACH_VECTOR {
      const vf g = load(g_lanes + v * CK_VECTOR);
      const float *adjoint = adjoints + v * CK_VECTOR;
      vf result;
      switch (config->preprocess) {
        case CK_PREPROCESS_LOG_AND_SIGN: {
          const vf size = absolute(g) + CK_EPSILON;
          const vf sign = choose(g > zero, zero + 1, choose(g < zero, zero - 1, zero));
          const vf log_part = choose(
              logarithm(size) * inverse_k < splat(-1), zero, sign * inverse_k / size);
          const vf scaled = g * exp_k;
          const vf sign_part =
              choose((scaled < splat(-1)) | (scaled > splat(1)), zero, exp_k);
          result = load(adjoint + 2 * entry * CK_LANES) * log_part
              + load(adjoint + (2 * entry + 1) * CK_LANES) * sign_part;
          break;
        }
        case CK_PREPROCESS_CLAMP: {
          const vi outside = (g < splat(config->p0)) | (g > splat(config->p1));
          result = choose(outside, zero, load(adjoint + entry * CK_LANES));
          break;
        }
        default:
          result = load(adjoint + entry * CK_LANES);
      }
      store(out + v * CK_VECTOR, result);
    }
    store_entry(k, block, entry, out, input_adjoint);
  }
}

// MARK: - Forward

static void step(
    const ck_deep_lstm_config *config, const float *packed, int64_t rows, const float *gradient,
    const float *state_in, float *state_out, float *update, float *scratch
) {
  context k;
  make_context(&k, config, packed, rows, 1, scratch);
  const ck_dl_layout *layout = &k.layout;
  const int64_t blocks = (rows + CK_LANES - 1) / CK_LANES;
  const vf scale = splat(config->scale);
  float *inputs = scratch + k.at.tape, *hidden_out = scratch + k.at.hidden_out;
  float *output = scratch + k.at.output;
  for (int64_t block = 0; block < blocks; block++) {
    const float *in = state_in + block * layout->state_floats;
    float *out = state_out + block * layout->state_floats;
    preprocess(&k, block, gradient, inputs);
    const float *x = inputs;
    float *h_out = hidden_out;
    for (int l = 0; l < layout->layer_count; l++) {
      const ck_dl_layer *layer = &layout->layers[l];
      // All tiles read h, so the new h waits aside until the layer is through.
      compute_layer(
          0, layer, packed, in + layer->h, x, in + layer->c, out + layer->c, h_out, NULL);
      memcpy(out + layer->h, h_out, (size_t)layer->hidden * CK_LANES * sizeof(float));
      x = h_out;
      h_out += layer->hidden * CK_LANES;
    }
    compute_linear(
        START_BIAS, layout->width, packed + layout->packed_linear, x, layout->top, NULL, output);
    for (int32_t entry = 0; entry < layout->width; entry++) {
      float *lanes = output + entry * CK_LANES;
      CK_EACH_VECTOR store(lanes + v * CK_VECTOR, load(lanes + v * CK_VECTOR) * scale);
      store_entry(&k, block, entry, lanes, update);
    }
  }
}

/// One step of a block from tape slot to tape slot: the inputs in `slot` are set before.
/// c of all layers, in place, in the cell part of scratch. Without `tape`, only h is written.
CK_INLINE void step_on_tape(
    const int tape, const context *k, const float *before, float *slot
) {
  const float *x = slot;
  float *c = k->scratch + k->at.cell;
  for (int l = 0; l < k->layout.layer_count; l++) {
    const ck_dl_layer *layer = &k->layout.layers[l];
    float *h = slot + layer->tape_h;
    compute_layer(
        tape, layer, k->packed, before + layer->tape_h, x, c, c, h, slot + layer->tape_factors);
    x = h;
    c += layer->hidden * CK_LANES;
  }
}

/// Copies a block's state to a slot's h and the cell part of scratch, or back.
static void state_to_tape(const context *k, const float *state, float *slot) {
  float *c = k->scratch + k->at.cell;
  for (int l = 0; l < k->layout.layer_count; l++) {
    const ck_dl_layer *layer = &k->layout.layers[l];
    const size_t size = (size_t)layer->hidden * CK_LANES;
    memcpy(slot + layer->tape_h, state + layer->h, size * sizeof(float));
    memcpy(c, state + layer->c, size * sizeof(float));
    c += size;
  }
}

static void state_from_tape(const context *k, const float *slot, float *state) {
  const float *c = k->scratch + k->at.cell;
  for (int l = 0; l < k->layout.layer_count; l++) {
    const ck_dl_layer *layer = &k->layout.layers[l];
    const size_t size = (size_t)layer->hidden * CK_LANES;
    memcpy(state + layer->h, slot + layer->tape_h, size * sizeof(float));
    memcpy(state + layer->c, c, size * sizeof(float));
    c += size;
  }
}

// MARK: - Backward

/// gates [4H][lanes] from the adjoints of h and c; c's becomes that of c before the step.
CK_INLINE void gate_adjoints(
    int32_t hidden, const float *factors, const float *adjoint_h, float *adjoint_c, float *gates
) {
  for (int32_t u = 0; u < hidden; u++) {
    CK_EACH_VECTOR {
      const int at = u * CK_LANES + v * CK_VECTOR;
      const float *f = factors + CK_DL_FACTORS * u * CK_LANES + v * CK_VECTOR;
      float *out = gates + 4 * u * CK_LANES + v * CK_VECTOR;
      const vf dh = load(adjoint_h + at);
      const vf dc = load(adjoint_c + at) + dh * load(f + 4 * CK_LANES);
      store(out, dc * load(f));
      store(out + CK_LANES, dc * load(f + CK_LANES));
      store(out + 2 * CK_LANES, dc * load(f + 2 * CK_LANES));
      store(out + 3 * CK_LANES, dh * load(f + 3 * CK_LANES));
      store(adjoint_c + at, dc * load(f + 5 * CK_LANES));
    }
  }
}

/// What one step backward is to compute besides the weight gradient.
enum { WANT_INPUT = 1, WANT_STATE = 2 };

/// One step backward of a block, from the adjoints of h and c after the step (in scratch) to those
/// before. before, slot: the tape at the step before and at this step; adjoint [rows, width] of
/// the update; the input part of scratch gets the adjoint of the net's inputs.
static void step_back(
    const context *k, int64_t block, const float *before, const float *slot,
    const float *adjoint, int want
) {
  const ck_dl_layout *layout = &k->layout;
  float *gradient = k->scratch + k->at.gradient, *ones = k->scratch + k->at.ones;
  float *output = k->scratch + k->at.output;
  float *gates = k->scratch + k->at.gates, *turned = k->scratch + k->at.gates_transposed;
  const int32_t width = layout->width, layer_count = layout->layer_count;
  const vf scale = splat(k->config->scale);
  for (int32_t entry = 0; entry < width; entry++) {
    float *lanes = output + entry * CK_LANES;
    load_entry(k, block, entry, adjoint, lanes);
    CK_EACH_VECTOR store(lanes + v * CK_VECTOR, load(lanes + v * CK_VECTOR) * scale);
  }
  const float *top = layer_count > 0 ? slot + layout->layers[layer_count - 1].tape_h : slot;
  float *sums = gradient + layout->linear_gradient;
  if (width == 1) {
    vf dy[CK_VECTORS];
    CK_EACH_VECTOR dy[v] = load(output + v * CK_VECTOR);
    for (int32_t u = 0; u <= layout->top; u++) {
      const float *x = u < layout->top ? top + u * CK_LANES : ones;
      vf sum = load(sums + u * CK_VECTOR);
      CK_EACH_VECTOR sum += load(x + v * CK_VECTOR) * dy[v];
      store(sums + u * CK_VECTOR, sum);
    }
  } else {
    const int32_t pitch = layout->linear_pitch;
    float *output_turned = k->scratch + k->at.output_transposed;
    transpose_block(output, pitch, output_turned);
    add_outer(top, layout->top, output_turned, pitch, sums);
    add_outer(ones, 1, output_turned, pitch, sums + (int64_t)layout->top * pitch);
  }
  float *adjoint_h = k->scratch + k->at.adjoint_h, *adjoint_c = k->scratch + k->at.adjoint_c;
  for (int l = 0; l < layer_count; l++) {
    adjoint_h += layout->layers[l].hidden * CK_LANES;
    adjoint_c += layout->layers[l].hidden * CK_LANES;
  }
  const float *w = k->packed + layout->packed_linear_backward;
  if (layer_count == 0) {
    if (want & WANT_INPUT) {
      float *out = k->scratch + k->at.input_adjoint;
      compute_linear(START_ZERO, layout->top, w, output, width, NULL, out);
    }
    return;
  }
  adjoint_h -= layout->top * CK_LANES;
  compute_linear(START_BASE, layout->top, w, output, width, adjoint_h, adjoint_h);
  for (int l = layer_count - 1; l >= 0; l--) {
    const ck_dl_layer *layer = &layout->layers[l];
    const int32_t hidden = layer->hidden, inputs = layer->inputs, pitch = layer->pitch;
    adjoint_c -= hidden * CK_LANES;
    gate_adjoints(hidden, slot + layer->tape_factors, adjoint_h, adjoint_c, gates);
    for (int32_t row = 4 * hidden; row < pitch; row++) {
      CK_EACH_VECTOR store(gates + row * CK_LANES + v * CK_VECTOR, (vf){});
    }
    if (want & WANT_STATE) {
      compute_linear(
          START_ZERO, hidden, k->packed + layer->packed_recurrent, gates, 4 * hidden, NULL,
          adjoint_h);
    }
    const float *x = slot;
    if (l > 0) {
      adjoint_h -= inputs * CK_LANES;
      compute_linear(
          START_BASE, inputs, k->packed + layer->packed_inputs, gates, 4 * hidden, adjoint_h,
          adjoint_h);
      x = slot + layout->layers[l - 1].tape_h;
    } else if (want & WANT_INPUT) {
      compute_linear(
          START_ZERO, inputs, k->packed + layer->packed_inputs, gates, 4 * hidden, NULL,
          k->scratch + k->at.input_adjoint);
    }
    transpose_block(gates, pitch, turned);
    float *out = gradient + layer->gradient;
    add_outer(before + layer->tape_h, hidden, turned, pitch, out);
    add_outer(x, inputs, turned, pitch, out + (int64_t)hidden * pitch);
    add_outer(ones, 1, turned, pitch, out + (int64_t)(hidden + inputs) * pitch);
  }
}

/// Blocks whose float sums go into the double sums at once: rounding stays that of about a
/// thousand terms, and the conversion costs next to nothing.
enum { BLOCKS_PER_SUM = 64 / CK_LANES > 1 ? 64 / CK_LANES : 1 };

static void start_sums(const context *k) {
  const size_t floats = (size_t)k->layout.gradient_floats;
  memset(k->scratch + k->at.gradient, 0, floats * sizeof(float));
  memset(k->scratch + k->at.sums, 0, floats * sizeof(double));
  CK_EACH_VECTOR store(k->scratch + k->at.ones + v * CK_VECTOR, splat(1));
  // Rows past the last output: they are transposed with the others.
  memset(
      k->scratch + k->at.output, 0,
      (size_t)k->layout.linear_pitch * CK_LANES * sizeof(float));
}

static void flush_sums(const context *k) {
  float *gradient = k->scratch + k->at.gradient;
  double *sums = (double *)(k->scratch + k->at.sums);
  for (int64_t i = 0; i < k->layout.gradient_floats; i++) {
    sums[i] += (double)gradient[i];
    gradient[i] = 0;
  }
}

static void backward(
    const ck_deep_lstm_config *config, const float *packed, int64_t rows, int32_t steps,
    const float *const *gradients, const float *initial_state, const float *const *adjoints,
    double *weight_gradient, float *scratch
) {
  context k;
  make_context(&k, config, packed, rows, steps, scratch);
  const ck_dl_layout *layout = &k.layout;
  const int64_t blocks = (rows + CK_LANES - 1) / CK_LANES;
  const int32_t chunk = k.at.chunk, chunks = (steps + chunk - 1) / chunk;
  const int64_t slot_floats = layout->tape_floats;
  // The slot of step t of a chunk; slot 0 holds h before the chunk.
  float *tape = scratch + k.at.tape;
  start_sums(&k);
  for (int64_t block = 0; block < blocks; block++) {
    const float *state = initial_state + block * layout->state_floats;
    if (chunks > 1) {
      float *checkpoints = scratch + k.at.checkpoints;
      state_to_tape(&k, state, tape);
      for (int32_t t = 0; t < (chunks - 1) * chunk; t++) {
        float *before = tape + (t & 1) * slot_floats, *slot = tape + (1 - (t & 1)) * slot_floats;
        preprocess(&k, block, gradients[t], slot);
        step_on_tape(0, &k, before, slot);
        if ((t + 1) % chunk == 0) {
          state_from_tape(&k, slot, checkpoints + (t + 1) / chunk * layout->state_floats);
        }
      }
    }
    memset(
        scratch + k.at.adjoint_h, 0,
        (size_t)(k.at.gates - k.at.adjoint_h) * sizeof(float));
    for (int32_t c = chunks - 1; c >= 0; c--) {
      const int32_t start = c * chunk, end = start + chunk < steps ? start + chunk : steps;
      const float *from =
          c == 0 ? state : scratch + k.at.checkpoints + c * layout->state_floats;
      state_to_tape(&k, from, tape);
      for (int32_t t = start; t < end; t++) {
        float *before = tape + (t - start) * slot_floats;
        preprocess(&k, block, gradients[t], before + slot_floats);
        step_on_tape(1, &k, before, before + slot_floats);
      }
      for (int32_t t = end - 1; t >= start; t--) {
        const float *before = tape + (t - start) * slot_floats;
        step_back(
            &k, block, before, before + slot_floats, adjoints[t], t > 0 ? WANT_STATE : 0);
      }
    }
    if ((block + 1) % BLOCKS_PER_SUM == 0 || block + 1 == blocks) flush_sums(&k);
  }
  ck_dl_unpack_gradient(layout, (const double *)(scratch + k.at.sums), weight_gradient);
}

/// Copies the adjoints of h and c in scratch from a block of state adjoints, or to it.
static void exchange_adjoints(const context *k, float *block, int out) {
  float *h = k->scratch + k->at.adjoint_h, *c = k->scratch + k->at.adjoint_c;
  for (int l = 0; l < k->layout.layer_count; l++) {
    const ck_dl_layer *layer = &k->layout.layers[l];
    const size_t size = (size_t)layer->hidden * CK_LANES;
    memcpy(out ? block + layer->h : h, out ? h : block + layer->h, size * sizeof(float));
    memcpy(out ? block + layer->c : c, out ? c : block + layer->c, size * sizeof(float));
    h += size;
    c += size;
  }
}

static void step_backward(
    const ck_deep_lstm_config *config, const float *packed, int64_t rows, const float *gradient,
    const float *state_in, const float *update_adjoint, float *state_adjoint,
    float *input_adjoint, double *weight_gradient, float *scratch
) {
  context k;
  make_context(&k, config, packed, rows, 1, scratch);
  const ck_dl_layout *layout = &k.layout;
  const int64_t blocks = (rows + CK_LANES - 1) / CK_LANES;
  float *tape = scratch + k.at.tape, *slot = tape + layout->tape_floats;
  start_sums(&k);
  for (int64_t block = 0; block < blocks; block++) {
    state_to_tape(&k, state_in + block * layout->state_floats, tape);
    preprocess(&k, block, gradient, slot);
    step_on_tape(1, &k, tape, slot);
    float *adjoint = state_adjoint + block * layout->state_floats;
    exchange_adjoints(&k, adjoint, 0);
    step_back(&k, block, tape, slot, update_adjoint, WANT_INPUT | WANT_STATE);
    exchange_adjoints(&k, adjoint, 1);
    preprocess_backward(
        &k, block, gradient, scratch + k.at.input_adjoint, input_adjoint);
    if ((block + 1) % BLOCKS_PER_SUM == 0 || block + 1 == blocks) flush_sums(&k);
  }
  ck_dl_unpack_gradient(layout, (const double *)(scratch + k.at.sums), weight_gradient);
}

const ck_dl_kernels CK_KERNELS = {CK_ISA, {CK_LANES, CK_VECTOR, CK_GATE_UNITS, CK_LINEAR_ROWS},
    step, backward, step_backward};
