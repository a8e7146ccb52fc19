// What both arrangements of the deep LSTM's AVX-512 kernels (F, BW, DQ, VL, with FMA) share: 32
// registers of 16 floats. Included after CK_KERNELS, CK_ISA and the arrangement are defined.

#include <immintrin.h>
#include <stddef.h>
#include <string.h>

#include "ck_deep_lstm_private.h"

#define CK_USE_AVX512 1
#define CK_VECTOR 16
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
