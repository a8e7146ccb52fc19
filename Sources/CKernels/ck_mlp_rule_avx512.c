// The perceptrons' engine for AVX-512 (F, BW, DQ, VL, with FMA). 32 registers of 16 floats.

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "ck_mlp_rule_private.h"
#include "ck_newton_schulz.h"

#define CK_KERNEL ck_mr_step_avx512
#define CK_USE_AVX512 1
#define CK_VECTOR 16
#define CK_BLOCK_VECTORS 2
#define CK_LAYER_ROWS 8

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"), min_vector_width(512))), \
    apply_to = function)
#include "ck_deep_lstm_math.h"
#include "ck_mlp_rule_features.h"
#include "ck_mlp_rule_layers.h"
#include "ck_mlp_rule_statistics.h"
#include "ck_mlp_rule_blocks.h"
#include "ck_mlp_rule_kernels.h"
#pragma clang attribute pop

#endif
