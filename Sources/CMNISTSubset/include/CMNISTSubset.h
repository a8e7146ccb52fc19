// The four gzipped IDX files of the MNIST subset, as bytes inside the program.
#ifndef CMNIST_SUBSET_H
#define CMNIST_SUBSET_H

#include <stddef.h>

// A file's bytes; they live as long as the program.
typedef struct {
  const unsigned char *bytes;
  size_t count;
} cmnist_file;

cmnist_file cmnist_train_images(void);
cmnist_file cmnist_train_labels(void);
cmnist_file cmnist_test_images(void);
cmnist_file cmnist_test_labels(void);

#endif
