// Products of small row-major matrices, for which a BLAS spends more on packing and choosing than
// on multiplying, and in an order that its version and the processor decide.
//
// No allocation, no locks. An element's sum runs over k in order (in blocks of 256), so that it depends
// on nothing but its row of A, its column of B and the instruction set.

#ifndef CK_SMALL_PRODUCT_H
#define CK_SMALL_PRODUCT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Floats of scratch for ck_small_product with these sizes.
int64_t ck_small_product_scratch_floats(
    int64_t m, int64_t n, int64_t k, int transpose_a, int transpose_b);

/// c [m, n] = A B, or c + A B with `accumulates`.
///
/// - a [m, k], or with transpose_a [k, m], of which the transposed is A.
/// - b [k, n], or with transpose_b [n, k].
/// - c must not overlap the others; without k it becomes 0.
/// - scratch: 64-byte aligned; may be NULL if no floats are needed.
void ck_small_product(
    int64_t m, int64_t n, int64_t k, const float *a, int transpose_a, const float *b,
    int transpose_b, int accumulates, float *c, float *scratch);

#ifdef __cplusplus
}
#endif

#endif
