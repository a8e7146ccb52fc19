// Gathering minibatches from a set of byte images.
#ifndef CK_GATHER_H
#define CK_GATHER_H

#include <stddef.h>
#include <stdint.h>

// Copies images as floats in [0, 1].
//
//   images   [count] addresses of [size] bytes each
//   out      [count, size]  float32: (float)byte / 255, correctly rounded
//
// Naive twin: `ImageDatasetTests` gathers pixel by pixel in Swift and compares all bits.
void ck_gather_u8_f32(const uint8_t *const *images, size_t size, size_t count, float *out);

// Copies images whose channels lie one after the other, so that those of a pixel lie together.
//
//   images   [count] addresses of [channels, area] bytes each
//   out      [count, area, channels]  float32: (float)byte / 255, correctly rounded
//
// Naive twin: `CIFAR10Tests`.
void ck_gather_planar_u8_f32(const uint8_t *const *images, size_t area, size_t channels,
                             size_t count, float *out);

#endif
