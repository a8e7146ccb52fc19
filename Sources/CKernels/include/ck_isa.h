// The instruction sets that kernels of this target are written for.
#pragma once

#ifdef __cplusplus
extern "C" {
#endif

/// Instruction sets, from plain to fast. BASELINE is SSE2 or NEON. AVX512_DUAL is AVX512 arranged for
/// Intel's cores, where two full-width multipliers do nearly all other vector work too; AVX512 itself
/// for AMD's, where that runs beside the products.
enum {
  CK_ISA_AUTOMATIC = 0,
  CK_ISA_BASELINE = 1,
  CK_ISA_AVX2 = 2,
  CK_ISA_AVX512 = 3,
  CK_ISA_AVX512_DUAL = 4,
};

/// Whether this machine can run an instruction set (1 or 0).
int ck_supports_isa(int isa);

/// The instruction set of the rules' kernels, of the small products and of Adam (the LSTM and the
/// convolutions choose for themselves): CK_ISA_BASELINE, _AVX2 or _AVX512.
int ck_isa_in_use(void);

/// Makes those use one instruction set, or the best one with CK_ISA_AUTOMATIC; no effect if the
/// machine can't run it. For tests.
void ck_force_isa(int isa);

#ifdef __cplusplus
}
#endif
