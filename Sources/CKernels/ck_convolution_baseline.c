// The convolutions' kernels for every machine: SSE2 with 16 registers, NEON with 32, of 4 floats.

#include "ck_convolution_private.h"
#include "ck_platform.h"

#pragma clang fp contract(fast)

#define CK_NAME(name) ck_conv_wide_##name
#define CK_VECTOR 4
#if defined(__aarch64__)
#define CK_VECTORS 4
#define CK_OUTPUTS 6
#define CK_TAPS 6
#else
#define CK_VECTORS 2
#define CK_OUTPUTS 5
#define CK_TAPS 5
#endif
#include "ck_convolution_tiles.h"

#define CK_NAME(name) ck_conv_narrow_##name
#define CK_VECTOR 4
#define CK_VECTORS 1
#if defined(__aarch64__)
#define CK_OUTPUTS 16
#define CK_TAPS 16
#else
#define CK_OUTPUTS 10
#define CK_TAPS 10
#endif
#include "ck_convolution_tiles.h"

const ck_conv_set ck_conv_set_baseline = {
  CK_ISA_BASELINE, ck_conv_wide_kernels, ck_conv_narrow_kernels,
};
