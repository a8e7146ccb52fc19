// zlib for Swift, with the macro that Swift cannot import as a function.
#ifndef CZLIB_SHIM_H
#define CZLIB_SHIM_H

#include <zlib.h>

// inflateInit2 for gzip streams only: 15 bits of window, 16 for the gzip wrapper and its checksum.
static inline int czlib_gunzip_init(z_stream *stream) { return inflateInit2(stream, 15 + 16); }

// inflateInit2 for zlib streams.
static inline int czlib_zlib_init(z_stream *stream) { return inflateInit2(stream, 15); }

#endif
