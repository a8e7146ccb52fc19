"""Learned optimizers: steps arrays with what `l2l train` has saved.

    optimizer = l2l.load("mnist")
    state = optimizer.init([weights, biases])
    state.step([weights, biases], [weights_gradient, biases_gradient], loss=loss)

`l2l.torch` and `l2l.optax` are imported on demand.
"""

from ._errors import Error
from ._loading import load, loads, make, pretrained

__all__ = ["Error", "load", "loads", "make", "pretrained"]
