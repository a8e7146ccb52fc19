// Vectors and elementary functions of one instruction set. Included by the kernels' source after
// CK_VECTOR (floats in a register) and at most one of CK_USE_AVX512, CK_USE_AVX2 are defined.
//
// The relative error of exponentials is about 1e-7; of sigmoid and tanh 2e-7, also near 0.

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

/// 1 / x for normal x whose reciprocal is normal too; NaN for NaN. An estimate of 14 bits and a
/// Newton step take a third of the divider's time on Intel's cores, and no more than it elsewhere.
CK_INLINE vf reciprocal(vf x) {
#if CK_USE_AVX512
  const vf y = (vf)_mm512_rcp14_ps((__m512)x);
  return y + y * (1 - x * y);
#else
  return 1 / x;
#endif
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

// The exponentials of sigmoid and tanh: of a number 2^x = 2^n 2^r, with n a multiple of a small
// fraction. x is limited: sigmoid and tanh have long saturated there, and products of three
// denominators stay finite, with reciprocals that are normal numbers.
//
// What counts is the use of the multipliers: with AVX-512, 2^n comes from a table of 2^(i/32) in
// one permutation and a scaling; with AVX2 from a table of 2^(i/8) and a shift; else from a shift
// alone. The smaller |r|, the shorter its polynomial.
#define CK_EXP2_LIMIT 41.0f

#if CK_USE_AVX512
// 2^(i/32): one permutation of two registers looks up any of them.
static const vf ck_exp2_low = {
    1.0f, 1.0218972f, 1.0442737f, 1.0671405f, 1.0905077f, 1.1143868f, 1.1387886f, 1.1637249f,
    1.1892071f, 1.2152474f, 1.2418578f, 1.269051f, 1.2968396f, 1.3252367f, 1.3542556f, 1.38391f,
};
static const vf ck_exp2_high = {
    1.4142135f, 1.4451808f, 1.4768262f, 1.5091645f, 1.5422108f, 1.5759809f, 1.6104903f,
    1.6457555f, 1.6817929f, 1.7186193f, 1.7562522f, 1.7947091f, 1.8340081f, 1.8741677f,
    1.9152066f, 1.9571441f,
};

/// The entry of the last 5 bits of each lane.
CK_INLINE vf exp2_entry(vf bits) {
  return (vf)_mm512_permutex2var_ps((__m512)ck_exp2_low, (__m512i)bits, (__m512)ck_exp2_high);
}

/// 2^(scale x) - 1, with a small relative error also near 0, as 2^n - 1 is nearly exact: m
/// with tanh(z) = m / (2 + m), given scale x = 2 z log2(e).
CK_INLINE vf exp2_minus_1(vf x, float scale) {
  x = at_most(x, CK_EXP2_LIMIT / scale);
  // n is the exponent rounded to 1/32, and its index stands in the last bits of the sum. Far below
  // 0 the index is noise, and the scaling by n gives 0.
  const vf magic = splat(0x1.8p18f), t = x * scale + magic, n = t - magic;
  // A gate's x may be infinite, and then the difference is no number. A scale is for finite cells.
  const vf r = scale == 1 ? (vf)_mm512_reduce_ps((__m512)x, 0x58) : x * scale - n;
  const vf a = (vf)_mm512_scalef_ps((__m512)exp2_entry(t), (__m512)n);
  const vf slope = 0.693147182f + r * (0.240228266f + r * 0.0555045195f);
  return (a - 1) + a * (r * slope);
}

/// 2^x with a relative error up to 1.2e-7. Rounds to 1/32 downwards: so the scaling, which rounds
/// downwards to a whole number, can take x itself.
CK_INLINE vf exp2_short(vf x) {
  x = at_most(x, CK_EXP2_LIMIT);
  const vf t = (vf)_mm512_add_round_ps(
      (__m512)x, (__m512)splat(0x1.8p18f), _MM_FROUND_TO_NEG_INF | _MM_FROUND_NO_EXC);
  const vf r = (vf)_mm512_reduce_ps((__m512)x, 0x59);
  const vf entry = exp2_entry(t);
  const vf y = entry + entry * (r * (0.693116426f + r * 0.242845371f));
  return (vf)_mm512_scalef_ps((__m512)y, (__m512)x);
}
#else
/// Adding `magic` rounds to n, a multiple of 1/8 or 1, and leaves n's bits at the bottom of the
/// sum's; a shift makes them the exponent. The low bits are the table's index; its entries have
/// i << 20 taken off, as the shift adds it back.
CK_INLINE vf exp2_split(vf x, vf *r) {
  x = at_least(at_most(x, CK_EXP2_LIMIT), -100.0f);
#if CK_USE_AVX2
  const vi table = {
      0x3f800000, 0x3f7b95c2, 0x3f7837f0, 0x3f75fed7, 0x3f7504f3, 0x3f75672a, 0x3f7744fd,
      0x3f7ac0c7,
  };
  const vf magic = splat(0x1.8p20f), t = x + magic;
  *r = x - (t - magic);
  const vi entry = (vi)_mm256_permutevar8x32_epi32((__m256i)table, (__m256i)(vi)t);
  return (vf)(((vi)t << 20) + entry);
#else
  const vf magic = splat(12582912.0f + 127.0f), t = x + magic;
  *r = x - (t - magic);
  return (vf)((vi)t << 23);
#endif
}

/// (2^r - 1) / r.
CK_INLINE vf exp2_slope(vf r) {
#if CK_USE_AVX2
  return 0.693147182f + r * (0.240254685f + r * 0.0555041086f);
#else
  return 0.693147188f + r * (0.240226498f + r * (0.0555035743f
      + r * (0.0096182375f + r * (0.00133907357f + r * 0.000154035125f))));
#endif
}

/// 2^(scale x) - 1: m with tanh(z) = m / (2 + m), given scale x = 2 z log2(e).
CK_INLINE vf exp2_minus_1(vf x, float scale) {
  vf r;
  const vf a = exp2_split(x * scale, &r);
  return (a - 1) + a * (r * exp2_slope(r));
}
#endif

/// 1 / sigmoid(z), given -z log2(e): 1...2^41.
CK_INLINE vf inverse_sigmoid_of_scaled(vf x) {
#if CK_USE_AVX512
  return 1 + exp2_short(x);
#else
  vf r;
  const vf a = exp2_split(x, &r);
  return 1 + a * (1 + r * exp2_slope(r));
#endif
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

#if CK_VECTOR == 16
/// Writes four vectors as the columns of rows[16][pitch].
CK_INLINE void store_turned(const vf x[4], float *rows, int32_t pitch) {
  typedef float quarter __attribute__((vector_size(16), aligned(4), may_alias));
  const vf b0 = CK_SHUFFLE(
      x[0], x[1], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
  const vf b1 = CK_SHUFFLE(
      x[0], x[1], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
  const vf b2 = CK_SHUFFLE(
      x[2], x[3], 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29);
  const vf b3 = CK_SHUFFLE(
      x[2], x[3], 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31);
  // Square q of c[i] is row 4 q + i.
  const vf c[4] = {
      CK_SHUFFLE(b0, b2, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29),
      CK_SHUFFLE(b0, b2, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31),
      CK_SHUFFLE(b1, b3, 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29),
      CK_SHUFFLE(b1, b3, 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31),
  };
  CK_UNROLL for (int i = 0; i < 4; i++) {
    *(quarter *)(rows + i * pitch) = CK_SHUFFLE(c[i], c[i], 0, 1, 2, 3);
    *(quarter *)(rows + (4 + i) * pitch) = CK_SHUFFLE(c[i], c[i], 4, 5, 6, 7);
    *(quarter *)(rows + (8 + i) * pitch) = CK_SHUFFLE(c[i], c[i], 8, 9, 10, 11);
    *(quarter *)(rows + (12 + i) * pitch) = CK_SHUFFLE(c[i], c[i], 12, 13, 14, 15);
  }
}
#endif
