"""Inner steps of evolution strategies for Celo2 in plain JAX, to be timed in turn with l2l-bench inner.

Reads lines from standard input; each runs one window of 50 steps of all particles, both walkers, and
prints the inner steps a second. The best of several numbers of particles is chosen first. Data have the
shapes of 8 x 8 images; their values don't matter here. Gradient, features, perceptron, Newton-Schulz and
update are one jitted scan, vmapped over particles and walkers.
"""

import argparse
import os
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--particles", type=int, default=0, help="else the fastest of 1, 4, 8, 16, 32")
arguments = parser.parse_args()
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-arguments.threads:])

import jax
import jax.numpy as jnp
import numpy as np

jax.config.update("jax_platforms", "cpu")
WINDOW, BATCH, SIGMA, RATE = 50, 64, 0.01, 0.001
random = np.random.default_rng(0)
IMAGES = jnp.asarray(random.random((4000, 64), np.float32))
LABELS = jnp.asarray(random.integers(0, 10, 4000))
SHAPES = {"w0": (64, 32), "b0": (32,), "w1": (32, 10), "b1": (10,)}
MOMENTUM = jnp.array([0.9, 0.99, 0.999])


def loss(p, rows):
    logits = jax.nn.relu(IMAGES[rows] @ p["w0"] + p["b0"]) @ p["w1"] + p["b1"]
    return -jnp.mean(jax.nn.log_softmax(logits)[jnp.arange(BATCH), LABELS[rows]])


def initial_state():
    def matrix(shape):
        return {"m": jnp.zeros(shape + (3,)), "v": jnp.zeros(shape), "r": jnp.zeros((shape[1], 3)),
                "c": jnp.zeros((shape[0], 3))}
    return {name: matrix(shape) if len(shape) == 2 else {"m": jnp.zeros(shape), "v": jnp.zeros(shape)}
            for name, shape in SHAPES.items()}


def normalized(x):
    return x * jax.lax.rsqrt(1e-9 + jnp.mean(x * x, axis=(0, 1), keepdims=True))


def orthogonalized(x):
    flip = x.shape[0] > x.shape[1]
    x = x.T if flip else x
    x = x / (jnp.linalg.norm(x) + 1e-8)
    for _ in range(5):
        a = x @ x.T
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return x.T if flip else x


def learned(theta, g, p, s):
    g = jnp.clip(g, -1000, 1000)
    m = s["m"] * MOMENTUM + (1 - MOMENTUM) * g[..., None]
    v = 0.95 * s["v"] + 0.05 * g * g
    q = g * g + 1e-30
    # The largest dimension is reduced in r, the second largest in c; here rows > columns always.
    r = s["r"] * MOMENTUM + (1 - MOMENTUM) * jnp.mean(q, axis=0)[:, None]
    c = s["c"] * MOMENTUM + (1 - MOMENTUM) * jnp.mean(q, axis=1)[:, None]
    row = jax.lax.rsqrt(jnp.maximum(r / (jnp.mean(r, axis=0) + 1e-9), 1e-9))[None]
    column = jax.lax.rsqrt(jnp.maximum(c, 1e-9))[:, None]
    scale = jax.lax.rsqrt(v + 1e-8)[..., None]
    shape = g.shape + (3,)
    rows, columns = jnp.broadcast_to(r[None], shape), jnp.broadcast_to(c[:, None], shape)
    e = g[..., None]
    features = jnp.concatenate(
        [e, jnp.clip(e, -0.1, 0.1), p[..., None], m, v[..., None], m * scale, scale, e * row * column,
         e * scale, rows, columns, jax.lax.rsqrt(rows + 1e-8), jax.lax.rsqrt(columns + 1e-8),
         m * row * column], axis=-1)
    x = normalized(features)
    x = jax.nn.relu(x @ theta["w0"] + theta["b0"])
    x = jax.nn.relu(x @ theta["w1"] + theta["b1"])
    direction = orthogonalized((x @ theta["w2"] + theta["b2"])[..., 0])
    return p - RATE * normalized(direction), {"m": m, "v": v, "r": r, "c": c}


