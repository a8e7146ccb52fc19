// The small products for AVX2 with FMA. 16 registers of 8 floats.

#if defined(__x86_64__)

#include <immintrin.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#include "ck_small_product_private.h"

#define CK_KERNELS ck_sp_kernels_avx2
#define CK_USE_AVX2 1
#define CK_VECTOR 8
#define CK_TILE_ROWS 6
#define CK_TILE_VECTORS 2

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "ck_deep_lstm_math.h"
#include "ck_small_product_tiles.h"
#include "ck_small_product_newton_schulz.h"
#pragma clang attribute pop

#endif
