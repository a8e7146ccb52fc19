// The deep LSTM's kernels for AVX-512 on Intel's cores: two full-width multipliers, whose ports do
// activations and shuffles as well, so there is nothing to gain from mixing those with products. But
// each product with a broadcast weight takes a load, and there are two loads a cycle: two vectors of
// rows share one.

#if defined(__x86_64__)

#include <immintrin.h>
#include <stddef.h>
#include <string.h>

#include "ck_deep_lstm_private.h"

#define CK_KERNELS ck_dl_kernels_avx512_dual
#define CK_ISA CK_ISA_AVX512_DUAL
#define CK_USE_AVX512 1
#define CK_INTERLEAVE 0
#define CK_FUSE 0
#define CK_VECTOR 16
#define CK_VECTORS 2
#define CK_GATE_UNITS 2
#define CK_LINEAR_ROWS 10
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
