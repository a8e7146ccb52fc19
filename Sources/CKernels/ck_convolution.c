// The three products of a convolution, from copies with zeros around the images and filters packed
// for the lanes of the kernels. Image by image, so that what a product reads stays in the cache.

#include "ck_convolution.h"

#include <stdatomic.h>
#include <stddef.h>
#include <string.h>

#include "ck_convolution_private.h"

// MARK: - Instruction sets

static _Atomic(const ck_conv_set *) current_set;

static const ck_conv_set *set_for(int isa) {
  if (!ck_supports_isa(isa)) return NULL;
  switch (isa) {
#if defined(__x86_64__)
    case CK_ISA_AVX2:
      return &ck_conv_set_avx2;
    case CK_ISA_AVX512:
      return &ck_conv_set_avx512;
#endif
    case CK_ISA_BASELINE:
      return &ck_conv_set_baseline;
    default:
      return NULL;
  }
}

static const ck_conv_set *best_set(void) {
  for (int isa = CK_ISA_AVX512; isa > CK_ISA_BASELINE; isa--) {
    const ck_conv_set *set = set_for(isa);
    if (set) return set;
  }
  return &ck_conv_set_baseline;
}

static const ck_conv_set *set_in_use(void) {
  const ck_conv_set *set = atomic_load_explicit(&current_set, memory_order_relaxed);
  if (!set) {
    // Two threads may both get here: they find and store the same.
    set = best_set();
    atomic_store_explicit(&current_set, set, memory_order_relaxed);
  }
  return set;
}

void ck_convolution_force_isa(int isa) {
  const ck_conv_set *set = isa == CK_ISA_AUTOMATIC ? best_set() : set_for(isa);
  if (set) atomic_store_explicit(&current_set, set, memory_order_relaxed);
}

int ck_convolution_isa(void) {
  return set_in_use()->isa;
}

// MARK: - Blocks of filters

/// The kernels for the filters from `first` on: the narrow ones when those left are few enough.
static const ck_conv_kernels *kernels_for(const ck_conv_set *set, int64_t filters, int64_t first) {
  return filters - first <= set->narrow.lanes ? &set->narrow : &set->wide;
}

