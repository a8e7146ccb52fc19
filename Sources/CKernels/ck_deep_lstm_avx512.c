// The deep LSTM's kernels for AVX-512 (F, BW, DQ, VL) with FMA. 32 registers of 16 floats. For AMD's
// cores, which have other units than the multipliers for activations and shuffles.

#if defined(__x86_64__)

#include <immintrin.h>
#include <stddef.h>
#include <string.h>

#include "ck_deep_lstm_private.h"

#define CK_KERNELS ck_dl_kernels_avx512
#define CK_ISA CK_ISA_AVX512
#define CK_USE_AVX512 1
// Activations in between the products of the next tile need registers to spare.
#define CK_INTERLEAVE 1
#define CK_FUSE 1
#define CK_VECTOR 16
#define CK_VECTORS 1
#define CK_GATE_UNITS 4
#define CK_LINEAR_ROWS 20
#define CK_OUTER_ROWS 5
#define CK_OUTER_VECTORS 5

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"), min_vector_width(512))), \
    apply_to = function)
#include "ck_deep_lstm_math.h"
#include "ck_deep_lstm_tiles.h"
#include "ck_deep_lstm_rows.h"
#include "ck_deep_lstm_kernels.h"
#pragma clang attribute pop

#endif
