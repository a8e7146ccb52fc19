// The convolutions' kernels for AVX2 with FMA. 16 registers of 8 floats.

#if defined(__x86_64__)

#include "ck_convolution_private.h"
#include "ck_platform.h"

#pragma clang fp contract(fast)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)

#define CK_NAME(name) ck_conv_wide_##name
#define CK_VECTOR 8
#define CK_VECTORS 2
#define CK_OUTPUTS 6
#define CK_TAPS 6
#include "ck_convolution_tiles.h"

#define CK_NAME(name) ck_conv_narrow_##name
#define CK_VECTOR 8
#define CK_VECTORS 1
#define CK_OUTPUTS 12
#define CK_TAPS 12
#include "ck_convolution_tiles.h"

#pragma clang attribute pop

const ck_conv_set ck_conv_set_avx2 = {
  CK_ISA_AVX2, ck_conv_wide_kernels, ck_conv_narrow_kernels,
};

#endif
