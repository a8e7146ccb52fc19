// What a call of the kernels knows, rows into lanes and back, and preprocessing. Included after
// ck_deep_lstm_tiles.h.

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
  if (k->layout.projection > 0) {
    ck_dl_make_corrections(config, steps, scratch + k->at.corrections);
  }
}

/// Copies [count][lanes].
CK_INLINE void copy(float *to, const float *from, int32_t count) {
  for (int32_t i = 0; i < count; i++) {
    CK_EACH_VECTOR {
      store(to + i * CK_LANES + v * CK_VECTOR, load(from + i * CK_LANES + v * CK_VECTOR));
    }
  }
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
