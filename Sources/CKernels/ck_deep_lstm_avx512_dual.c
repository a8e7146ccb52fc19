// The deep LSTM's kernels for AVX-512 on Intel's cores: two full-width multipliers, whose ports do
// activations and shuffles as well, so there is nothing to gain from mixing those with products. But
// each product with a broadcast weight takes a load, and there are two loads a cycle: two vectors of
// rows share one.

#if defined(__x86_64__)

#define CK_KERNELS ck_dl_kernels_avx512_dual
#define CK_ISA CK_ISA_AVX512_DUAL
#define CK_INTERLEAVE 0
#define CK_FUSE 0
#define CK_VECTORS 2
#define CK_GATE_UNITS 2
#define CK_LINEAR_ROWS 10

#include "ck_deep_lstm_avx512.h"

#endif
