"""The loop of l2l in plain JAX, to be timed in turn with it by Scripts/bench --peers.

Reads lines from standard input; each runs one epoch (100 steps in unrolls of 20) and prints its
seconds and the process's peak memory in MB. Data have MNIST's shapes; their values don't matter here.

Of the ways to write the unroll (activations kept or recomputed, steps compiled one by one or as a
loop) the fastest is chosen first, in processes of their own: memory is that of the one that counts.
"""

import argparse
import functools
import os
import resource
import subprocess
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--problem", choices=["mnist", "quadratic"], default="mnist")
parser.add_argument("--mode", choices=["train", "second", "evaluate"], default="train")
parser.add_argument("--optimizees", type=int, default=1)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument(
    "--variant", choices=["", "keep", "unrolled", "keep,unrolled", "recompute"], default="",
    help="one way to write the unroll; else the fastest is found")
arguments = parser.parse_args()


def fastest_variant():
    """The variant with the best of two epochs; those that fail, as by memory, are out."""
    variants = ["recompute", "unrolled"] if arguments.mode == "evaluate" else [
        "recompute", "keep", "unrolled", "keep,unrolled"]
    times = {}
    for variant in variants:
        run = subprocess.run(
            [sys.executable, *sys.argv, "--variant", variant], input="go\ngo\n", text=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        lines = run.stdout.split("\n")
        if run.returncode == 0 and lines[0] == "ready":
            times[variant] = min(float(line.split()[0]) for line in lines[1:3])
    return min(times, key=times.get) if times else "recompute"


if not arguments.variant:
    arguments.variant = fastest_variant()
    print(f"jax: {arguments.variant}", file=sys.stderr, flush=True)
VARIANT = arguments.variant.split(",")

# XLA sizes its thread pool by the processors that the process may run on.
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-arguments.threads:])

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_platforms", "cpu")
STEPS, UNROLL, UNITS = 100, 20, 20
random = np.random.default_rng(0)

# MARK: The optimizee

if arguments.problem == "mnist":
    IMAGES = jnp.asarray(random.integers(0, 256, (4000, 784)).astype(np.uint8))
    LABELS = jnp.asarray(random.integers(0, 10, 4000))
    SHAPES = [(784, 20), (20,), (20, 10), (10,)]
else:
    SHAPES = [(128, 10)]
SIZES = [int(np.prod(shape)) for shape in SHAPES]
COUNT = sum(SIZES)


def split(theta):
    parts = jnp.split(theta, np.cumsum(SIZES)[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, SHAPES)]


def loss(theta, constants, key):
    if arguments.problem == "quadratic":
        w, y = constants
        (x,) = split(theta)
        return jnp.mean(jnp.sum((jnp.einsum("bij,bj->bi", w, x) - y) ** 2, axis=1))
    w0, b0, w1, b1 = split(theta)
    rows = jax.random.randint(key, (128,), 0, IMAGES.shape[0])
    images = IMAGES[rows].astype(jnp.float32) / 255
    logits = jax.nn.sigmoid(images @ w0 + b0) @ w1 + b1
    return -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(128), LABELS[rows]])


def reset(key):
    keys = jax.random.split(key, 3)
    constants = (jax.random.uniform(keys[1], (128, 10, 10)), jax.random.uniform(keys[2], (128, 10)))
    return 0.01 * jax.random.normal(keys[0], (COUNT,)), constants


# MARK: The optimizer

INPUTS = 2 if arguments.problem == "mnist" else 1
SCALE = 0.01 if arguments.problem == "mnist" else 1.0


def initial_weights():
    def layer(inputs):
        deviation = (inputs + UNITS) ** -0.5
        return (random.normal(0, deviation, (inputs + UNITS, 4 * UNITS)).astype(np.float32),
                np.zeros(4 * UNITS, np.float32))
    linear = (random.normal(0, UNITS ** -0.5, (UNITS, 1)).astype(np.float32), np.zeros(1, np.float32))
    return jax.tree.map(jnp.asarray, (layer(INPUTS), layer(UNITS), linear))


