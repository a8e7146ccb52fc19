/// libl2l: steps the parameters of a program with a learned optimizer, from C and whatever calls C.
///
///     l2l_optimizer *optimizer;
///     if (l2l_optimizer_load("mnist", NULL, &optimizer)) return fail(l2l_error_text());
///     const int32_t ranks[] = {2, 1};
///     const int64_t extents[] = {784, 20, 20};
///     l2l_state *state;
///     if (l2l_state_make(optimizer, 2, ranks, extents, 100, &state)) return fail(l2l_error_text());
///     for (int step = 0; step < 100; step++) {
///       const float loss = model(weights, biases, gradient_of_weights, gradient_of_biases);
///       float *parameters[] = {weights, biases};
///       const float *gradients[] = {gradient_of_weights, gradient_of_biases};
///       if (l2l_state_step(state, parameters, gradients, &loss)) return fail(l2l_error_text());
///     }
///     l2l_state_free(state);
///     l2l_optimizer_free(optimizer);
///
/// Link with -ll2l (`pkg-config --cflags --libs l2l` when installed).
///
/// Threads: an optimizer does not change after it is made, and any number of threads may use it. A
/// state is used by one thread at a time; different states by different threads at once.
///
/// Errors: functions that can fail return an l2l_status, 0 when all is well, and l2l_error_text() then
/// says what was wrong and what to do. A call that fails changes nothing, but for L2L_ERROR_DIVERGED.
/// NULL where a pointer is needed is an error, never a crash. Memory that the system refuses ends the
/// process, as does a handle that was freed or never made.
///
/// Numbers are those of the program `l2l` and of Swift's OptimizerStepper, bit for bit, on the same
/// kind of CPU.
#ifndef L2L_H
#define L2L_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The version of this interface: a program made with this header runs with every library whose
/// l2l_abi_version() is the same. Functions are only ever added under the same version.
#define L2L_ABI_VERSION 1

/// What a call comes to. Values stay as they are; new ones may be added.
enum {
  /// All is well.
  L2L_OK = 0,
  /// A pointer is NULL, or a number or text out of range.
  L2L_ERROR_ARGUMENT = 1,
  /// A file or folder is missing or can't be read.
  L2L_ERROR_FILE = 2,
  /// A file's or buffer's contents are not what they should be: damaged, of another kind, weights that
  /// are NaN or don't fit the options.
  L2L_ERROR_FORMAT = 3,
  /// There is no optimizer of this name, or several and no name was given.
  L2L_ERROR_NAME = 4,
  /// The optimizer can't step a tensor of this shape.
  L2L_ERROR_SHAPE = 5,
  /// A gradient or the loss holds NaN or infinity, or the loss is missing where the optimizer needs it.
  L2L_ERROR_NOT_FINITE = 6,
  /// A saved state does not belong to this optimizer and these shapes.
  L2L_ERROR_STATE = 7,
  /// The optimizer has no such option, or not with such a value.
  L2L_ERROR_OPTION = 8,
  /// A buffer is too small.
  L2L_ERROR_SIZE = 9,
  /// A parameter is NaN or infinite after the step, which was taken: go back to a saved state and saved
  /// parameters.
  L2L_ERROR_DIVERGED = 10,
  /// A fault in the library; please report it with its text.
  L2L_ERROR_INTERNAL = 11
};

/// One of the values above.
typedef int32_t l2l_status;

/// A trained optimizer: a rule with its weights. Immutable.
typedef struct l2l_optimizer l2l_optimizer;

/// What an optimizer remembers of the tensors that it steps.
typedef struct l2l_state l2l_state;

/// The version of the interface that this library has: L2L_ABI_VERSION of its own header.
int32_t l2l_abi_version(void);

/// What was wrong with the last call that failed on this thread: one line in UTF-8, what, where and the
/// remedy; "" when none has failed. Valid until the next call that fails on this thread.
const char *l2l_error_text(void);

// MARK: Optimizers

/// Loads an optimizer as `l2l train` saves it.
///
/// - path: the .safetensors file, or the folder that was --save_path.
/// - name: which net of a folder, as "conv" for conv.safetensors; NULL for the only one. Must be NULL
///   where path is a file.
/// - optimizer: receives the optimizer; NULL is stored on an error.
/// Returns L2L_ERROR_ARGUMENT, _FILE, _FORMAT or _NAME.
l2l_status l2l_optimizer_load(const char *path, const char *name, l2l_optimizer **optimizer);

/// Makes an optimizer of the bytes of a .safetensors file. The bytes are not needed after the call.
///
/// Returns L2L_ERROR_ARGUMENT or _FORMAT.
l2l_status l2l_optimizer_read(const void *bytes, size_t size, l2l_optimizer **optimizer);

/// An optimizer that comes with the library: "celo2" (any model; its option learning_rate is the
/// caller's to choose), "perceptrons" (perceptrons of many kinds), "mnist" (perceptrons of sigmoids on
/// images), "quadratic" (quadratics of size 1).
///
/// Returns L2L_ERROR_ARGUMENT or _NAME.
l2l_status l2l_optimizer_pretrained(const char *name, l2l_optimizer **optimizer);

