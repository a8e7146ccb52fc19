// The deep LSTM's kernels for every machine: SSE2 with 16 registers, NEON with 32, of 4 floats.

#include <stddef.h>
#include <string.h>

#include "ck_deep_lstm_private.h"

#define CK_KERNELS ck_dl_kernels_baseline
#define CK_ISA CK_ISA_BASELINE
// Activations in between the products of the next tile need registers to spare.
#define CK_INTERLEAVE 0
#define CK_FUSE 0
#define CK_VECTOR 4
#if defined(__aarch64__)
#define CK_VECTORS 4
#define CK_LINEAR_ROWS 5
#define CK_OUTER_ROWS 4
#define CK_OUTER_VECTORS 5
#else
#define CK_VECTORS 2
#define CK_LINEAR_ROWS 5
#define CK_OUTER_ROWS 5
#define CK_OUTER_VECTORS 2
#endif
#define CK_GATE_UNITS 1

#include "ck_deep_lstm_math.h"
#include "ck_deep_lstm_tiles.h"
#include "ck_deep_lstm_rows.h"
#include "ck_deep_lstm_kernels.h"
