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

// The exponential of sigmoid and tanh, as 2^x = a + b with two properties: a - 1 is exact or
// nearly so, and b is small. Then 1 + 2^x = (1 + a) + b, and 2^x - 1 = (a - 1) + b keeps its
// relative precision near 0. x is limited to 60: sigmoid and tanh have long saturated there, and
// products of two denominators stay finite.
//
// What counts is the use of the multipliers, as the rest runs beside the matrix products: with
// AVX-512 a table of polynomials in one permutation each (2^(i/16) times the coefficients of
// 2^r, |r| <= 1/32), the power of two by scaling; with AVX2 a table of 2^(i/8) and a cubic; else
// a polynomial of degree 6.
typedef struct {
  vf a, b;
} power_of_two;

#if CK_USE_AVX512
#define CK_ENTRY(table) (vf)_mm512_permutexvar_ps(index, (__m512)table)

/// n, x rounded to sixteenths, has the index as its last 4 bits. Far below 0 the index is noise
/// and the scaling by n gives 0.
#define CK_SPLIT(x) \
  x = at_most(x, 60.0f); \
  const __m512i index = (__m512i)(x + 0x1.8p19f); \
  const __m512 n = _mm512_roundscale_ps((__m512)x, 0x40); \
  const vf r = (vf)_mm512_reduce_ps((__m512)x, 0x40)

static const vf ck_exp2_0 = {
    1.0f, 1.04427373f, 1.09050775f, 1.13878858f, 1.18920708f, 1.24185777f, 1.29683959f,
    1.35425556f, 1.41421354f, 1.47682619f, 1.54221082f, 1.61049032f, 1.68179286f, 1.75625217f,
    1.8340081f, 1.91520655f,
};

CK_INLINE power_of_two exp2_parts(vf x) {
  const vf t1 = {
      0.693147182f, 0.723835409f, 0.755882382f, 0.789348125f, 0.82429558f, 0.860790253f,
      0.898900688f, 0.938698411f, 0.980258167f, 1.02365792f, 1.06897914f, 1.11630678f, 1.16573f,
      1.21734118f, 1.27123749f, 1.32752001f,
  };
  const vf t2 = {
      0.240233555f, 0.250869602f, 0.26197654f, 0.273575246f, 0.285687447f, 0.29833591f,
      0.311544359f, 0.325337619f, 0.339741558f, 0.354783177f, 0.370490789f, 0.386893809f,
      0.404023051f, 0.421910703f, 0.440590262f, 0.460096866f,
  };
  const vf t3 = {
      0.0555041097f, 0.0579614863f, 0.06052766f, 0.0632074475f, 0.0660058782f, 0.0689282119f,
      0.071979925f, 0.075166747f, 0.0784946606f, 0.0819699168f, 0.085599035f, 0.0893888324f,
      0.0933464095f, 0.0974792093f, 0.10179498f, 0.106301837f,
  };
  CK_SPLIT(x);
  const vf b = r * (CK_ENTRY(t1) + r * (CK_ENTRY(t2) + r * CK_ENTRY(t3)));
  return (power_of_two){
      (vf)_mm512_scalef_ps((__m512)CK_ENTRY(ck_exp2_0), n), (vf)_mm512_scalef_ps((__m512)b, n),
  };
}

/// 2^x with a relative error up to 4.3e-7: in a sigmoid that is 1.1e-7 at most.
CK_INLINE vf exp2_short(vf x) {
  const vf t1 = {
      0.693187833f, 0.723877907f, 0.755926669f, 0.789394438f, 0.82434392f, 0.860840738f,
      0.898953378f, 0.938753486f, 0.980315626f, 1.02371788f, 1.06904173f, 1.11637235f,
      1.16579831f, 1.21741259f, 1.27131212f, 1.32759786f,
  };
  const vf t2 = {
      0.240219459f, 0.25085488f, 0.261961192f, 0.273559183f, 0.285670698f, 0.298318416f,
      0.31152609f, 0.325318545f, 0.33972162f, 0.354762375f, 0.370469064f, 0.386871129f,
      0.403999358f, 0.421885937f, 0.440564424f, 0.460069895f,
  };
  CK_SPLIT(x);
  const vf y = CK_ENTRY(ck_exp2_0) + r * (CK_ENTRY(t1) + r * CK_ENTRY(t2));
  return (vf)_mm512_scalef_ps((__m512)y, n);
}
#undef CK_SPLIT
#undef CK_ENTRY
#else
/// Adding `magic` rounds to n, a multiple of 1/8 or 1, and leaves n's bits at the bottom of the
/// sum's; a shift makes them the exponent. The low bits are the table's index; its entries have
/// i << 20 taken off, as the shift adds it back.
CK_INLINE vf exp2_split(vf x, vf *r) {
  x = at_least(at_most(x, 60.0f), -100.0f);
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

CK_INLINE power_of_two exp2_parts(vf x) {
  vf r;
  const vf a = exp2_split(x, &r);
  return (power_of_two){a, a * (r * exp2_slope(r))};
}
#endif

/// 1 / sigmoid(z), given -z log2(e): 1...2^60.
CK_INLINE vf inverse_sigmoid_of_scaled(vf x) {
#if CK_USE_AVX512
  return 1 + exp2_short(x);
#else
  vf r;
  const vf a = exp2_split(x, &r);
  return 1 + a * (1 + r * exp2_slope(r));
#endif
}

/// m with tanh(z) = m / (2 + m), given 2 z log2(e): -1...2^60.
CK_INLINE vf tanh_numerator_of_scaled(vf x) {
  const power_of_two e = exp2_parts(x);
  return (e.a - 1) + e.b;
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
