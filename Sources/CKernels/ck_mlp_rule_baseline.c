// The perceptrons' engine for every machine: SSE2 with 16 registers, NEON with 32, of 4 floats.

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "ck_mlp_rule_private.h"
#include "ck_newton_schulz.h"

#define CK_KERNEL ck_mr_step_baseline
#define CK_VECTOR 4
#define CK_BLOCK_VECTORS 4
#if defined(__aarch64__)
#define CK_LAYER_ROWS 4
#else
#define CK_LAYER_ROWS 2
#endif

#include "ck_deep_lstm_math.h"
#include "ck_mlp_rule_features.h"
#include "ck_mlp_rule_layers.h"
#include "ck_mlp_rule_statistics.h"
#include "ck_mlp_rule_blocks.h"
#include "ck_mlp_rule_kernels.h"
