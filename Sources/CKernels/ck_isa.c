#include "ck_isa.h"

#include <stdatomic.h>

int ck_supports_isa(int isa) {
  switch (isa) {
    case CK_ISA_AUTOMATIC:
    case CK_ISA_BASELINE:
      return 1;
#if defined(__x86_64__)
    case CK_ISA_AVX2:
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case CK_ISA_AVX512:
    case CK_ISA_AVX512_DUAL:
      return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
          && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")
          && __builtin_cpu_supports("fma");
#endif
    default:
      return 0;
  }
}

// CK_ISA_AUTOMATIC until the first call. Two threads may both look: they find and store the same.
static atomic_int chosen_isa;

static int best_isa(void) {
  int isa = CK_ISA_AVX512;
  while (!ck_supports_isa(isa)) isa--;
  return isa;
}

int ck_isa_in_use(void) {
  int isa = atomic_load_explicit(&chosen_isa, memory_order_relaxed);
  if (__builtin_expect(isa == CK_ISA_AUTOMATIC, 0)) {
    isa = best_isa();
    atomic_store_explicit(&chosen_isa, isa, memory_order_relaxed);
  }
  return isa;
}

void ck_force_isa(int isa) {
  if (!ck_supports_isa(isa)) return;
  if (isa == CK_ISA_AUTOMATIC) isa = best_isa();
  if (isa == CK_ISA_AVX512_DUAL) isa = CK_ISA_AVX512;
  atomic_store_explicit(&chosen_isa, isa, memory_order_relaxed);
}
