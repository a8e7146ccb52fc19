// The deep LSTM of a learned optimizer: forward step, truncated backward pass through an unroll,
// and one backward step for second derivatives.
//
// preprocess -> LSTM layers -> linear -> (tanh) -> scale, for `rows` independent rows that share weights:
//
//   [i j f o] = [x, h] W + b
//   c' = c * sigmoid(f + 1) + sigmoid(i) * tanh(j)
//   h' = tanh(c') * sigmoid(o)
//
// A row is one coordinate of a coordinate-wise net (width 1), or one filter of a kernel net.
// Rows never interact, and a first-order meta-gradient takes the gradients as constants. So the
// backward pass takes a small block of rows at a time, recomputes the block's activations from the
// state at the start of the unroll, and goes back through all steps, without leaving the cache.
//
// Rules that hold for every function:
// - No allocation, no locks, no global state other than the choice of instruction set.
// - State, packed weights, scratch and weight_gradient are 64-byte aligned (weight_gradient: 8);
//   gradients, adjoints and updates need 4 bytes only.
// - Scratch has no meaning between calls. Each concurrent call needs its own.
// - Results depend on the call's inputs alone, not on history, and the sum over rows has one fixed
//   order: rows in blocks, float32 within a few blocks, blocks in order in float64.
// - rows may be 0 or any other number.
// - NaN propagates; infinities and huge values give what the formulas give in float32, with
//   saturating sigmoid and tanh.

#ifndef CK_DEEP_LSTM_H
#define CK_DEEP_LSTM_H

#include <stdint.h>

#include "ck_isa.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  /// The gradient itself: one input per entry.
  CK_PREPROCESS_IDENTITY = 0,
  /// min(max(g, p0), p1): one input per entry. Use infinities for absent limits.
  CK_PREPROCESS_CLAMP = 1,
  /// With k = p0, [max(log(|g| + eps) / k, -1), clamp(g e^k, -1, 1)]: two inputs per entry,
  /// interleaved (log 0, sign 0, log 1, sign 1, ...). eps is the float32 epsilon 1.1920929e-07.
  CK_PREPROCESS_LOG_AND_SIGN = 2,
  /// A coordinate's gradient in units of its own history, projected (Lv et al. 2017), for width 1:
  ///
  ///   m' = b m + (1 - b) g,  v' = b v + (1 - b) g^2,  m^ and v^ corrected for their zero start
  ///   x = ELU([m^, g] / (sqrt(v^) + 1e-8) W + w): `projection` inputs
  ///
  /// m and v are part of the state, W [2, projection] and w [projection] of the weights. Where v^ is
  /// no normal number, nothing is taken through the root's derivative, which is infinite at 0.
  CK_PREPROCESS_MOMENTS = 3,
};

#define CK_DEEP_LSTM_MAX_LAYERS 8

/// A net's shape, fixed for the life of its weights and states.
typedef struct {
  /// LSTM layers, 0...8. With 0 layers the net is the linear layer alone.
  int32_t layer_count;
  /// Units of each layer, 1...1024.
  int32_t hidden[CK_DEEP_LSTM_MAX_LAYERS];
  /// Gradient entries of a row, and outputs of a row: 1 for a coordinate-wise net.
  int32_t width;
  /// One of CK_PREPROCESS_*.
  int32_t preprocess;
  /// The preprocessing's parameters: k for LOG_AND_SIGN; minimum and maximum for CLAMP.
  float p0, p1;
  /// Factor of the output.
  float scale;
  /// Whether outputs go through tanh before the factor.
  int32_t squashes;
  /// For CK_PREPROCESS_MOMENTS: the projection's units, the decay b, and how many steps were taken
  /// before the first one of a call, which may change from call to call.
  int32_t projection;
  double decay;
  int64_t step;
} ck_deep_lstm_config;

/// Floats of all weights in the flat order, row-major:
/// with CK_PREPROCESS_MOMENTS W [2, projection], w [projection]; for each layer l: w_gates [in_l + H_l, 4 H_l] (column blocks i, j, f, o), b_gates [4 H_l];
/// then w [in, width], b [width] of the linear layer.
int64_t ck_deep_lstm_weight_count(const ck_deep_lstm_config *config);