def adam(g, p, s):
    m, v = 0.9 * s["m"] + 0.1 * g, 0.95 * s["v"] + 0.05 * g * g
    return p - 20 * RATE * m * jax.lax.rsqrt(v + 1e-8), {"m": m, "v": v}


def walk(theta, p, state, keys):
    def step(carry, key):
        p, state = carry
        rows = jax.random.randint(key, (BATCH,), 0, IMAGES.shape[0])
        value, gradient = jax.value_and_grad(loss)(p, rows)
        stepped = {name: learned(theta, gradient[name], p[name], state[name]) if p[name].ndim == 2
                   else adam(gradient[name], p[name], state[name]) for name in p}
        return ({name: pair[0] for name, pair in stepped.items()},
                {name: pair[1] for name, pair in stepped.items()}), value

    carry, values = jax.lax.scan(step, (p, state), keys)
    return carry, jnp.mean(values)


def draw(key, tree):
    leaves, structure = jax.tree.flatten(tree)
    keys = jax.random.split(key, len(leaves))
    return structure.unflatten(
        [SIGMA * jax.random.normal(k, leaf.shape) for k, leaf in zip(keys, leaves)])


def window(theta, particle, key):
    perturbation = draw(key, theta)
    keys = jax.random.split(key, WINDOW)
    sides = [walk(jax.tree.map(lambda t, e: t + sign * e, theta, perturbation), *walker, keys)
             for sign, walker in zip((1, -1), particle["walkers"])]
    total = jax.tree.map(jnp.add, particle["sum"], perturbation)
    factor = (sides[0][1] - sides[1][1]) / (2 * SIGMA**2)
    return {"walkers": tuple(side[0] for side in sides), "sum": total}, jax.tree.map(
        lambda x: x * factor, total)


def start(theta, key):
    keys = jax.random.split(key, len(SHAPES))
    p = {name: jax.random.normal(k, shape) * (shape[0] ** -0.5 if len(shape) == 2 else 0)
         for k, (name, shape) in zip(keys, SHAPES.items())}
    walker = (p, initial_state())
    return {"walkers": (walker, walker), "sum": jax.tree.map(jnp.zeros_like, theta)}


@jax.jit
def meta_step(theta, particles, key):
    keys = jax.random.split(key, jax.tree.leaves(particles)[0].shape[0])
    particles, gradients = jax.vmap(window, in_axes=(None, 0, 0))(theta, particles, keys)
    mean = jax.tree.map(lambda g: jnp.mean(g, axis=0), gradients)
    return jax.tree.map(lambda t, g: t - 1e-5 * jnp.sign(g), theta, mean), particles


def weights():
    sizes = [30, 8, 8, 3]
    theta = {}
    for layer in range(3):
        deviation = sizes[layer] ** -0.5
        theta[f"w{layer}"] = jnp.asarray(
            random.normal(0, deviation, (sizes[layer], sizes[layer + 1])).astype(np.float32))
        theta[f"b{layer}"] = jnp.zeros(sizes[layer + 1])
    return theta


class Run:
    def __init__(self, count):
        self.count, self.steps = count, 0
        self.theta = weights()
        self.particles = jax.vmap(start, in_axes=(None, 0))(
            self.theta, jax.random.split(jax.random.key(0), count))
        self.speed()

    def speed(self):
        """Inner steps a second of one meta-step."""
        self.steps += 1
        begin = time.perf_counter()
        self.theta, self.particles = jax.block_until_ready(
            meta_step(self.theta, self.particles, jax.random.key(self.steps)))
        return 2 * self.count * WINDOW / (time.perf_counter() - begin)


counts = [arguments.particles] if arguments.particles else [1, 4, 8, 16, 32]
runs = [Run(count) for count in counts]
best = max(runs, key=lambda run: max(run.speed() for _ in range(3)))
print(f"jax: {best.count} particles", file=sys.stderr, flush=True)
print("ready", flush=True)
for line in sys.stdin:
    print(best.speed(), flush=True)
