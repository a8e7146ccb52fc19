"""Optimizers in NumPy alone, for where there is no library: equal to it up to rounding.

Steps are computed in float64 and kept as float32. States are saved as the library saves them.
"""

import json
import math
import os

import numpy

from . import _perceptrons, _recurrent, _safetensors
from ._arrays import addresses, as_shapes
from ._errors import Error

_RULES = {**_perceptrons.RULES, **_recurrent.RULES}


def _checked(rule, arrays):
    weights = {}
    for name, shape in rule.weight_shapes().items():
        if name not in arrays:
            raise Error(Error.FORMAT, f"weight '{name}' is missing; there are {', '.join(arrays)}")
        if arrays[name].shape != shape:
            raise Error(Error.FORMAT, f"weight '{name}' has shape {arrays[name].shape}, not {shape}")
        if not numpy.isfinite(arrays[name]).all():
            raise Error(Error.FORMAT, f"weight '{name}' holds NaN or infinity")
        weights[name] = arrays[name].astype(numpy.float64)
    for name in arrays:
        if name not in weights:
            raise Error(Error.FORMAT, f"weight '{name}' is nothing of the net")
    return weights


class Optimizer:
    """A trained optimizer. Made by `load`, `loads`."""

    def __init__(self, content, what="these bytes"):
        arrays, self.metadata = _safetensors.read(content)
        if "kind" in self.metadata:
            raise Error(Error.FORMAT, f"{what} is no optimizer but a file of the kind '{self.metadata['kind']}'")
        self.net = self.metadata.get("net", "CoordinateWiseDeepLSTM")
        if self.net not in _RULES:
            raise Error(Error.NAME, f"{self.net} needs libl2l: NumPy has {', '.join(sorted(_RULES))}; "
                        "run Scripts/build-library")
        try:
            given = json.loads(self.metadata.get("net_options", "{}"))
            self._rule = _RULES[self.net](given, arrays)
        except (ValueError, TypeError, AttributeError) as fault:
            raise Error(Error.FORMAT, f"the net's options can't be used: {fault}") from None
        self._weights = _checked(self._rule, arrays)
        self.options = self._rule.options
        self.inputs = frozenset(self._rule.inputs)
        self.weight_count = sum(weight.size for weight in self._weights.values())

    @classmethod
    def load(cls, path, name):
        path = os.fspath(path)
        if os.path.isdir(path):
            suffix = ".safetensors"
            names = sorted(entry[:-len(suffix)] for entry in os.listdir(path)
                           if entry.endswith(suffix) and not entry.endswith(".training-state" + suffix))
            if not names:
                raise Error(Error.FILE, f"'{path}' holds no saved optimizer")
            if name is None and len(names) > 1:
                raise Error(Error.NAME, f"'{path}' holds several optimizers, name one of {', '.join(names)}")
            if name is not None and name not in names:
                raise Error(Error.NAME, f"'{path}' has no optimizer '{name}', only {', '.join(names)}")
            path = os.path.join(path, (name or names[0]) + suffix)
        elif name is not None:
            raise Error(Error.ARGUMENT, f"'{path}' is a file, of which there are no names")
        try:
            with open(path, "rb") as file:
                return cls(file.read(), f"'{path}'")
        except OSError as fault:
            raise Error(Error.FILE, f"'{path}' can't be read: {fault.strerror}") from None

    @classmethod
    def read(cls, content):
        return cls(bytes(content))

    @classmethod
    def pretrained(cls, name):
        raise Error(Error.NAME, f"the optimizer '{name}' is inside libl2l: run Scripts/build-library")

    @classmethod
    def make(cls, net, options):
        raise Error(Error.NAME, f"{net} needs libl2l: run Scripts/build-library")

    def init(self, arrays, planned_steps=None):
        """The state of these arrays, or of arrays of these shapes, before the first step."""
        return State(self, as_shapes(arrays), planned_steps)

    def __repr__(self):
        return f"<l2l optimizer {self.net}, {self.weight_count} weights, in NumPy>"


