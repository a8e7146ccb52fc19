// A division rounds correctly, so it gives the same bits as a 256-entry table of byte / 255 does, and
// unlike a table's look-ups the compiler turns it into vector instructions. Multiplying by 1 / 255
// is rejected: it differs in the last bit for some bytes.
#include "ck_gather.h"

void ck_gather_u8_f32(const uint8_t *restrict images, size_t size,
                      const int32_t *restrict indices, size_t count, float *restrict out) {
  for (size_t i = 0; i < count; i++) {
    const uint8_t *restrict image = images + (size_t)indices[i] * size;
    float *restrict row = out + i * size;
    for (size_t k = 0; k < size; k++) {
      row[k] = (float)image[k] / 255.0f;
    }
  }
}

void ck_gather_u8_i32(const uint8_t *restrict labels, const int32_t *restrict indices,
                      size_t count, int32_t *restrict out) {
  for (size_t i = 0; i < count; i++) {
    out[i] = labels[indices[i]];
  }
}
