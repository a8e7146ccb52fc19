#include "cl2l_error.h"

#include "l2l.h"

#include <string.h>

enum { CAPACITY = 1024 };

static _Thread_local char error_text[CAPACITY];

void cl2l_set_error(const char *text) {
  size_t length = strnlen(text, CAPACITY);
  if (length == CAPACITY) {
    length = CAPACITY - 1;
    // Bytes 10xxxxxx go on with a character that has begun before.
    while (length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) length--;
  }
  memcpy(error_text, text, length);
  error_text[length] = '\0';
}

const char *l2l_error_text(void) { return error_text; }

int32_t l2l_abi_version(void) { return L2L_ABI_VERSION; }
