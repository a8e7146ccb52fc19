// b / 255 as a product with 1 / 255, mended by its remainder: exactly the quotient for each of the 256
// bytes (the tests try them all), at half the time of a division. The product alone differs in the last
// bit for some bytes; a table's look-ups are not turned into vector instructions.
#include "ck_gather.h"
#include "ck_platform.h"

CK_INLINE float part_of_255(uint8_t byte) {
// Each operation rounded by itself: no instruction set makes a difference.
#pragma clang fp contract(off)
  const float value = byte, quotient = value * (1.0f / 255.0f);
  return quotient + (value - quotient * 255.0f) * (1.0f / 255.0f);
}

CK_CLONES void ck_gather_u8_f32(const uint8_t *const *restrict images, size_t size, size_t count,
                      float *restrict out) {
  for (size_t i = 0; i < count; i++) {
    const uint8_t *restrict image = images[i];
    float *restrict row = out + i * size;
    for (size_t k = 0; k < size; k++) {
      row[k] = part_of_255(image[k]);
    }
  }
}

CK_CLONES void ck_gather_planar_u8_f32(const uint8_t *const *restrict images, size_t area, size_t channels,
                             size_t count, float *restrict out) {
  for (size_t i = 0; i < count; i++) {
    float *restrict image = out + i * area * channels;
    for (size_t c = 0; c < channels; c++) {
      const uint8_t *restrict plane = images[i] + c * area;
      for (size_t k = 0; k < area; k++) {
        image[k * channels + c] = part_of_255(plane[k]);
      }
    }
  }
}
