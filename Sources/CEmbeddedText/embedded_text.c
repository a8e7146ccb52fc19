// The file goes into the program's read-only data: see CMNISTSubset.
#include "CEmbeddedText.h"

// #embed is C23; clang has it in every C mode and says so in a warning.
#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char text[] = {
#embed "data/as-you-like-it.txt"
};

cembedded_file cembedded_text(void) { return (cembedded_file){text, sizeof text}; }
