// The kernels of one instruction set: blocks of rows through the net, forward and backward.
// Included after ck_deep_lstm_rows.h; defines the table CK_KERNELS.

#include <string.h>

#include "ck_deep_lstm_moments.h"

/// x [inputs][lanes], at the start of `slot`, of step t of a call; moments [2][lanes], where there
/// are any, go from `before` to `after`.
CK_INLINE void set_inputs(
    const context *k, int64_t block, int32_t t, const float *gradient, const float *before,
    float *after, float *slot
) {
  if (k->layout.projection > 0) {
    see(k, block, t, gradient, before, after, slot);
  } else {
    preprocess(k, block, gradient, slot);
  }
}

// MARK: - Forward

/// The end of a block's step: its new h [sum of H][lanes], or its inputs if there are no layers,
/// to the state and through the linear layer.
static void finish_step(
    const context *k, int64_t block, const float *hidden, const float *inputs, float *state_out,
    float *update
) {
  const ck_dl_layout *layout = &k->layout;
  const vf scale = splat(k->config->scale);
  float *state = state_out + block * layout->state_floats, *output = k->scratch + k->at.output;
  const float *top = inputs;
  for (int l = 0; l < layout->layer_count; l++) {
    const ck_dl_layer *layer = &layout->layers[l];
    copy(state + layer->h, hidden, layer->hidden);
    top = hidden;
    hidden += layer->hidden * CK_LANES;
  }
  linear_with_bias(layout->width, k->packed + layout->packed_linear, top, layout->top, output);
  for (int32_t entry = 0; entry < layout->width; entry++) {
    float *lanes = output + entry * CK_LANES;
    if (k->config->squashes) {
      CK_EACH_VECTOR store(lanes + v * CK_VECTOR, tanh_of(load(lanes + v * CK_VECTOR)));
    }
    CK_EACH_VECTOR store(lanes + v * CK_VECTOR, load(lanes + v * CK_VECTOR) * scale);
    store_entry(k, block, entry, lanes, update);
  }
}

static void step(
    const ck_deep_lstm_config *config, const float *packed, int64_t rows, const float *gradient,
    const float *state_in, float *state_out, float *update, float *scratch
) {
  context k;
  make_context(&k, config, packed, rows, 1, scratch);
  const ck_dl_layout *layout = &k.layout;
  const int64_t blocks = (rows + CK_LANES - 1) / CK_LANES;
  float *inputs = scratch + k.at.tape, *z = scratch + k.at.pending;
  const int64_t hidden_floats = layout->hidden_sum * CK_LANES;
  pending_units pending = {0};
  for (int64_t block = 0; block < blocks; block++) {
    const float *in = state_in + block * layout->state_floats;
    float *out = state_out + block * layout->state_floats;
    // All tiles of a layer read its old h, and state_out may be state_in: so the new h waits
    // aside. Two in turn, as the block before is finished during this one's first layer.
    float *hidden = scratch + k.at.hidden_out, *before = hidden;
    *(block & 1 ? &hidden : &before) += hidden_floats;
    set_inputs(
        &k, block, 0, gradient, in + layout->moments, out + layout->moments, inputs);
    if (layout->layer_count == 0) {
      finish_step(&k, block, NULL, inputs, state_out, update);
      continue;
    }
    const float *x = inputs;
    float *h_out = hidden;
    for (int l = 0; l < layout->layer_count; l++) {
      const ck_dl_layer *layer = &layout->layers[l];
      compute_layer_plain(
          layer, packed, in + layer->h, x, in + layer->c, out + layer->c, h_out, z, &pending);
      if (l == 0 && block > 0) finish_step(&k, block - 1, before, NULL, state_out, update);
      x = h_out;
      h_out += layer->hidden * CK_LANES;
    }
    if (block + 1 == blocks) {
      finish(0, &pending);
      finish_step(&k, block, hidden, NULL, state_out, update);
    }
  }
}

/// One step of a block from tape slot to tape slot: the inputs in `slot` are set before.
/// c of all layers, in place, in the cell part of scratch. Without `tape`, only h is written.
/// Call finish after the last step.
CK_INLINE void step_on_tape(
    const int tape, const context *k, const float *before, float *slot, pending_units *p
) {
  const float *x = slot;
  float *c = k->scratch + k->at.cell, *z = k->scratch + k->at.pending;
  // What is pending is the last layer's; with a single layer its h is needed at once.
  if (k->layout.layer_count == 1) finish(tape, p);
  for (int l = 0; l < k->layout.layer_count; l++) {
    const ck_dl_layer *layer = &k->layout.layers[l];
    float *h = slot + layer->tape_h, *factors = slot + layer->tape_factors;
    const float *h_before = before + layer->tape_h;
    if (tape) {
      compute_layer_taped(layer, k->packed, h_before, x, c, c, h, factors, z, p);
    } else {
      compute_layer_plain(layer, k->packed, h_before, x, c, c, h, z, p);
    }
    x = h;
    c += layer->hidden * CK_LANES;
  }
}

/// The floats of a block's moments.
CK_INLINE size_t moments_size(const context *k) {
  return k->layout.projection > 0 ? 2 * CK_LANES * sizeof(float) : 0;
}

/// Copies a block's state to a slot's h and the cell and moments parts of scratch, or back.
static void state_to_tape(const context *k, const float *state, float *slot) {
  float *c = k->scratch + k->at.cell;
  memcpy(k->scratch + k->at.moments, state + k->layout.moments, moments_size(k));
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
  memcpy(state + k->layout.moments, k->scratch + k->at.moments, moments_size(k));
  for (int l = 0; l < k->layout.layer_count; l++) {
    const ck_dl_layer *layer = &k->layout.layers[l];
    const size_t size = (size_t)layer->hidden * CK_LANES;
    memcpy(state + layer->h, slot + layer->tape_h, size * sizeof(float));
    memcpy(state + layer->c, c, size * sizeof(float));
    c += size;
  }
}

