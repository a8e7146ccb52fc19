#ifndef CL2L_ERROR_H
#define CL2L_ERROR_H

/// Keeps the text that l2l_error_text() gives on this thread, cut off to 1,023 bytes at a whole
/// character.
void cl2l_set_error(const char *text);

#endif
