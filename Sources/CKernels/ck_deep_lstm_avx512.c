// The deep LSTM's kernels for AVX-512 on AMD's cores, which have other units than the multipliers for
// activations and shuffles.

#if defined(__x86_64__)

#define CK_KERNELS ck_dl_kernels_avx512
#define CK_ISA CK_ISA_AVX512
// Activations in between the products of the next tile need registers to spare.
#define CK_INTERLEAVE 1
#define CK_FUSE 1
#define CK_VECTORS 1
#define CK_GATE_UNITS 4
#define CK_LINEAR_ROWS 20

#include "ck_deep_lstm_avx512.h"

#endif
