#include "ck_peak.h"

#if defined(__x86_64__)
#include <immintrin.h>

// The empty asm keeps each chain in its register and the loop from being folded.

__attribute__((target("avx512f"))) static double run_avx512(int64_t rounds) {
  enum { CHAINS = 16 };
  __m512 x[CHAINS], b = _mm512_set1_ps(0.999f), c = _mm512_set1_ps(0.001f);
  for (int i = 0; i < CHAINS; i++) x[i] = _mm512_set1_ps((float)i);
  for (int64_t r = 0; r < rounds; r++)
#pragma clang loop unroll(full)
    for (int i = 0; i < CHAINS; i++) {
      x[i] = _mm512_fmadd_ps(x[i], b, c);
      __asm__ volatile("" : "+v"(x[i]));
    }
  return (double)rounds * CHAINS * 32;
}

__attribute__((target("avx2,fma"))) static double run_avx2(int64_t rounds) {
  enum { CHAINS = 12 };
  __m256 x[CHAINS], b = _mm256_set1_ps(0.999f), c = _mm256_set1_ps(0.001f);
  for (int i = 0; i < CHAINS; i++) x[i] = _mm256_set1_ps((float)i);
  for (int64_t r = 0; r < rounds; r++)
#pragma clang loop unroll(full)
    for (int i = 0; i < CHAINS; i++) {
      x[i] = _mm256_fmadd_ps(x[i], b, c);
      __asm__ volatile("" : "+x"(x[i]));
    }
  return (double)rounds * CHAINS * 16;
}

double ck_run_fma(int64_t rounds) {
  if (__builtin_cpu_supports("avx512f")) return run_avx512(rounds);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) return run_avx2(rounds);
  return 0;
}
#elif defined(__aarch64__)
#include <arm_neon.h>

double ck_run_fma(int64_t rounds) {
  enum { CHAINS = 16 };
  float32x4_t x[CHAINS], b = vdupq_n_f32(0.999f), c = vdupq_n_f32(0.001f);
  for (int i = 0; i < CHAINS; i++) x[i] = vdupq_n_f32((float)i);
  for (int64_t r = 0; r < rounds; r++)
#pragma clang loop unroll(full)
    for (int i = 0; i < CHAINS; i++) {
      x[i] = vfmaq_f32(c, x[i], b);
      __asm__ volatile("" : "+w"(x[i]));
    }
  return (double)rounds * CHAINS * 8;
}
#else
double ck_run_fma(int64_t rounds) {
  (void)rounds;
  return 0;
}
#endif
