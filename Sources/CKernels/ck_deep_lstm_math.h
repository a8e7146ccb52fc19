// Vectors and elementary functions of one instruction set. Included by the kernels' source after
// CK_VECTOR (floats in a register) and at most one of CK_USE_AVX512, CK_USE_AVX2 are defined.
//
// Exponentials have a relative error of about 1e-7; sigmoid and tanh about 2e-7, tanh also near 0.

#include <stdint.h>
#include <string.h>

#if CK_USE_AVX512 || CK_USE_AVX2
#include <immintrin.h>
#elif defined(__SSE2__)
#include <emmintrin.h>
#endif

#define CK_INLINE static inline __attribute__((always_inline))
#define CK_UNROLL _Pragma("clang loop unroll(full)")

typedef float vf __attribute__((vector_size(CK_VECTOR * 4)));
typedef int32_t vi __attribute__((vector_size(CK_VECTOR * 4)));
typedef float vf_unaligned __attribute__((vector_size(CK_VECTOR * 4), aligned(4), may_alias));

CK_INLINE vf splat(float x) {
  return x - (vf){};
}

CK_INLINE vf load(const float *p) {
  return *(const vf_unaligned *)p;
}

CK_INLINE void store(float *p, vf x) {
  *(vf_unaligned *)p = x;
}

/// condition ? a : b by lanes.
CK_INLINE vf choose(vi condition, vf a, vf b) {
  return (vf)(((vi)a & condition) | ((vi)b & ~condition));
}

// Limits that keep NaN: the comparison is false for it, and the second choice is x.
CK_INLINE vf at_most(vf x, float limit) {
  const vf l = splat(limit);
#if CK_USE_AVX512
  return (vf)_mm512_min_ps((__m512)l, (__m512)x);
#elif CK_USE_AVX2
  return (vf)_mm256_min_ps((__m256)l, (__m256)x);
#elif defined(__SSE2__)
  return (vf)_mm_min_ps((__m128)l, (__m128)x);
#else
  return choose(l < x, l, x);
#endif
}

CK_INLINE vf at_least(vf x, float limit) {
  const vf l = splat(limit);
#if CK_USE_AVX512
  return (vf)_mm512_max_ps((__m512)l, (__m512)x);
#elif CK_USE_AVX2
  return (vf)_mm256_max_ps((__m256)l, (__m256)x);
#elif defined(__SSE2__)
  return (vf)_mm_max_ps((__m128)l, (__m128)x);
#else
  return choose(l > x, l, x);
#endif
}

/// 1 / x for x in 1...2^101: a few ulp.
CK_INLINE vf reciprocal(vf x) {
#if CK_USE_AVX512
  const vf r = (vf)_mm512_rcp14_ps((__m512)x);
  return r + r * (1 - x * r);
#elif CK_USE_AVX2
  const vf r = (vf)_mm256_rcp_ps((__m256)x);
  return r + r * (1 - x * r);
#else
  return 1 / x;
#endif
}

/// 2^x as s + s p with s = 2^n, n a multiple of the table's step (or whole), p = 2^(x - n) - 1.
///
/// In this form 2^x - 1 = (s - 1) + s p keeps its relative precision near 0. x is limited to
/// -100...100, where sigmoid and tanh have long saturated: no wrap, no infinities to divide.
///
/// Adding `magic` rounds to n and leaves n's bits at the bottom of the sum's bits; a shift then
/// makes them the exponent. With a table of 2^(i/32) the low bits are the index; the table's
/// entries have i << 18 taken off, as the shift adds it back.
typedef struct {
  vf s, p;
} power_of_two;

CK_INLINE power_of_two exp2_parts(vf x) {
  x = at_least(at_most(x, 100.0f), -100.0f);
#if CK_USE_AVX512
  const vf magic = splat(0x1.8p18f);
  const vi low = {
      0x3f800000, 0x3f7ecd87, 0x3f7daac3, 0x3f7c980f, 0x3f7b95c2, 0x3f7aa43a, 0x3f79c3d3, 0x3f78f4f0,
      0x3f7837f0, 0x3f778d3a, 0x3f76f532, 0x3f767043, 0x3f75fed7, 0x3f75a15b, 0x3f75583f, 0x3f7523f6,
  };
  const vi high = {
      0x3f7504f3, 0x3f74fbaf, 0x3f7508a4, 0x3f752c4d, 0x3f75672a, 0x3f75b9be, 0x3f76248c, 0x3f76a81e,
      0x3f7744fd, 0x3f77fbb8, 0x3f78ccdf, 0x3f79b907, 0x3f7ac0c7, 0x3f7be4ba, 0x3f7d257d, 0x3f7e83b3,
  };
  const vf t = x + magic;
  const vf r = x - (t - magic);
  const vi entry = (vi)_mm512_permutex2var_epi32((__m512i)low, (__m512i)(vi)t, (__m512i)high);
  const vf s = (vf)(((vi)t << 18) + entry);
  const vf p = r * (0.69314718f + r * 0.24022651f);
#elif CK_USE_AVX2
  const vf magic = splat(0x1.8p20f);
  const vi table = {
      0x3f800000, 0x3f7b95c2, 0x3f7837f0, 0x3f75fed7, 0x3f7504f3, 0x3f75672a, 0x3f7744fd, 0x3f7ac0c7,
  };
  const vf t = x + magic;
  const vf r = x - (t - magic);
  const vi entry = (vi)_mm256_permutevar8x32_epi32((__m256i)table, (__m256i)(vi)t);
  const vf s = (vf)(((vi)t << 20) + entry);
  const vf p = r * (0.693147182f + r * (0.240254685f + r * 0.0555041086f));
#else
  const vf magic = splat(12582912.0f + 127.0f);
  const vf t = x + magic;
  const vf r = x - (t - magic);
  const vf s = (vf)((vi)t << 23);
  const vf p = r * (0.693147188f + r * (0.240226498f + r * (0.0555035743f
      + r * (0.0096182375f + r * (0.00133907357f + r * 0.000154035125f)))));
#endif
  return (power_of_two){s, p};
}

