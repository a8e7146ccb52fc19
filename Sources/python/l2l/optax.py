"""Learned optimizers as gradient transformations of optax."""

import threading
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy
import optax

from ._loading import as_optimizer


class State(NamedTuple):
    """The state: the bytes of a saved one, so that it can be copied, compared and written like any array."""

    saved: jax.Array


def transformation(optimizer, learning_rate=None, planned_steps=None):
    """An optimizer of l2l as an `optax.GradientTransformationExtraArgs`.

        transformation = l2l.optax.transformation("pretrained:celo2", learning_rate=1e-3)
        state = transformation.init(params)
        updates, state = transformation.update(grads, state, params, value=loss)
        params = optax.apply_updates(params, updates)

    optimizer: what `l2l.load` gives, or what it takes: a path, or "pretrained:celo2".
    learning_rate: a number, or a schedule of optax; None leaves it as it was trained or saved.
    planned_steps: how many steps there will be, for optimizers that look at progress.

    `value` is the loss, needed by optimizers that look at it. It runs on the host, within `jax.jit` too.
    Updates are differences of parameters: applying them rounds once more, by half an ulp of the parameter.
    """
    learned = as_optimizer(optimizer)
    local = threading.local()

    def state_of(shapes):
        # A state is used by one thread at a time, and all it holds is restored before each step.
        states = local.__dict__.setdefault("states", {})
        if shapes not in states:
            states[shapes] = learned.init(list(shapes), planned_steps)
        return states[shapes]

    def shapes_of(leaves):
        return tuple(tuple(leaf.shape) for leaf in leaves)

    def init(params):
        state = state_of(shapes_of(jax.tree_util.tree_leaves(params)))
        state.reset()
        return State(jnp.asarray(numpy.frombuffer(state.save(), numpy.uint8)))

    def step(saved, loss, params, gradients):
        params = [numpy.asarray(leaf, numpy.float32) for leaf in params]
        state = state_of(shapes_of(params))
        state.restore(numpy.asarray(saved).tobytes())
        if learning_rate is not None:
            rate = learning_rate(state.step_count) if callable(learning_rate) else learning_rate
            state.set_option("learning_rate", float(rate))
        moved = [numpy.array(leaf, order="C") for leaf in params]
        state.step(moved, [numpy.ascontiguousarray(leaf, numpy.float32).reshape(leaf.shape) for leaf in gradients],
                   None if loss is None else float(loss))
        return [new - old for new, old in zip(moved, params)], numpy.frombuffer(state.save(), numpy.uint8)

    def update(updates, state, params=None, *, value=None, **extra):
        if params is None:
            raise ValueError("l2l needs the parameters: update(grads, state, params)")
        leaves, structure = jax.tree_util.tree_flatten(updates)
        results = ([jax.ShapeDtypeStruct(leaf.shape, jnp.float32) for leaf in leaves],
                   jax.ShapeDtypeStruct(state.saved.shape, jnp.uint8))
        moved, saved = jax.pure_callback(
            step, results, state.saved, value, jax.tree_util.tree_leaves(params), leaves, vmap_method="sequential")
        return jax.tree_util.tree_unflatten(structure, moved), State(saved)

    return optax.GradientTransformationExtraArgs(init, update)