static int64_t at_most(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int64_t at_least(int64_t a, int64_t b) {
  return a > b ? a : b;
}

static int64_t all_lanes(int64_t filters) {
  return (filters + CK_CONV_MAX_LANES - 1) / CK_CONV_MAX_LANES * CK_CONV_MAX_LANES;
}

/// Copies `count` of each row's numbers to rows of `lanes`, with zeros after them.
static void copy_lanes(
    int64_t rows, const float *from, int64_t step, int64_t count, int64_t lanes, float *to
) {
  for (int64_t r = 0; r < rows; r++, from += step, to += lanes) {
    for (int64_t l = 0; l < count; l++) to[l] = from[l];
    for (int64_t l = count; l < lanes; l++) to[l] = 0;
  }
}

// MARK: - Images with zeros around them

typedef struct {
  int64_t height, width, channels;  // of the image
  int64_t top, left;                // zeros before it
  int64_t rows, columns;            // of the copy
} padded_image;

static int64_t padded_floats(const padded_image *p) {
  // Rounded up, so that what comes after is aligned.
  return (p->rows * p->columns * p->channels + 15) / 16 * 16;
}

/// Copies the part of an image that the copy has room for; the zeros around it are there already.
static void copy_image(const padded_image *p, const float *image, float *copy) {
  const int64_t rows = at_most(p->height, p->rows - p->top);
  const size_t bytes =
      (size_t)(at_most(p->width, p->columns - p->left) * p->channels) * sizeof(float);
  copy += (p->top * p->columns + p->left) * p->channels;
  for (int64_t r = 0; r < rows; r++)
    memcpy(copy + r * p->columns * p->channels, image + r * p->width * p->channels, bytes);
}

static padded_image padded_input(const ck_convolution *s) {
  return (padded_image){
      s->height, s->width, s->channels, s->top, s->left,
      (s->out_height - 1) * s->stride + s->window_height,
      (s->out_width - 1) * s->stride + s->window_width,
  };
}

// MARK: - Inputs that share taps

/// The inputs r, r + stride, ... along an axis: all see the same taps, every stride-th one, in
/// outputs next to each other. With `taps` of them, input r + a stride sees
///
///     sum over m < taps of g[a + first + m] w[last_tap - m stride]
typedef struct {
  int64_t inputs, taps, last_tap, first;
} phase;

static phase phase_of(int64_t r, int64_t stride, int64_t before, int64_t window, int64_t extent) {
  const int64_t tap = (r + before) % stride;
  const int64_t taps = tap < window ? (window - tap + stride - 1) / stride : 0;
  return (phase){
      .inputs = r < extent ? (extent - r + stride - 1) / stride : 0,
      .taps = taps,
      .last_tap = tap + (taps - 1) * stride,
      .first = (r + before - tap) / stride - (taps - 1),
  };
}

/// The zeros before, and the extent, of a copy of `outputs` numbers in which all phases stay.
static void phases_extent(
    int64_t stride, int64_t before, int64_t window, int64_t extent, int64_t outputs,
    int64_t *zeros, int64_t *padded
) {
  int64_t first = 0, last = outputs;
  for (int64_t r = 0; r < stride; r++) {
    const phase p = phase_of(r, stride, before, window, extent);
    if (p.taps == 0 || p.inputs == 0) continue;
    first = at_most(first, p.first);
    last = at_least(last, p.inputs - 1 + p.first + p.taps);
  }
  *zeros = -first;
  *padded = last - first;
}

static padded_image padded_cotangent(const ck_convolution *s) {
  padded_image p = {s->out_height, s->out_width, s->filters, 0, 0, 0, 0};
  phases_extent(
      s->stride, s->top, s->window_height, s->height, s->out_height, &p.top, &p.rows);
  phases_extent(
      s->stride, s->left, s->window_width, s->width, s->out_width, &p.left, &p.columns);
  return p;
}

// MARK: - Scratch

/// Rows of outputs that the filters' gradient takes at once: they and their inputs stay in L1.
static int64_t rows_at_once(const ck_convolution *s) {
  return at_most(at_least(256 / s->out_width, 1), s->out_height);
}

int64_t ck_convolution_scratch_floats(const ck_convolution *s) {
  const padded_image input = padded_input(s), cotangent = padded_cotangent(s);
  const int64_t window = s->window_height * s->window_width;
  const int64_t lanes = at_least(
      s->channels * all_lanes(s->filters), s->filters * all_lanes(s->channels));
  // Packed filters or their gradient, a bias, an image, and a few lanes of cotangents.
  return window * lanes + all_lanes(at_least(s->filters, s->channels))
      + at_least(padded_floats(&input), padded_floats(&cotangent))
      + rows_at_once(s) * s->out_width * CK_CONV_MAX_LANES;
}

static void set_to_zero(float *p, int64_t count) {
  memset(p, 0, (size_t)count * sizeof *p);
}

// MARK: - Products

void ck_convolution_f32(
    const ck_convolution *s, const float *x, const float *w, const float *bias, float *y,
    float *scratch
) {
  const ck_conv_set *set = set_in_use();
  const padded_image padded = padded_input(s);
  const int64_t taps = s->window_height * s->window_width * s->channels;
  float *weights = scratch, *biases = weights + taps * all_lanes(s->filters);
  float *image = biases + all_lanes(s->filters);
  set_to_zero(biases, all_lanes(s->filters));
  if (bias) memcpy(biases, bias, (size_t)s->filters * sizeof *bias);
  for (int64_t f = 0; f < s->filters;) {
    const int64_t lanes = kernels_for(set, s->filters, f)->lanes;
    copy_lanes(taps, w + f, s->filters, at_most(lanes, s->filters - f), lanes, weights + taps * f);
    f += lanes;
  }
  set_to_zero(image, padded_floats(&padded));
  const int64_t row = padded.columns * s->channels;
  for (int64_t b = 0; b < s->batch; b++) {
    copy_image(&padded, x + b * s->height * s->width * s->channels, image);
    for (int64_t f = 0; f < s->filters;) {
      const ck_conv_kernels *kernels = kernels_for(set, s->filters, f);
      kernels->outputs(&(ck_conv_outputs){
          .x = image, .x_row = s->stride * row, .x_step = s->stride * s->channels, .x_pitch = row,
          .rows = s->window_height, .run = s->window_width * s->channels, .down = s->stride,
          .first_row = s->top, .last_row = s->top + s->height,
          .weights = weights + taps * f, .bias = biases + f,
          .out = y + b * s->out_height * s->out_width * s->filters + f,
          .out_rows = s->out_height, .out_columns = s->out_width,
          .out_row = s->out_width * s->filters, .out_step = s->filters,
          .count = at_most(kernels->lanes, s->filters - f),
      });
      f += kernels->lanes;
    }
  }
}

/// Packs the filters that the inputs of a phase see: [taps down][taps across][filters][lanes], the
/// lanes being channels from c on.
static void pack_transposed(
    const ck_convolution *s, const phase *down, const phase *across, const float *w, int64_t c,
    int64_t lanes, float *to
) {
  const int64_t count = at_most(lanes, s->channels - c);
  for (int64_t m = 0; m < down->taps; m++)
    for (int64_t n = 0; n < across->taps; n++) {
      const int64_t u = down->last_tap - m * s->stride, v = across->last_tap - n * s->stride;
      const float *from = w + ((u * s->window_width + v) * s->channels + c) * s->filters;
      for (int64_t f = 0; f < s->filters; f++, to += lanes) {
        for (int64_t l = 0; l < count; l++) to[l] = from[l * s->filters + f];
        for (int64_t l = count; l < lanes; l++) to[l] = 0;
      }
    }
}

void ck_convolution_input_gradient_f32(
    const ck_convolution *s, const float *dy, const float *w, float *dx, float *scratch
) {
  const ck_conv_set *set = set_in_use();
  const padded_image padded = padded_cotangent(s);
  const int64_t window = s->window_height * s->window_width;
  float *weights = scratch, *zeros = weights + window * s->filters * all_lanes(s->channels);
  float *image = zeros + all_lanes(s->channels);
  set_to_zero(zeros, all_lanes(s->channels));
  set_to_zero(image, padded_floats(&padded));
  const int64_t row = padded.columns * s->filters;
  for (int64_t b = 0; b < s->batch; b++) {
    copy_image(&padded, dy + b * s->out_height * s->out_width * s->filters, image);
    float *packed = weights;
    for (int64_t i = 0; i < s->stride; i++)
      for (int64_t j = 0; j < s->stride; j++) {
        const phase down = phase_of(i, s->stride, s->top, s->window_height, s->height);
        const phase across = phase_of(j, s->stride, s->left, s->window_width, s->width);
        if (down.inputs == 0 || across.inputs == 0) continue;
        const int64_t taps = down.taps * across.taps;
        for (int64_t c = 0; c < s->channels;) {
          const ck_conv_kernels *kernels = kernels_for(set, s->channels, c);
          if (b == 0) pack_transposed(s, &down, &across, w, c, kernels->lanes, packed);
          kernels->outputs(&(ck_conv_outputs){
              // Without taps nothing is read, and zeros are written.
              .x = taps == 0 ? image : image + (padded.top + down.first) * row
                  + (padded.left + across.first) * s->filters,
              .x_row = row, .x_step = s->filters, .x_pitch = row,
              .rows = down.taps, .run = across.taps * s->filters, .down = 1,
              .first_row = -down.first, .last_row = s->out_height - down.first,
              .weights = packed, .bias = zeros,
              .out = dx + ((b * s->height + i) * s->width + j) * s->channels + c,
              .out_rows = down.inputs, .out_columns = across.inputs,
              .out_row = s->stride * s->width * s->channels, .out_step = s->stride * s->channels,
              .count = at_most(kernels->lanes, s->channels - c),
          });
          packed += taps * s->filters * kernels->lanes;
          c += kernels->lanes;
        }
      }
  }
}

void ck_convolution_filter_gradient_f32(
    const ck_convolution *s, const float *x, const float *dy, float *dw, float *scratch
) {
  const ck_conv_set *set = set_in_use();
  const padded_image padded = padded_input(s);
  const int64_t taps = s->window_height * s->window_width * s->channels;
  float *sums = scratch, *image = sums + taps * all_lanes(s->filters);
  float *few = image + padded_floats(&padded);
  set_to_zero(sums, taps * all_lanes(s->filters));
  set_to_zero(image, padded_floats(&padded));
  const int64_t row = padded.columns * s->channels, at_once = rows_at_once(s);
  for (int64_t b = 0; b < s->batch; b++) {
    copy_image(&padded, x + b * s->height * s->width * s->channels, image);
    for (int64_t i = 0; i < s->out_height; i += at_once) {
      const int64_t rows = at_most(at_once, s->out_height - i);
      const float *g = dy + (b * s->out_height + i) * s->out_width * s->filters;
      for (int64_t f = 0; f < s->filters;) {
        const ck_conv_kernels *kernels = kernels_for(set, s->filters, f);
        const int64_t lanes = kernels->lanes, count = at_most(lanes, s->filters - f);
        const int64_t step = count == lanes ? s->filters : lanes;
        if (count < lanes) copy_lanes(rows * s->out_width, g + f, s->filters, count, lanes, few);
        kernels->taps(&(ck_conv_taps){
            .x = image + i * s->stride * row, .x_row = s->stride * row,
            .x_step = s->stride * s->channels, .x_pitch = row,
            .rows = s->window_height, .run = s->window_width * s->channels, .down = s->stride,
            .first_row = s->top - i * s->stride,
            .last_row = s->top + s->height - i * s->stride,
            .g = count == lanes ? g + f : few, .g_rows = rows, .g_columns = s->out_width,
            .g_row = s->out_width * step, .g_step = step,
            .sums = sums + taps * f,
        });
        f += lanes;
      }
    }
  }
  for (int64_t f = 0; f < s->filters;) {
    const int64_t lanes = kernels_for(set, s->filters, f)->lanes;
    const int64_t count = at_most(lanes, s->filters - f);
    for (int64_t t = 0; t < taps; t++)
      for (int64_t l = 0; l < count; l++)
        dw[t * s->filters + f + l] = sums[taps * f + t * lanes + l];
    f += lanes;
  }
}
