// The perceptrons' engine for AVX2 with FMA. 16 registers of 8 floats.

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "ck_mlp_rule_private.h"
#include "ck_newton_schulz.h"

#define CK_KERNEL ck_mr_step_avx2
#define CK_USE_AVX2 1
#define CK_VECTOR 8
#define CK_BLOCK_VECTORS 4
#define CK_LAYER_ROWS 3

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "ck_deep_lstm_math.h"
#include "ck_mlp_rule_features.h"
#include "ck_mlp_rule_layers.h"
#include "ck_mlp_rule_statistics.h"
#include "ck_mlp_rule_blocks.h"
#include "ck_mlp_rule_kernels.h"
#pragma clang attribute pop

#endif
