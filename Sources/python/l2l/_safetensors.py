"""Reads and writes safetensors files of float32, float64 and int64 arrays."""

import json
import struct

import numpy

from ._errors import Error

_TYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8", "I32": "<i4", "I64": "<i8"}
_LONGEST_HEADER = 16 << 20


def read(content):
    """The arrays by name, in order, and the metadata."""
    def malformed(reason):
        return Error(Error.FORMAT, f"this is no safetensors file: {reason}; use one that is complete and unchanged")

    if len(content) < 8:
        raise malformed("it has no header")
    length = struct.unpack_from("<Q", content)[0]
    if length > min(_LONGEST_HEADER, len(content) - 8):
        raise malformed("its header is longer than the file")
    try:
        header = json.loads(content[8:8 + length].decode())
        metadata = header.pop("__metadata__", {})
        arrays = {}
        for name, entry in header.items():
            kind, shape = numpy.dtype(_TYPES[entry["dtype"]]), [int(n) for n in entry["shape"]]
            begin, end = entry["data_offsets"]
            count = 1
            for extent in shape:
                count *= extent
            if min(shape, default=0) < 0 or begin < 0 or end - begin != count * kind.itemsize \
                    or 8 + length + end > len(content):
                raise malformed(f"'{name}' does not fit its shape")
            arrays[name] = numpy.frombuffer(content, kind, count, 8 + length + begin).reshape(shape).copy()
        return arrays, {str(key): str(value) for key, value in metadata.items()}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as fault:
        raise malformed(f"{type(fault).__name__} {fault}") from None


def write(arrays, metadata):
    """The bytes of a file, the widest elements first, the arrays in their order."""
    kinds = {"float32": "F32", "int64": "I64"}
    fields, data = {}, b""
    if metadata:
        fields["__metadata__"] = dict(sorted(metadata.items()))
    places = {}
    for name, array in sorted(arrays.items(), key=lambda item: -item[1].itemsize):
        places[name] = [len(data), len(data) + array.nbytes]
        data += numpy.ascontiguousarray(array).tobytes()
    for name, array in arrays.items():
        fields[name] = {"dtype": kinds[array.dtype.name], "shape": list(array.shape), "data_offsets": places[name]}
    header = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + data
