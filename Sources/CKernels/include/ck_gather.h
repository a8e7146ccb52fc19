// Gathering minibatches from a set of byte images.
#ifndef CK_GATHER_H
#define CK_GATHER_H

#include <stddef.h>
#include <stdint.h>

// Copies chosen images as floats in [0, 1].
//
//   images   [*, size]      bytes
//   indices  [count]        which images; each must be inside the set
//   out      [count, size]  float32: (float)byte / 255, correctly rounded
//
// Naive twin: `ImageDatasetTests` gathers pixel by pixel in Swift and compares all bits.
void ck_gather_u8_f32(const uint8_t *images, size_t size, const int32_t *indices, size_t count,
                      float *out);

// Copies chosen labels: out[i] = labels[indices[i]], for count values.
void ck_gather_u8_i32(const uint8_t *labels, const int32_t *indices, size_t count, int32_t *out);

#endif
