"""Checks of the arrays that are stepped."""

import numpy

from ._errors import Error

_FLOAT32 = numpy.dtype(numpy.float32)


def as_shapes(arrays):
    """The shapes of arrays, or shapes as they are."""
    if hasattr(arrays, "shape"):
        arrays = [arrays]
    shapes = [tuple(int(n) for n in getattr(array, "shape", array)) for array in arrays]
    if not shapes:
        raise Error(Error.ARGUMENT, "there are no arrays to step")
    return shapes


def addresses(arrays, shapes, target, what, writes):
    """Puts the address of each array's first element into `target`."""
    if type(arrays) is numpy.ndarray and len(shapes) == 1:
        arrays = [arrays]
    if len(arrays) != len(shapes):
        raise Error(Error.ARGUMENT, f"there are {len(arrays)} {what}, not {len(shapes)}")
    index = 0
    for array in arrays:
        if type(array) is not numpy.ndarray:
            raise Error(Error.ARGUMENT, f"{what}[{index}] is no NumPy array but {type(array).__name__}")
        if array.dtype is not _FLOAT32 and array.dtype != _FLOAT32:
            raise Error(Error.ARGUMENT, f"{what}[{index}] is of {array.dtype}, not of float32")
        if array.shape != shapes[index]:
            raise Error(Error.SHAPE, f"{what}[{index}] has the shape {array.shape}, not {shapes[index]}")
        flags = array.flags
        if not flags.c_contiguous or writes and not flags.writeable:
            raise Error(Error.ARGUMENT, f"{what}[{index}] is not contiguous or not writeable: give a copy")
        target[index] = array.__array_interface__["data"][0]
        index += 1
