// What the drivers of the convolutions ask of one instruction set's kernels.
//
// All three products are made of two loops over images that were copied with zeros around them, so
// that no window crosses an edge: `outputs` keeps a row of outputs in registers and runs over the
// window's taps, `taps` keeps taps of the filters' gradient in registers and runs over pixels. As
// channels are innermost, a window's row of taps [width, channels] is contiguous in the image: `run`
// floats. Filters are taken `lanes` at a time, along the SIMD lanes.

#ifndef CK_CONVOLUTION_PRIVATE_H
#define CK_CONVOLUTION_PRIVATE_H

#include "ck_convolution.h"
#include "ck_isa.h"

/// out[i][j][0 ..< count] = bias + sum over u < rows, t < run of
/// x[i x_row + j x_step + u x_pitch + t] weights[u][t][lanes].
typedef struct {
  const float *x;
  int64_t x_row, x_step;   // between the windows of two outputs, down and across
  int64_t x_pitch;         // between two rows of a window
  int64_t rows, run;
  int64_t down;            // rows from an output's window to the next one's below
  int64_t first_row, last_row;  // rows of the image, from x; others are zeros and are skipped
  const float *weights;    // [rows][run][lanes], aligned to a vector
  const float *bias;       // [lanes], aligned
  float *out;
  int64_t out_rows, out_columns, out_row, out_step;
  int64_t count;           // lanes that are written
} ck_conv_outputs;

/// sums[u][t][lanes] += sum over i < g_rows, j < g_columns of
/// x[i x_row + j x_step + u x_pitch + t] g[i g_row + j g_step ..].
typedef struct {
  const float *x;
  int64_t x_row, x_step, x_pitch;
  int64_t rows, run;
  int64_t down, first_row, last_row;
  const float *g;          // `lanes` floats can be read at each pixel
  int64_t g_rows, g_columns, g_row, g_step;
  float *sums;             // [rows][run][lanes], aligned to a vector
} ck_conv_taps;

/// Kernels for one number of filters at a time.
typedef struct {
  int64_t lanes;
  void (*outputs)(const ck_conv_outputs *);
  void (*taps)(const ck_conv_taps *);
} ck_conv_kernels;

/// The most lanes of any kernels.
enum { CK_CONV_MAX_LANES = 16 };

/// One instruction set's kernels: for many filters, and for a few that would leave half the lanes
/// of the wide ones empty.
typedef struct {
  int isa;
  ck_conv_kernels wide, narrow;
} ck_conv_set;

extern const ck_conv_set ck_conv_set_baseline;
#if defined(__x86_64__)
extern const ck_conv_set ck_conv_set_avx2;
extern const ck_conv_set ck_conv_set_avx512;
#endif

#endif
