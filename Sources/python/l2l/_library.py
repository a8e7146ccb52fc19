"""Optimizers of libl2l: see Sources/CL2L/include/l2l.h for what each call does."""

import ctypes
import json
import os
import pathlib

import numpy

from ._arrays import addresses, as_shapes
from ._errors import Error

_ABI = 1
_pointer, _text, _status = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int32
_out, _size_out = ctypes.POINTER(_pointer), ctypes.POINTER(ctypes.c_size_t)
_FUNCTIONS = {
    "l2l_abi_version": (ctypes.c_int32, []),
    "l2l_error_text": (_text, []),
    "l2l_optimizer_load": (_status, [_text, _text, _out]),
    "l2l_optimizer_read": (_status, [_text, ctypes.c_size_t, _out]),
    "l2l_optimizer_pretrained": (_status, [_text, _out]),
    "l2l_optimizer_make": (_status, [_text, _text, _out]),
    "l2l_optimizer_description": (_text, [_pointer]),
    "l2l_optimizer_free": (None, [_pointer]),
    "l2l_state_make": (_status, [_pointer, ctypes.c_size_t, _pointer, _pointer, ctypes.c_int64, _out]),
    "l2l_state_step": (_status, [_pointer] * 4),
    "l2l_state_step_count": (ctypes.c_int64, [_pointer]),
    "l2l_state_set_planned_steps": (_status, [_pointer, ctypes.c_int64]),
    "l2l_state_set_option": (_status, [_pointer, _text, ctypes.c_double]),
    "l2l_state_reset": (_status, [_pointer]),
    "l2l_state_saved_size": (_status, [_pointer, _size_out]),
    "l2l_state_save": (_status, [_pointer, _pointer, ctypes.c_size_t, _size_out]),
    "l2l_state_restore": (_status, [_pointer, _text, ctypes.c_size_t]),
    "l2l_state_free": (None, [_pointer]),
}


def _candidates():
    if "L2L_LIBRARY" in os.environ:
        return [os.environ["L2L_LIBRARY"]]
    here = pathlib.Path(__file__).resolve().parent
    # Beside the package; in the checkout; under the prefix of Scripts/install; where the system looks.
    places = [here / "libl2l.so", here.parents[2] / ".build" / "library" / "libl2l.so",
              here.parents[2] / "libl2l.so.1"]
    return [str(place) for place in places if place.exists()] + ["libl2l.so.1"]


def _open():
    faults = []
    for name in _candidates():
        try:
            library = ctypes.CDLL(name)
        except OSError as fault:
            faults.append(str(fault))
            continue
        for function, (result, arguments) in _FUNCTIONS.items():
            getattr(library, function).restype = result
            getattr(library, function).argtypes = arguments
        if library.l2l_abi_version() != _ABI:
            raise Error(Error.INTERNAL, f"'{name}' has version {library.l2l_abi_version()} of the interface, "
                        f"this package is for {_ABI}: install both from the same release")
        return library
    raise OSError("; ".join(faults))


_loaded = None


def library():
    """The library; OSError where there is none."""
    global _loaded
    if _loaded is None:
        _loaded = _open()
    return _loaded


def _check(status):
    if status:
        raise Error(status, library().l2l_error_text().decode())


def _bytes(text):
    return None if text is None else os.fsencode(text)


