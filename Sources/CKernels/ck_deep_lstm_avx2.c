// The deep LSTM's kernels for AVX2 with FMA. 16 registers of 8 floats.

#if defined(__x86_64__)

#include <immintrin.h>
#include <stddef.h>
#include <string.h>

#include "ck_deep_lstm_private.h"

#define CK_KERNELS ck_dl_kernels_avx2
#define CK_ISA CK_ISA_AVX2
#define CK_USE_AVX2 1
// Activations in between the products of the next tile need registers to spare.
#define CK_INTERLEAVE 0
#define CK_FUSE 0
#define CK_VECTOR 8
#define CK_VECTORS 2
#define CK_GATE_UNITS 1
#define CK_LINEAR_ROWS 5
#define CK_OUTER_ROWS 5
#define CK_OUTER_VECTORS 2

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "ck_deep_lstm_math.h"
#include "ck_deep_lstm_tiles.h"
#include "ck_deep_lstm_rows.h"
#include "ck_deep_lstm_kernels.h"
#pragma clang attribute pop

#endif
