// Orthogonalization of a matrix by Newton and Schulz's iteration, as Muon (Jordan et al. 2024) and Celo2
// use it.
//
//   X <- X / (|X| + 1e-8), |X| the root of the sum of squares
//   five times, with A = X X^T for the shorter side: X <- 3.4445 X + (-4.7750 A + 2.0315 A A) X
//
// No allocation, no locks; the same bits on one instruction set whoever calls.

#ifndef CK_NEWTON_SCHULZ_H
#define CK_NEWTON_SCHULZ_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Floats of scratch for a matrix: about 2 rows columns and 2 to 3 squares of the shorter side.
int64_t ck_newton_schulz_scratch_floats(int64_t rows, int64_t columns);

/// Orthogonalizes x [rows, columns], row-major, in place. scratch: 64-byte aligned.
///
/// Zeros stay zeros. Cost, with s the shorter side and l the longer: 5 (3 s^2 l + s^3) multiplications
/// and additions; A and A A are symmetric and half of them is computed.
void ck_newton_schulz(int64_t rows, int64_t columns, float *x, float *scratch);

#ifdef __cplusplus
}
#endif

#endif
