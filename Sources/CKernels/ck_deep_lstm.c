// The public functions: choice of the instruction set, and the smallest nets, which a block of
// SIMD lanes would only slow down.

#include "ck_deep_lstm.h"

#include <math.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "ck_deep_lstm_private.h"

// MARK: - Instruction sets

static _Atomic(const ck_dl_kernels *) current_kernels;

static const ck_dl_kernels *kernels_for(int isa) {
  if (!ck_supports_isa(isa)) return NULL;
  switch (isa) {
#if defined(__x86_64__)
    case CK_ISA_AVX2:
      return &ck_dl_kernels_avx2;
    case CK_ISA_AVX512:
      return &ck_dl_kernels_avx512;
    case CK_ISA_AVX512_DUAL:
      return &ck_dl_kernels_avx512_dual;
#endif
    case CK_ISA_BASELINE:
      return &ck_dl_kernels_baseline;
    default:
      return NULL;
  }
}

static const ck_dl_kernels *best_kernels(void) {
  int isa = CK_ISA_AVX512;
#if defined(__x86_64__)
  if (__builtin_cpu_is("intel")) isa = CK_ISA_AVX512_DUAL;
#endif
  for (; isa > CK_ISA_BASELINE; isa--) {
    const ck_dl_kernels *kernels = kernels_for(isa);
    if (kernels) return kernels;
  }
  return &ck_dl_kernels_baseline;
}

static inline const ck_dl_kernels *kernels_in_use(void) {
  const ck_dl_kernels *kernels =
      atomic_load_explicit(&current_kernels, memory_order_relaxed);
  if (__builtin_expect(kernels == NULL, 0)) {
    // Two threads may both get here: they find and store the same.
    kernels = best_kernels();
    atomic_store_explicit(&current_kernels, kernels, memory_order_relaxed);
  }
  return kernels;
}

int ck_deep_lstm_supports_isa(int isa) {
  return isa == CK_ISA_AUTOMATIC || kernels_for(isa) != NULL;
}

void ck_deep_lstm_force_isa(int isa) {
  const ck_dl_kernels *kernels = isa == CK_ISA_AUTOMATIC ? best_kernels() : kernels_for(isa);
  if (kernels) atomic_store_explicit(&current_kernels, kernels, memory_order_relaxed);
}

int ck_deep_lstm_isa(void) {
  return kernels_in_use()->isa;
}

// MARK: - Sizes and layouts

int64_t ck_deep_lstm_weight_count(const ck_deep_lstm_config *config) {
  ck_dl_layout layout;
  ck_dl_make_layout(config, &kernels_in_use()->shape, &layout);
  return layout.weight_count;
}

int64_t ck_deep_lstm_packed_floats(const ck_deep_lstm_config *config) {
  ck_dl_layout layout;
  ck_dl_make_layout(config, &kernels_in_use()->shape, &layout);
  return layout.packed_floats;
}

void ck_deep_lstm_pack(const ck_deep_lstm_config *config, const float *weights, float *packed) {
  ck_dl_layout layout;
  ck_dl_make_layout(config, &kernels_in_use()->shape, &layout);
  ck_dl_pack(config, &layout, weights, packed);
}

int64_t ck_deep_lstm_state_floats(const ck_deep_lstm_config *config, int64_t rows) {
  ck_dl_layout layout;
  ck_dl_make_layout(config, &kernels_in_use()->shape, &layout);
  const int64_t lanes = layout.shape.lanes;
  return (rows + lanes - 1) / lanes * layout.state_floats;
}

void ck_deep_lstm_state_export(
    const ck_deep_lstm_config *config, int64_t rows, const float *state, float *canonical
) {
  ck_dl_layout layout;
  ck_dl_make_layout(config, &kernels_in_use()->shape, &layout);
  ck_dl_exchange_state(&layout, rows, (float *)state, canonical, 0);
}

void ck_deep_lstm_state_import(
    const ck_deep_lstm_config *config, int64_t rows, const float *canonical, float *state
) {
  ck_dl_layout layout;
  ck_dl_make_layout(config, &kernels_in_use()->shape, &layout);
  const int64_t lanes = layout.shape.lanes;
  memset(state, 0, (size_t)((rows + lanes - 1) / lanes * layout.state_floats) * sizeof(float));
  ck_dl_exchange_state(&layout, rows, state, (float *)canonical, 1);
}

int64_t ck_deep_lstm_scratch_floats(
    const ck_deep_lstm_config *config, int64_t rows, int32_t steps
) {
  (void)rows;
  ck_dl_layout layout;
  ck_dl_scratch scratch;
  ck_dl_make_layout(config, &kernels_in_use()->shape, &layout);
  ck_dl_make_scratch(&layout, steps, &scratch);
  return scratch.total;
}

// MARK: - The linear layer alone, on a few coordinates

/// A net without LSTM layers on so few rows of width 1 that plain code wins.
static inline int is_tiny(const ck_deep_lstm_config *config, int64_t rows) {
  return config->layer_count == 0 && config->width == 1 && rows <= 4 && !config->squashes
      && config->preprocess != CK_PREPROCESS_MOMENTS;
}