class Optimizer:
    """A trained optimizer. Made by `load`, `loads`, `pretrained`, `make`."""

    def __init__(self, call, *arguments):
        self._pointer = _pointer()
        self._library = library()
        _check(getattr(self._library, call)(*arguments, ctypes.byref(self._pointer)))
        description = json.loads(self._library.l2l_optimizer_description(self._pointer).decode())
        #: The class, as "Celo2".
        self.net = description["net"]
        #: The options that it was made with, by name.
        self.options = description["options"]
        #: The number of trained weights.
        self.weight_count = description["weights"]
        #: What it looks at besides gradients: "parameter", "loss", "progress".
        self.inputs = frozenset(description["inputs"])
        #: Texts about its training, licence and origin.
        self.metadata = description["metadata"]

    @classmethod
    def load(cls, path, name):
        return cls("l2l_optimizer_load", _bytes(path), _bytes(name))

    @classmethod
    def read(cls, content):
        return cls("l2l_optimizer_read", bytes(content), len(content))

    @classmethod
    def pretrained(cls, name):
        return cls("l2l_optimizer_pretrained", _bytes(name))

    @classmethod
    def make(cls, net, options):
        return cls("l2l_optimizer_make", _bytes(net), json.dumps(options).encode())

    def init(self, arrays, planned_steps=None):
        """The state of these arrays, or of arrays of these shapes, before the first step."""
        return State(self, as_shapes(arrays), planned_steps)

    def __repr__(self):
        return f"<l2l optimizer {self.net}, {self.weight_count} weights>"

    def __del__(self):
        if getattr(self, "_pointer", None):
            self._library.l2l_optimizer_free(self._pointer)


class State:
    """What an optimizer remembers of some arrays. Used by one thread at a time."""

    def __init__(self, optimizer, shapes, planned_steps=None):
        #: The optimizer.
        self.optimizer = optimizer
        #: The arrays' shapes.
        self.shapes = shapes
        self._library = optimizer._library
        self._pointer = _pointer()
        ranks = numpy.array([len(shape) for shape in shapes], dtype=numpy.int32)
        extents = numpy.array([length for shape in shapes for length in shape] or [0], dtype=numpy.int64)
        _check(self._library.l2l_state_make(
            optimizer._pointer, len(shapes), ranks.ctypes.data, extents.ctypes.data,
            planned_steps or 0, ctypes.byref(self._pointer)))
        self._step = self._library.l2l_state_step
        self._parameters = (ctypes.c_void_p * len(shapes))()
        self._gradients = (ctypes.c_void_p * len(shapes))()
        self._loss = ctypes.c_float()
        self._loss_pointer = ctypes.addressof(self._loss)

    @property
    def step_count(self):
        """How many steps were taken."""
        return self._library.l2l_state_step_count(self._pointer)

    def step(self, parameters, gradients, loss=None):
        """Adds one update to the parameters, float32 arrays, in place and without copies.

        Nothing changes when an `Error` is raised, unless its code is `Error.DIVERGED`.
        """
        addresses(parameters, self.shapes, self._parameters, "parameters", writes=True)
        addresses(gradients, self.shapes, self._gradients, "gradients", writes=False)
        place = None
        if loss is not None:
            self._loss.value = loss
            place = self._loss_pointer
        status = self._step(self._pointer, self._parameters, self._gradients, place)
        if status:
            _check(status)

    def set_planned_steps(self, count):
        """Changes how many steps there will be; None when that is not known any more."""
        _check(self._library.l2l_state_set_planned_steps(self._pointer, count or 0))

    def set_option(self, name, value):
        """Changes a number among the options, as "learning_rate", for the steps to come."""
        _check(self._library.l2l_state_set_option(self._pointer, _bytes(name), value))

    def reset(self):
        """Forgets all steps."""
        _check(self._library.l2l_state_reset(self._pointer))

    def save(self):
        """The state as bytes, a safetensors file."""
        size = ctypes.c_size_t()
        _check(self._library.l2l_state_saved_size(self._pointer, ctypes.byref(size)))
        buffer = (ctypes.c_char * size.value)()
        _check(self._library.l2l_state_save(self._pointer, ctypes.addressof(buffer), size, None))
        return bytes(buffer)

    def restore(self, content):
        """Goes on from what `save` gave, bit for bit."""
        content = bytes(content)
        _check(self._library.l2l_state_restore(self._pointer, content, len(content)))

    def __del__(self):
        if getattr(self, "_pointer", None):
            self._library.l2l_state_free(self._pointer)
