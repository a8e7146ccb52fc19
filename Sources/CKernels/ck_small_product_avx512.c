// The small products for AVX-512 (F, BW, DQ, VL, with FMA). 32 registers of 16 floats.

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "ck_small_product_private.h"

#define CK_KERNELS ck_sp_kernels_avx512
#define CK_USE_AVX512 1
#define CK_VECTOR 16
#define CK_TILE_ROWS 12
#define CK_TILE_VECTORS 2

#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"), min_vector_width(512))), \
    apply_to = function)
#include "ck_deep_lstm_math.h"
#include "ck_small_product_tiles.h"
#include "ck_small_product_newton_schulz.h"
#pragma clang attribute pop

#endif