/// sigmoid(z), given -z log2(e).
CK_INLINE vf sigmoid_of_scaled(vf x) {
  const power_of_two e = exp2_parts(x);
  return reciprocal(1 + (e.s + e.s * e.p));
}

/// tanh(z), given 2 z log2(e).
CK_INLINE vf tanh_of_scaled(vf x) {
  const power_of_two e = exp2_parts(x);
  const vf m = (e.s - 1) + e.s * e.p;
  return m * reciprocal(2 + m);
}

/// The natural logarithm of a normal positive float, infinity or NaN.
CK_INLINE vf logarithm(vf x) {
  const vi bits = (vi)x;
  // m in [sqrt(1/2), sqrt(2)), x = m 2^e.
  const vi shifted = bits - 0x3f3504f3;
  const vf e = __builtin_convertvector(shifted >> 23, vf);
  const vf m = (vf)((shifted & 0x007fffff) + 0x3f3504f3) - 1;
  const vf m2 = m * m;
  vf p = splat(7.0376836292e-2f);
  p = p * m - 1.1514610310e-1f;
  p = p * m + 1.1676998740e-1f;
  p = p * m - 1.2420140846e-1f;
  p = p * m + 1.4249322787e-1f;
  p = p * m - 1.6668057665e-1f;
  p = p * m + 2.0000714765e-1f;
  p = p * m - 2.4999993993e-1f;
  p = p * m + 3.3333331174e-1f;
  p = p * m * m2;
  p = p + e * -2.12194440e-4f;
  p = p - m2 * 0.5f;
  const vf y = (m + p) + e * 0.693359375f;
  return choose(x <= splat(3.4028235e38f), y, x);
}

// MARK: - Transposition

#define CK_SHUFFLE __builtin_shufflevector

/// Transposes a square of CK_VECTOR vectors.
CK_INLINE void transpose(vf a[CK_VECTOR]) {
  vf b[CK_VECTOR];
#if CK_VECTOR == 4
  b[0] = CK_SHUFFLE(a[0], a[1], 0, 4, 1, 5);
  b[1] = CK_SHUFFLE(a[2], a[3], 0, 4, 1, 5);
  b[2] = CK_SHUFFLE(a[0], a[1], 2, 6, 3, 7);
  b[3] = CK_SHUFFLE(a[2], a[3], 2, 6, 3, 7);
  a[0] = CK_SHUFFLE(b[0], b[1], 0, 1, 4, 5);
  a[1] = CK_SHUFFLE(b[0], b[1], 2, 3, 6, 7);
  a[2] = CK_SHUFFLE(b[2], b[3], 0, 1, 4, 5);
  a[3] = CK_SHUFFLE(b[2], b[3], 2, 3, 6, 7);
#elif CK_VECTOR == 8
  CK_UNROLL for (int i = 0; i < 8; i += 2) {
    b[i] = CK_SHUFFLE(a[i], a[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    b[i + 1] = CK_SHUFFLE(a[i], a[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  CK_UNROLL for (int i = 0; i < 8; i += 4) {
    CK_UNROLL for (int j = 0; j < 2; j++) {
      a[i + 2 * j] = CK_SHUFFLE(b[i + j], b[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      a[i + 2 * j + 1] = CK_SHUFFLE(b[i + j], b[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  }
  CK_UNROLL for (int i = 0; i < 4; i++) {
    b[i] = CK_SHUFFLE(a[i], a[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    b[i + 4] = CK_SHUFFLE(a[i], a[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
  CK_UNROLL for (int i = 0; i < 8; i++) a[i] = b[i];
#else
  // 4 x 4 squares of 4 x 4: transpose within the squares, then the squares.
  CK_UNROLL for (int i = 0; i < 16; i += 2) {
    b[i] = CK_SHUFFLE(
        a[i], a[i + 1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
    b[i + 1] = CK_SHUFFLE(
        a[i], a[i + 1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
  }
  CK_UNROLL for (int i = 0; i < 16; i += 4) {
    CK_UNROLL for (int j = 0; j < 2; j++) {
      a[i + 2 * j] = CK_SHUFFLE(
          b[i + j], b[i + j + 2], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29);
      a[i + 2 * j + 1] = CK_SHUFFLE(
          b[i + j], b[i + j + 2], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    }
  }
  CK_UNROLL for (int i = 0; i < 4; i++) {
    CK_UNROLL for (int j = 0; j < 2; j++) {
      b[i + 8 * j] = CK_SHUFFLE(
          a[i + 8 * j], a[i + 8 * j + 4], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23);
      b[i + 8 * j + 4] = CK_SHUFFLE(a[i + 8 * j], a[i + 8 * j + 4], 8, 9, 10, 11, 12, 13, 14, 15,
          24, 25, 26, 27, 28, 29, 30, 31);
    }
    CK_UNROLL for (int j = 0; j < 2; j++) {
      a[i + 8 * j] = CK_SHUFFLE(b[i + 4 * j], b[i + 4 * j + 8], 0, 1, 2, 3, 8, 9, 10, 11, 16, 17,
          18, 19, 24, 25, 26, 27);
      a[i + 8 * j + 4] = CK_SHUFFLE(b[i + 4 * j], b[i + 4 * j + 8], 4, 5, 6, 7, 12, 13, 14, 15,
          20, 21, 22, 23, 28, 29, 30, 31);
    }
  }
#endif
}
