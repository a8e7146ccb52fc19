// The convolutions' kernels for AVX-512 (F, BW, DQ, VL) with FMA. 32 registers of 16 floats, or of 8
// for a few filters.

#if defined(__x86_64__)

#include "ck_convolution_private.h"
#include "ck_platform.h"

#pragma clang fp contract(fast)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma"), min_vector_width(512))), \
    apply_to = function)

#define CK_NAME(name) ck_conv_wide_##name
#define CK_VECTOR 16
#define CK_VECTORS 1
#define CK_OUTPUTS 24
#define CK_TAPS 27
#include "ck_convolution_tiles.h"

#define CK_NAME(name) ck_conv_narrow_##name
#define CK_VECTOR 8
#define CK_VECTORS 1
#define CK_OUTPUTS 24
#define CK_TAPS 27
#include "ck_convolution_tiles.h"

#pragma clang attribute pop

const ck_conv_set ck_conv_set_avx512 = {
  CK_ISA_AVX512, ck_conv_wide_kernels, ck_conv_narrow_kernels,
};

#endif