class State:
    """What an optimizer remembers of some arrays."""

    def __init__(self, optimizer, shapes, planned_steps=None):
        self.optimizer, self.shapes = optimizer, shapes
        self.step_count = 0
        self._options = dict(optimizer.options)
        self._tensors = None
        for shape in shapes:
            if optimizer._rule.most_axes is not None and len(shape) > optimizer._rule.most_axes:
                raise Error(Error.SHAPE, f"{optimizer.net} can't step a tensor of shape {shape}: it needs at most "
                            f"{optimizer._rule.most_axes} axes")
        self.set_planned_steps(planned_steps)
        self.reset()

    def step(self, parameters, gradients, loss=None):
        """Adds one update to the parameters, float32 arrays, in place."""
        checked = [None] * len(self.shapes)
        addresses(parameters, self.shapes, checked, "parameters", writes=True)
        addresses(gradients, self.shapes, checked, "gradients", writes=False)
        if isinstance(parameters, numpy.ndarray):
            parameters = [parameters]
        if isinstance(gradients, numpy.ndarray):
            gradients = [gradients]
        if not all(numpy.isfinite(gradient).all() for gradient in gradients) \
                or loss is not None and not math.isfinite(loss):
            raise Error(Error.NOT_FINITE, f"a gradient or the loss is not finite at step {self.step_count}; "
                        "nothing was changed")
        with numpy.errstate(all="ignore"):
            updates, self._tensors = self.optimizer._rule.step(
                [p.astype(numpy.float64) for p in parameters], [g.astype(numpy.float64) for g in gradients],
                self._tensors, self.step_count, self._planned_steps, self.optimizer._weights, self._options)
        for parameter, update in zip(parameters, updates):
            parameter += update.astype(numpy.float32)
        self.step_count += 1
        if not all(numpy.isfinite(parameter).all() for parameter in parameters):
            raise Error(Error.DIVERGED, f"a parameter is NaN or infinite after step {self.step_count}")

    def set_planned_steps(self, count):
        """How many steps there will be, for schedules; None when it is not known."""
        if count is not None and count < 0:
            raise Error(Error.ARGUMENT, f"planned_steps is {count}; give None when the number is not known")
        self._planned_steps = count

    def set_option(self, name, value):
        """Changes a number among the options, as "learning_rate", for the steps to come."""
        options = {**self.optimizer._rule.more_defaults, **self._options}
        numbers = sorted(key for key, old in options.items() if isinstance(old, (int, float)))
        if name not in numbers:
            raise Error(Error.OPTION, f"{self.optimizer.net} has no option '{name}'; it takes {', '.join(numbers)}")
        if not math.isfinite(value):
            raise Error(Error.OPTION, f"option {name} of {self.optimizer.net} must be a finite number, not {value}")
        self._options[name] = value

    def reset(self):
        """Forgets all steps."""
        self.step_count = 0
        self._tensors = [numpy.zeros(shape, numpy.float32) for shape in self.optimizer._rule.state_shapes(self.shapes)]

    def save(self):
        """The state as bytes, a safetensors file."""
        arrays = {f"state/{index}": tensor for index, tensor in enumerate(self._tensors)}
        arrays["step"] = numpy.array([self.step_count], numpy.int64)
        return _safetensors.write(arrays, {"kind": "l2l stepper state", "net": self.optimizer.net})

    def restore(self, content):
        """Goes on from what `save` gave."""
        arrays, metadata = _safetensors.read(bytes(content))
        shapes = self.optimizer._rule.state_shapes(self.shapes)
        names = [f"state/{index}" for index in range(len(shapes))]
        if metadata.get("net") != self.optimizer.net or set(arrays) != set(names + ["step"]) \
                or any(arrays[name].shape != shape for name, shape in zip(names, shapes)):
            raise Error(Error.STATE, "the saved state does not fit this optimizer and these shapes")
        self._tensors = [arrays[name] for name in names]
        self.step_count = int(arrays["step"][0])
