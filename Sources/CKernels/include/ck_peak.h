// The fastest that one core can multiply and add, for benchmarks to compare with.
#pragma once
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Runs independent chains of fused multiply-adds on the widest registers for `rounds` rounds.
/// Returns the floating-point operations done (two a multiply-add); the caller takes the time.
/// Where no vector FMA is known for the processor, 0 is returned and nothing is done.
double ck_run_fma(int64_t rounds);

#ifdef __cplusplus
}
#endif