/// Preprocesses one gradient, to x[0] and x[1].
static inline void tiny_inputs(
    const ck_deep_lstm_config *config, const float *packed, float g, float x[2]
) {
  x[1] = 0;
  switch (config->preprocess) {
    case CK_PREPROCESS_CLAMP: {
      const float low = g < config->p0 ? config->p0 : g;
      x[0] = low > config->p1 ? config->p1 : low;
      break;
    }
    case CK_PREPROCESS_LOG_AND_SIGN: {
      const float log_part = logf(fabsf(g) + 1.1920929e-07f) * packed[CK_DL_INVERSE_K];
      const float sign_part = g * packed[CK_DL_EXP_K];
      x[0] = log_part < -1 ? -1 : log_part;
      x[1] = sign_part < -1 ? -1 : sign_part > 1 ? 1 : sign_part;
      break;
    }
    default:
      x[0] = g;
  }
}

static inline int tiny_input_count(const ck_deep_lstm_config *config) {
  return config->preprocess == CK_PREPROCESS_LOG_AND_SIGN ? 2 : 1;
}

/// dL/dg from `adjoint` = dL/d(output) for the weights w.
static float tiny_input_adjoint(
    const ck_deep_lstm_config *config, const float *packed, const float *w, float g,
    float adjoint
) {
  switch (config->preprocess) {
    case CK_PREPROCESS_CLAMP:
      return g < config->p0 || g > config->p1 ? 0 : w[0] * adjoint;
    case CK_PREPROCESS_LOG_AND_SIGN: {
      const float size = fabsf(g) + 1.1920929e-07f;
      const float sign = g > 0 ? 1.0f : g < 0 ? -1.0f : 0.0f;
      const float inverse_k = packed[CK_DL_INVERSE_K], scaled = g * packed[CK_DL_EXP_K];
      const float log_part = logf(size) * inverse_k < -1 ? 0 : sign * inverse_k / size;
      const float sign_part = scaled < -1 || scaled > 1 ? 0 : packed[CK_DL_EXP_K];
      return (w[0] * log_part + w[1] * sign_part) * adjoint;
    }
    default:
      return w[0] * adjoint;
  }
}

static void tiny_backward(
    const ck_deep_lstm_config *config, const float *packed, int64_t rows, int32_t steps,
    const float *const *gradients, const float *const *adjoints, double *weight_gradient
) {
  const int count = tiny_input_count(config);
  double sums[3] = {0, 0, 0};
  for (int32_t t = 0; t < steps; t++) {
    for (int64_t row = 0; row < rows; row++) {
      float x[2];
      tiny_inputs(config, packed, gradients[t][row], x);
      const float adjoint = adjoints[t][row] * config->scale;
      sums[0] += x[0] * adjoint;
      sums[1] += x[1] * adjoint;
      sums[2] += adjoint;
    }
  }
  weight_gradient[0] += sums[0];
  if (count == 2) weight_gradient[1] += sums[1];
  weight_gradient[count] += sums[2];
}

// MARK: - Kernels

void ck_deep_lstm_step(
    const ck_deep_lstm_config *config, const float *packed, int64_t rows, const float *gradient,
    const float *state_in, float *state_out, float *update, float *scratch
) {
  if (is_tiny(config, rows)) {
    // Packed for width 1: the bias, then the weights.
    const float *w = packed + CK_DL_HEADER;
    for (int64_t row = 0; row < rows; row++) {
      float x[2];
      tiny_inputs(config, packed, gradient[row], x);
      const float sum = tiny_input_count(config) == 2 ? x[0] * w[1] + x[1] * w[2] : x[0] * w[1];
      update[row] = (sum + w[0]) * config->scale;
    }
    return;
  }
  kernels_in_use()->step(config, packed, rows, gradient, state_in, state_out, update, scratch);
}

void ck_deep_lstm_backward(
    const ck_deep_lstm_config *config, const float *packed, int64_t rows, int32_t steps,
    const float *const *gradients, const float *initial_state, const float *const *adjoints,
    double *weight_gradient, float *scratch
) {
  if (rows == 0 || steps == 0) return;
  if (is_tiny(config, rows)) {
    tiny_backward(config, packed, rows, steps, gradients, adjoints, weight_gradient);
    return;
  }
  kernels_in_use()->backward(
      config, packed, rows, steps, gradients, initial_state, adjoints, weight_gradient, scratch);
}

void ck_deep_lstm_step_backward(
    const ck_deep_lstm_config *config, const float *packed, int64_t rows, const float *gradient,
    const float *state_in, const float *update_adjoint, float *state_adjoint,
    float *input_adjoint, double *weight_gradient, float *scratch
) {
  if (rows == 0) return;
  if (is_tiny(config, rows)) {
    const float *w = packed + CK_DL_HEADER + 1;
    tiny_backward(config, packed, rows, 1, &gradient, &update_adjoint, weight_gradient);
    for (int64_t row = 0; row < rows; row++) {
      const float adjoint = update_adjoint[row] * config->scale;
      input_adjoint[row] = tiny_input_adjoint(config, packed, w, gradient[row], adjoint);
    }
    return;
  }
  kernels_in_use()->step_backward(
      config, packed, rows, gradient, state_in, update_adjoint, state_adjoint, input_adjoint,
      weight_gradient, scratch);
}
