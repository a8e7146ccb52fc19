// The small products for every machine: SSE2 with 16 registers, NEON with 32, of 4 floats.

#include <math.h>
#include <stddef.h>
#include <string.h>

#include "ck_small_product_private.h"

#define CK_KERNELS ck_sp_kernels_baseline
#define CK_VECTOR 4
#if defined(__aarch64__)
#define CK_TILE_ROWS 12
#else
#define CK_TILE_ROWS 4
#endif
#define CK_TILE_VECTORS 2

#include "ck_deep_lstm_math.h"
#include "ck_small_product_tiles.h"
#include "ck_small_product_newton_schulz.h"