/// Floats of packed weights.
int64_t ck_deep_lstm_packed_floats(const ck_deep_lstm_config *config);

/// Rearranges flat weights for the kernels. Cost: two copies of the weights. Needed once per
/// change of the weights; the result belongs to the instruction set in use.
void ck_deep_lstm_pack(const ck_deep_lstm_config *config, const float *weights, float *packed);

/// Floats of the state of `rows` rows. Zero-filled memory is the zero state. The layout is in
/// blocks of rows and depends on the instruction set: export it to keep it.
int64_t ck_deep_lstm_state_floats(const ck_deep_lstm_config *config, int64_t rows);

/// Writes the state as m [rows] and v [rows] where there are any, then per layer h [rows, H] and
/// c [rows, H].
void ck_deep_lstm_state_export(
    const ck_deep_lstm_config *config, int64_t rows, const float *state, float *canonical);

/// Reads the state from what export writes.
void ck_deep_lstm_state_import(
    const ck_deep_lstm_config *config, int64_t rows, const float *canonical, float *state);

/// Floats of scratch for any of the calls below, up to `steps` steps (1 for step calls).
/// Does not grow with rows. With steps it grows until the tape of one block takes about 4 MB, then
/// by one block's state for every few steps (the default net: 0.4 MB for 20 steps).
int64_t ck_deep_lstm_scratch_floats(
    const ck_deep_lstm_config *config, int64_t rows, int32_t steps);

/// One step of all rows.
///
/// - gradient [rows, width]; update [rows, width], already times scale.
/// - state_out may be state_in.
///
/// Cost per row of a two-layer net: 2 (sum of (in + H) 4H) + 2 H width flops; the state is read
/// and written once.
void ck_deep_lstm_step(
    const ck_deep_lstm_config *config, const float *packed, int64_t rows, const float *gradient,
    const float *state_in, float *state_out, float *update, float *scratch);

/// The weight gradient of an unroll of `steps` steps, by truncated backpropagation through time.
///
/// - gradients[t] [rows, width]: the net's input at step t.
/// - initial_state: the state before step 0, taken as a constant.
/// - adjoints[t] [rows, width]: dL/d(update at step t).
/// - weight_gradient [weight_count]: dL/d(weights) is added, in the flat order.
///
/// Cost: the forward pass once more and about twice that for the backward pass. Long unrolls are
/// cut into chunks, to bound the memory, at the cost of one more forward pass.
void ck_deep_lstm_backward(
    const ck_deep_lstm_config *config, const float *packed, int64_t rows, int32_t steps,
    const float *const *gradients, const float *initial_state, const float *const *adjoints,
    double *weight_gradient, float *scratch);

/// One step backward, with the adjoints of its inputs, as second derivatives need.
///
/// - gradient [rows, width] and state_in: what the step got.
/// - update_adjoint [rows, width]: dL/d(update).
/// - state_adjoint: in: dL/d(state after the step); out: dL/d(state before). Laid out as a state.
/// - input_adjoint [rows, width]: written: dL/d(gradient), through the preprocessing, whose
///   derivative is 0 where it saturates.
/// - weight_gradient [weight_count]: dL/d(weights) is added, in the flat order.
void ck_deep_lstm_step_backward(
    const ck_deep_lstm_config *config, const float *packed, int64_t rows, const float *gradient,
    const float *state_in, const float *update_adjoint, float *state_adjoint,
    float *input_adjoint, double *weight_gradient, float *scratch);

/// Whether this machine can run an instruction set (1 or 0).
int ck_deep_lstm_supports_isa(int isa);

/// Makes all calls use one instruction set; no effect if the machine can't run it. For tests:
/// packed weights and states made before have another layout.
void ck_deep_lstm_force_isa(int isa);

/// The instruction set in use, never CK_ISA_AUTOMATIC.
int ck_deep_lstm_isa(void);

#ifdef __cplusplus
}
#endif

#endif
