#include "ck_isa.h"

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