def preprocess(gradient):
    if INPUTS == 1:
        return gradient[:, None]
    logarithm = jnp.log(jnp.abs(gradient) + 1.1920929e-07) / 5
    return jnp.stack([jnp.maximum(logarithm, -1), jnp.clip(gradient * np.exp(5.0), -1, 1)], axis=1)


def cell(weights, inputs, state):
    h, c = state
    i, j, f, o = jnp.split(jnp.concatenate([inputs, h], axis=1) @ weights[0] + weights[1], 4, axis=1)
    c = c * jax.nn.sigmoid(f + 1) + jax.nn.sigmoid(i) * jnp.tanh(j)
    return jnp.tanh(c) * jax.nn.sigmoid(o), c


def net(weights, gradient, state):
    first = cell(weights[0], preprocess(gradient), state[0])
    second = cell(weights[1], first[0], state[1])
    return SCALE * (second[0] @ weights[2][0] + weights[2][1])[:, 0], (first, second)


def initial_state():
    zeros = jnp.zeros((COUNT, UNITS))
    return ((zeros, zeros), (zeros, zeros))


# MARK: The unroll and the epoch

step_net = net if "keep" in VARIANT or arguments.mode == "evaluate" else jax.checkpoint(net)


def unroll(weights, theta, state, constants, key):
    keys = jax.random.split(key, UNROLL + 1)

    def step(carry, key):
        theta, state = carry
        value, gradient = jax.value_and_grad(loss)(theta, constants, key)
        if arguments.mode != "second":
            gradient = jax.lax.stop_gradient(gradient)
        update, state = step_net(weights, gradient, state)
        return (theta + update, state), value

    (theta, state), values = jax.lax.scan(
        step, (theta, state), keys[:-1], unroll=UNROLL if "unrolled" in VARIANT else 1)
    last = loss(theta, constants, keys[-1])
    return jnp.sum(values) + last, (theta, state, last)


def batch(function):
    """Over optimizees: weights are shared, all else is an optimizee's own."""
    return jax.vmap(function, in_axes=(None, 0, 0, 0, 0))


def meta_loss(weights, theta, state, constants, keys):
    losses, rest = batch(unroll)(weights, theta, state, constants, keys)
    return jnp.mean(losses), rest


@functools.partial(jax.jit, donate_argnums=(0, 1, 2, 3))
def meta_step(weights, moments, theta, state, constants, keys, count):
    (_, rest), gradients = jax.value_and_grad(meta_loss, has_aux=True)(
        weights, theta, state, constants, keys)
    rate = 0.001 * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
    first = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, moments[0], gradients)
    second = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, moments[1], gradients)
    weights = jax.tree.map(
        lambda w, m, v: w - rate * m / (jnp.sqrt(v) + 1e-8), weights, first, second)
    return weights, (first, second), rest


@functools.partial(jax.jit, donate_argnums=(1, 2))
def run_unroll(weights, theta, state, constants, keys):
    return batch(unroll)(weights, theta, state, constants, keys)[1]


start = jax.jit(jax.vmap(lambda key: (*reset(key), initial_state())))
weights = initial_weights()
moments = (jax.tree.map(jnp.zeros_like, weights), jax.tree.map(jnp.zeros_like, weights))
count = 0


def epoch(key):
    global weights, moments, count
    key, start_key = jax.random.split(key)
    theta, constants, state = start(jax.random.split(start_key, arguments.optimizees))
    for index in range(STEPS // UNROLL):
        keys = jax.random.split(jax.random.fold_in(key, index), arguments.optimizees)
        if arguments.mode == "evaluate":
            theta, state, last = run_unroll(weights, theta, state, constants, keys)
        else:
            count += 1
            weights, moments, (theta, state, last) = meta_step(
                weights, moments, theta, state, constants, keys, float(count))
    return jax.block_until_ready(last)


epoch(jax.random.key(0))
print("ready", flush=True)
for number, _ in enumerate(sys.stdin):
    begin = time.perf_counter()
    epoch(jax.random.key(number + 1))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{time.perf_counter() - begin:.6f} {memory:.0f}", flush=True)
