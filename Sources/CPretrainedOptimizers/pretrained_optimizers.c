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

static const unsigned char perceptrons[] = {
#embed "data/perceptrons.safetensors"
};

static const unsigned char celo2[] = {
#embed "data/celo2.safetensors"
};

cpretrained_file cpretrained_celo2(void) { return (cpretrained_file){celo2, sizeof celo2}; }

cpretrained_file cpretrained_quadratic(void) {
  return (cpretrained_file){quadratic, sizeof quadratic};
}

cpretrained_file cpretrained_mnist(void) { return (cpretrained_file){mnist, sizeof mnist}; }

cpretrained_file cpretrained_perceptrons(void) {
  return (cpretrained_file){perceptrons, sizeof perceptrons};
}
