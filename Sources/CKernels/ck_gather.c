// A division rounds correctly, so it gives the same bits as a 256-entry table of byte / 255 does, and
// unlike a table's look-ups the compiler turns it into vector instructions. Multiplying by 1 / 255
// is rejected: it differs in the last bit for some bytes.
#include "ck_gather.h"

void ck_gather_u8_f32(const uint8_t *const *restrict images, size_t size, size_t count,
                      float *restrict out) {
  for (size_t i = 0; i < count; i++) {
    const uint8_t *restrict image = images[i];
    float *restrict row = out + i * size;
    for (size_t k = 0; k < size; k++) {
      row[k] = (float)image[k] / 255.0f;
    }
  }
}

void ck_gather_planar_u8_f32(const uint8_t *const *restrict images, size_t area, size_t channels,
                             size_t count, float *restrict out) {
  for (size_t i = 0; i < count; i++) {
    float *restrict image = out + i * area * channels;
    for (size_t c = 0; c < channels; c++) {
      const uint8_t *restrict plane = images[i] + c * area;
      for (size_t k = 0; k < area; k++) {
        image[k * channels + c] = (float)plane[k] / 255.0f;
      }
    }
  }
}