// MARK: - Backward

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
  if (k->config->squashes) {
    // Their values once more, for tanh's slope: less than to keep them.
    linear_with_bias(width, k->packed + layout->packed_linear, top, layout->top, gates);
    for (int32_t i = 0; i < width * CK_VECTORS; i++) {
      const vf y = tanh_of(load(gates + i * CK_VECTOR));
      store(output + i * CK_VECTOR, load(output + i * CK_VECTOR) * (1 - y * y));
    }
  }
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
    add_outer_and_bias(top, layout->top, output_turned, pitch, sums);
  }
  float *adjoint_h = k->scratch + k->at.adjoint_h, *adjoint_c = k->scratch + k->at.adjoint_c;
  for (int l = 0; l < layer_count; l++) {
    adjoint_h += layout->layers[l].hidden * CK_LANES;
    adjoint_c += layout->layers[l].hidden * CK_LANES;
  }
  const float *w = k->packed + layout->packed_linear_backward;
  if (layer_count == 0) {
    if (want & WANT_INPUT) {
      linear(layout->top, w, output, width, k->scratch + k->at.input_adjoint);
    }
    return;
  }
  adjoint_h -= layout->top * CK_LANES;
  add_linear(layout->top, w, output, width, adjoint_h);
  for (int l = layer_count - 1; l >= 0; l--) {
    const ck_dl_layer *layer = &layout->layers[l];
    const int32_t hidden = layer->hidden, inputs = layer->inputs, pitch = layer->pitch;
    adjoint_c -= hidden * CK_LANES;
    const gate_adjoints a = {
        hidden, pitch, slot + layer->tape_factors, adjoint_h, adjoint_c, gates, turned,
    };
    const float *recurrent = k->packed + layer->packed_recurrent;
    adjoints_and_linear(&a, want & WANT_STATE ? hidden : 0, recurrent, adjoint_h);
    const float *x = slot, *w_inputs = k->packed + layer->packed_inputs;
    if (l > 0) {
      adjoint_h -= inputs * CK_LANES;
      add_linear(inputs, w_inputs, gates, 4 * hidden, adjoint_h);
      x = slot + layout->layers[l - 1].tape_h;
    } else if (want & WANT_INPUT) {
      linear(inputs, w_inputs, gates, 4 * hidden, k->scratch + k->at.input_adjoint);
    }
    float *out = gradient + layer->gradient;
    add_outer(before + layer->tape_h, hidden, turned, pitch, out);
    add_outer_and_bias(x, inputs, turned, pitch, out + (int64_t)hidden * pitch);
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
  memset(
      k->scratch + k->at.input_adjoint, 0,
      (size_t)k->layout.projection_pitch * CK_LANES * sizeof(float));
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
  float *tape = scratch + k.at.tape, *moments = scratch + k.at.moments;
  const int always = layout->projection > 0 ? WANT_INPUT : 0;
  pending_units pending = {0};
  start_sums(&k);
  for (int64_t block = 0; block < blocks; block++) {
    const float *state = initial_state + block * layout->state_floats;
    if (chunks > 1) {
      float *checkpoints = scratch + k.at.checkpoints;
      state_to_tape(&k, state, tape);
      for (int32_t t = 0; t < (chunks - 1) * chunk; t++) {
        float *before = tape + (t & 1) * slot_floats, *slot = tape + (1 - (t & 1)) * slot_floats;
        set_inputs(&k, block, t, gradients[t], moments, moments, slot);
        step_on_tape(0, &k, before, slot, &pending);
        if ((t + 1) % chunk == 0) {
          finish(0, &pending);
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
        set_inputs(&k, block, t, gradients[t], moments, moments, before + slot_floats);
        step_on_tape(1, &k, before, before + slot_floats, &pending);
      }
      finish(1, &pending);
      for (int32_t t = end - 1; t >= start; t--) {
        const float *before = tape + (t - start) * slot_floats;
        step_back(
            &k, block, before, before + slot_floats, adjoints[t],
            always | (t > 0 ? WANT_STATE : 0));
        if (layout->projection > 0) project_back(&k, before + slot_floats);
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
  float *moments = scratch + k.at.moments;
  pending_units pending = {0};
  start_sums(&k);
  for (int64_t block = 0; block < blocks; block++) {
    state_to_tape(&k, state_in + block * layout->state_floats, tape);
    set_inputs(&k, block, 0, gradient, moments, moments, slot);
    step_on_tape(1, &k, tape, slot, &pending);
    finish(1, &pending);
    float *adjoint = state_adjoint + block * layout->state_floats;
    exchange_adjoints(&k, adjoint, 0);
    step_back(&k, block, tape, slot, update_adjoint, WANT_INPUT | WANT_STATE);
    exchange_adjoints(&k, adjoint, 1);
    if (layout->projection > 0) {
      project_back(&k, slot);
      see_back(&k, block, gradient, slot, adjoint + layout->moments, input_adjoint);
    } else {
      preprocess_backward(
          &k, block, gradient, scratch + k.at.input_adjoint, input_adjoint);
    }
    if ((block + 1) % BLOCKS_PER_SUM == 0 || block + 1 == blocks) flush_sums(&k);
  }
  ck_dl_unpack_gradient(layout, (const double *)(scratch + k.at.sums), weight_gradient);
}

const ck_dl_kernels CK_KERNELS = {CK_ISA, {CK_LANES, CK_VECTOR, CK_GATE_UNITS, CK_LINEAR_ROWS},
    step, backward, step_backward};
