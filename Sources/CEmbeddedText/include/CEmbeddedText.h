// A text inside the program, as bytes.
#ifndef CEMBEDDED_TEXT_H
#define CEMBEDDED_TEXT_H

#include <stddef.h>

// A file's bytes; they live as long as the program.
typedef struct {
  const unsigned char *bytes;
  size_t count;
} cembedded_file;

cembedded_file cembedded_text(void);

#endif