/// Makes a hand-designed optimizer, one without weights, by its class: "Adam", "Sgd", "Muon", ...
///
/// - net: the class, as `l2l list` names it.
/// - options: a JSON object, as {"learning_rate":0.01}; NULL for the defaults.
/// Returns L2L_ERROR_ARGUMENT, _NAME (no such class, or one that has to be trained) or _OPTION.
l2l_status l2l_optimizer_make(const char *net, const char *options, l2l_optimizer **optimizer);

/// The optimizer's class, as "Celo2"; "" for NULL. Valid as long as the optimizer.
const char *l2l_optimizer_net(const l2l_optimizer *optimizer);

/// The number of its trained weights; 0 for NULL.
int64_t l2l_optimizer_weight_count(const l2l_optimizer *optimizer);

/// All that is known of it, as a JSON object:
///     {"net": "Celo2", "options": {...}, "weights": 347, "inputs": ["parameter"], "metadata": {...}}
///
/// inputs names what the optimizer looks at besides gradients: "parameter", "loss", "progress" (the
/// planned number of steps). metadata are texts about its training, licence and origin.
/// Valid as long as the optimizer; "" for NULL.
const char *l2l_optimizer_description(const l2l_optimizer *optimizer);

/// One entry of the metadata, as "license"; NULL when there is none. Valid as long as the optimizer.
const char *l2l_optimizer_metadata(const l2l_optimizer *optimizer, const char *key);

/// Frees an optimizer; its states go on to work. NULL is fine.
void l2l_optimizer_free(l2l_optimizer *optimizer);

// MARK: States

/// Makes the state of tensors before the first step.
///
/// - tensor_count: how many tensors are stepped, at least one.
/// - ranks: the number of axes of each, 0 to 8.
/// - extents: the lengths of all axes, tensor after tensor, the outermost axis first.
/// - planned_steps: how many steps there will be, for optimizers that look at progress; 0 when that is
///   not known.
/// - state: receives the state; NULL is stored on an error.
/// Returns L2L_ERROR_ARGUMENT or _SHAPE.
l2l_status l2l_state_make(const l2l_optimizer *optimizer, size_t tensor_count, const int32_t *ranks,
                          const int64_t *extents, int64_t planned_steps, l2l_state **state);

/// Takes one step: adds the optimizer's update to all tensors, in place.
///
/// - parameters: for each tensor the address of its first element, row-major; changed. NULL only for
///   tensors without elements. No tensor may share memory with another one or with a gradient.
/// - gradients: for each tensor the gradient of the loss, laid out in the same way.
/// - loss: the loss at the parameters before the step; NULL when it is not known. Optimizers with the
///   input "loss" need it.
/// Tensors that lie one after the other in memory are as good as one; no copy is made unless the
/// optimizer looks at all tensors together and they lie apart.
/// Returns L2L_ERROR_ARGUMENT, _NOT_FINITE (nothing was changed) or _DIVERGED (the step was taken).
l2l_status l2l_state_step(l2l_state *state, float *const *parameters, const float *const *gradients,
                          const float *loss);

/// How many steps were taken; -1 for NULL.
int64_t l2l_state_step_count(const l2l_state *state);

/// Changes how many steps there will be; 0 when that is not known any more.
///
/// Returns L2L_ERROR_ARGUMENT.
l2l_status l2l_state_set_planned_steps(l2l_state *state, int64_t planned_steps);

/// Changes a number among the optimizer's options for the steps to come, as "learning_rate" where the
/// rule has one: what a schedule does. The state stays.
///
/// Returns L2L_ERROR_ARGUMENT or _OPTION; its text names the options that there are.
l2l_status l2l_state_set_option(l2l_state *state, const char *name, double value);

/// Forgets all steps: the next one is the first of a new optimization.
///
/// Returns L2L_ERROR_ARGUMENT.
l2l_status l2l_state_reset(l2l_state *state);

/// How many bytes l2l_state_save needs now.
///
/// Returns L2L_ERROR_ARGUMENT.
l2l_status l2l_state_saved_size(const l2l_state *state, size_t *size);

/// Writes the state into a buffer, from which l2l_state_restore goes on bit for bit, here or in
/// another process, or Swift's OptimizerStepper: a .safetensors file.
///
/// - capacity: the buffer's bytes.
/// - size: receives the bytes written; on L2L_ERROR_SIZE those that are needed. May be NULL.
/// Returns L2L_ERROR_ARGUMENT or _SIZE.
l2l_status l2l_state_save(const l2l_state *state, void *buffer, size_t capacity, size_t *size);

/// Goes on from what l2l_state_save wrote. Options that were set and planned steps stay as they are.
///
/// Returns L2L_ERROR_ARGUMENT, _FORMAT or _STATE; the state is then as it was.
l2l_status l2l_state_restore(l2l_state *state, const void *bytes, size_t size);

/// Frees a state. NULL is fine.
void l2l_state_free(l2l_state *state);

#ifdef __cplusplus
}
#endif

#endif
