// Softmax cross-entropy of a batch with its gradient, in one go.

#ifndef CK_CROSS_ENTROPY_H
#define CK_CROSS_ENTROPY_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// The mean over rows of -log softmax(x)[label], and its derivative times `scale`:
/// dx = scale (softmax(x) - one-hot(label)) / rows.
///
/// - x, dx [rows, n], row-major; dx may be x. labels [rows], in 0 ..< n.
/// - n >= 1. Without rows the result is NaN.
/// - NaN propagates to the loss and to its row's gradient.
float ck_cross_entropy_and_gradient_f32(
    int64_t rows, int64_t n, const float *x, const int32_t *labels, float scale, float *dx);

#ifdef __cplusplus
}
#endif

#endif
