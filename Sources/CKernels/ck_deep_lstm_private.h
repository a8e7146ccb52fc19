// Layouts that the deep LSTM's kernels share, and the table of one instruction set's kernels.
//
// A block is `lanes` rows, along the SIMD lanes. Inside a block everything is [feature][lane].

#ifndef CK_DEEP_LSTM_PRIVATE_H
#define CK_DEEP_LSTM_PRIVATE_H

#include "ck_deep_lstm.h"

/// Tile sizes of one instruction set's kernels.
typedef struct {
  int32_t lanes;        // rows in a block
  int32_t vector;       // floats in a vector register
  int32_t gate_units;   // units in a tile of gates, at most
  int32_t linear_rows;  // outputs in a tile of a linear map, at most
} ck_dl_shape;

/// Where one LSTM layer's things are. Offsets are in floats.
typedef struct {
  int32_t inputs, hidden;
  int32_t pitch;              // gates 4H, rounded up to whole vectors
  int64_t packed_gates;       // tiles of units: bias, then recurrent rows, then input rows
  int64_t packed_recurrent;   // tiles of h outputs over 4H gates: W transposed
  int64_t packed_inputs;      // tiles of x outputs over 4H gates
  int64_t flat_weights, flat_bias;
  int64_t h, c;               // in a block of state
  int64_t tape_h, tape_factors;  // in a slot of the tape
  int64_t gradient;           // [H + inputs + 1][pitch], in the block gradient
} ck_dl_layer;

/// Where all of a net's things are.
typedef struct {
  ck_dl_shape shape;
  int32_t layer_count;
  int32_t inputs;             // preprocessed inputs of a row
  int32_t projection;         // units of the projection of moments; 0 without moments
  int32_t projection_pitch;   // rounded up to whole vectors
  int32_t width;
  int32_t top;                // inputs of the linear layer
  int32_t linear_pitch;       // width, rounded up to whole vectors
  int32_t max_hidden, hidden_sum;
  ck_dl_layer layers[CK_DEEP_LSTM_MAX_LAYERS];
  int64_t packed_linear;            // tiles of outputs: bias, then rows
  int64_t packed_linear_backward;   // tiles of the layer's inputs over outputs
  int64_t flat_linear, flat_linear_bias;
  int64_t packed_projection, packed_projection_backward;  // as those of the linear layer
  int64_t projection_gradient;      // [3][projection_pitch]
  int64_t moments;            // m, v [2][lanes] in a block of state
  int64_t tape_seen;          // m^ and g in units of sqrt(v^) [2][lanes] in a slot
  int64_t linear_gradient;    // [top + 1][vector] lane sums when width is 1, else [top + 1][pitch]
  int64_t gradient_floats;
  int64_t state_floats;       // of one block
  int64_t tape_floats;        // of one slot
  int64_t weight_count, packed_floats;
} ck_dl_layout;

/// Parts of the scratch memory, in floats from its start.
typedef struct {
  int64_t tape, checkpoints, cell, hidden_out, pending, adjoint_h, adjoint_c, gates, gates_transposed;
  int64_t output, output_transposed, input_adjoint, input_transposed, ones, gradient, sums;
  int64_t moments, corrections;
  int64_t total;
  int32_t chunk;              // steps that the tape holds
} ck_dl_scratch;

/// Values derived from the preprocessing's parameters, at the start of packed weights.
enum {
  CK_DL_EXP_K = 0,
  CK_DL_INVERSE_K = 1,
  CK_DL_HEADER = 16,
};

/// Values kept per unit and step for the backward pass: see ck_deep_lstm_forward.h.
enum { CK_DL_FACTORS = 6 };

/// One instruction set's kernels.
typedef struct {
  int isa;
  ck_dl_shape shape;
  void (*step)(
      const ck_deep_lstm_config *, const float *, int64_t, const float *, const float *, float *,
      float *, float *);
  void (*backward)(
      const ck_deep_lstm_config *, const float *, int64_t, int32_t, const float *const *,
      const float *, const float *const *, double *, float *);
  void (*step_backward)(
      const ck_deep_lstm_config *, const float *, int64_t, const float *, const float *,
      const float *, float *, float *, double *, float *);
} ck_dl_kernels;

extern const ck_dl_kernels ck_dl_kernels_baseline;
#if defined(__x86_64__)
extern const ck_dl_kernels ck_dl_kernels_avx2;
extern const ck_dl_kernels ck_dl_kernels_avx512, ck_dl_kernels_avx512_dual;
#endif

void ck_dl_make_layout(
    const ck_deep_lstm_config *config, const ck_dl_shape *shape, ck_dl_layout *layout);
void ck_dl_make_scratch(const ck_dl_layout *layout, int32_t steps, ck_dl_scratch *scratch);
void ck_dl_pack(
    const ck_deep_lstm_config *config, const ck_dl_layout *layout, const float *weights,
    float *packed);
/// out [steps]: 1 / (1 - b^(n + 1)) for the steps of a call on moments.
void ck_dl_make_corrections(const ck_deep_lstm_config *config, int32_t steps, float *out);
/// Copies the state to its canonical form, or from it with `import`.
void ck_dl_exchange_state(
    const ck_dl_layout *layout, int64_t rows, float *state, float *canonical, int import);
/// Adds sums of the block gradient, laid out as `sums` [gradient_floats] (the linear layer's lane
/// sums reduced), to the flat gradient.
void ck_dl_unpack_gradient(const ck_dl_layout *layout, const double *sums, double *flat);

/// Tiles that cover `count` things, of at most `limit` each and as even as possible: tile i is
/// [i count / tiles, (i + 1) count / tiles).
static inline int32_t ck_dl_tile_count(int32_t count, int32_t limit) {
  return (count + limit - 1) / limit;
}

static inline int32_t ck_dl_tile_start(int32_t tile, int32_t tiles, int32_t count) {
  return (int32_t)((int64_t)tile * count / tiles);
}

static inline int64_t ck_dl_align(int64_t floats) {
  return (floats + 15) & ~(int64_t)15;
}

#endif
