// The files go into the program's read-only data, not beside it as SwiftPM's resources do, so that
// the program can be moved, and started from any folder.
#include "CMNISTSubset.h"

// #embed is C23; clang has it in every C mode and says so in a warning.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char train_images[] = {
#embed "data/train-images-idx3-ubyte.gz"
};

static const unsigned char train_labels[] = {
#embed "data/train-labels-idx1-ubyte.gz"
};

static const unsigned char test_images[] = {
#embed "data/t10k-images-idx3-ubyte.gz"
};

static const unsigned char test_labels[] = {
#embed "data/t10k-labels-idx1-ubyte.gz"
};

cmnist_file cmnist_train_images(void) {
  return (cmnist_file){train_images, sizeof train_images};
}

cmnist_file cmnist_train_labels(void) {
  return (cmnist_file){train_labels, sizeof train_labels};
}

cmnist_file cmnist_test_images(void) {
  return (cmnist_file){test_images, sizeof test_images};
}

cmnist_file cmnist_test_labels(void) {
  return (cmnist_file){test_labels, sizeof test_labels};
}
