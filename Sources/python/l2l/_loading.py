"""Chooses between the library and NumPy."""

import warnings

from . import _fallback, _library
from ._errors import Error

_has_warned = False


def _backend(backend):
    global _has_warned
    if backend == "numpy":
        return _fallback
    if backend not in ("auto", "library"):
        raise Error(Error.ARGUMENT, f"there is no backend '{backend}', only auto, library and numpy")
    try:
        _library.library()
        return _library
    except OSError as fault:
        if backend == "library":
            raise Error(Error.FILE, f"there is no libl2l ({fault}): run Scripts/build-library, "
                        "or name it by L2L_LIBRARY") from None
        if not _has_warned:
            warnings.warn("l2l: there is no libl2l, so optimizers run in NumPy: slower, and equal to "
                          "rounding only; run Scripts/build-library, or name it by L2L_LIBRARY")
            _has_warned = True
        return _fallback


def load(path, name=None, backend="auto"):
    """The optimizer in a .safetensors file, or in a folder of `l2l train`; or one that comes with the
    library, as "pretrained:celo2".

    name: which net of a folder, as "conv"; None for the only one.
    backend: "library", "numpy", or "auto": the library where there is one.
    """
    if isinstance(path, str) and path.startswith("pretrained:"):
        return pretrained(path.removeprefix("pretrained:"), backend)
    return _backend(backend).Optimizer.load(path, name)


def loads(content, backend="auto"):
    """The optimizer in the bytes of a .safetensors file."""
    return _backend(backend).Optimizer.read(content)


def pretrained(name, backend="auto"):
    """An optimizer that comes with the library: "celo2", "perceptrons", "mnist" or "quadratic"."""
    return _backend(backend).Optimizer.pretrained(name)


def make(net, backend="auto", **options):
    """A hand-designed optimizer, as make("Adam", learning_rate=0.01)."""
    return _backend(backend).Optimizer.make(net, options)


def as_optimizer(given):
    """An optimizer as it is, or the one that `load` finds."""
    return given if hasattr(given, "init") else load(given)
