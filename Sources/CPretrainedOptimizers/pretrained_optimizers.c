// Inside the program for the reasons that CMNISTSubset gives.
#include "CPretrainedOptimizers.h"

// #embed is C23; clang has it in every C mode and says so in a warning.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char quadratic[] = {
#embed "data/quadratic.safetensors"
};

static const unsigned char mnist[] = {
#embed "data/mnist.safetensors"
};

cpretrained_file cpretrained_quadratic(void) {
  return (cpretrained_file){quadratic, sizeof quadratic};
}

cpretrained_file cpretrained_mnist(void) { return (cpretrained_file){mnist, sizeof mnist}; }
