// Trained optimizers, as safetensors files inside the program.
#ifndef CPRETRAINED_OPTIMIZERS_H
#define CPRETRAINED_OPTIMIZERS_H

#include <stddef.h>

// A file's bytes; they live as long as the program.
typedef struct {
  const unsigned char *bytes;
  size_t count;
} cpretrained_file;

cpretrained_file cpretrained_quadratic(void);
cpretrained_file cpretrained_mnist(void);
cpretrained_file cpretrained_perceptrons(void);
cpretrained_file cpretrained_celo2(void);

#endif
