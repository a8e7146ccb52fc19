#!/usr/bin/env python3
"""A Celo2 of l2l, converted to flax's msgpack, steps in JAX as libl2l steps it: 20 steps to 1e-5.

    Scripts/peers/celo2_flax.py [--authors=CHECKOUT] [SAVED_CELO2.safetensors]

Needs jax and flax from PyPI, `Scripts/l2l build` and `Scripts/build-library`. Without a file it draws
weights. The transformation below follows the paper (arXiv 2602.19142) in jax.numpy, in float32, and takes
its weights from what flax.serialization reads. With --authors, the folder of a clone of the authors'
repository (amoudgl/celo), their own optax transformation steps instead, from their own reader of the
file; that needs dm-haiku and optax too.
"""

import argparse
import importlib.util
import pathlib
import subprocess
import sys
import tempfile

import flax.serialization
import jax
import jax.numpy as jnp
import numpy

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "Sources" / "python"), str(ROOT / "Tests" / "python")]
import l2l  # noqa: E402
import nets  # noqa: E402

MOMENTUM, RMS, FACTORED = jnp.array([0.9, 0.99, 0.999]), 0.95, jnp.array([0.9, 0.99, 0.999])


def normalized(x):
    return x * jax.lax.rsqrt(1e-9 + jnp.mean(x * x, (-2, -1), keepdims=True))


def orthogonalized(x):
    transposes = x.shape[-2] > x.shape[-1]
    x = jnp.swapaxes(x, -1, -2) if transposes else x
    x = x / (jnp.linalg.norm(x, axis=(-2, -1), keepdims=True) + 1e-8)
    for _ in range(5):
        a = x @ jnp.swapaxes(x, -1, -2)
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return jnp.swapaxes(x, -1, -2) if transposes else x


def start(p):
    return {"m": jnp.zeros((3,) + p.shape), "v": jnp.zeros(p.shape),
            "r": jnp.zeros((3, p.shape[1 - large(p)])), "c": jnp.zeros((3, p.shape[large(p)]))}


def large(p):
    """The larger axis of a matrix; of equal ones the later."""
    return 0 if p.shape[0] > p.shape[1] else 1


def step(theta, p, g, state, rate):
    """One step of a matrix."""
    big, small = large(p), 1 - large(p)
    lift = lambda decays, rank: decays.reshape((3,) + (1,) * rank)
    g = jnp.clip(g, -1000, 1000)
    m = lift(MOMENTUM, 2) * state["m"] + (1 - lift(MOMENTUM, 2)) * g
    v = RMS * state["v"] + (1 - RMS) * g * g
    q = g * g + 1e-30
    r = lift(FACTORED, 1) * state["r"] + (1 - lift(FACTORED, 1)) * q.mean(big)
    c = lift(FACTORED, 1) * state["c"] + (1 - lift(FACTORED, 1)) * q.mean(small)
    row, column = jnp.expand_dims(r, 1 + big), jnp.expand_dims(c, 1 + small)
    factor = jax.lax.rsqrt(jnp.maximum(row / (r.mean(1)[:, None, None] + 1e-9), 1e-9)) \
        * jax.lax.rsqrt(jnp.maximum(column, 1e-9))
    s = jax.lax.rsqrt(v + 1e-8)
    whole = (3,) + p.shape
    row, column = jnp.broadcast_to(row, whole), jnp.broadcast_to(column, whole)
    groups = [g[None], jnp.clip(g, -0.1, 0.1)[None], p[None], m, v[None], m * s, s[None], g * factor, (g * s)[None],
              row, column, jax.lax.rsqrt(row + 1e-8), jax.lax.rsqrt(column + 1e-8), m * factor]
    x = sum(jnp.einsum("kij,kh->ijh", normalized(group), theta[f"w0__{index}"]) for index, group in enumerate(groups))
    x = jax.nn.relu(x + theta["b0"])
    x = jax.nn.relu(x @ theta["w1"] + theta["b1"])
    direction = (x @ theta["w2"] + theta["b2"])[..., 0]
    return p - rate * normalized(orthogonalized(direction)), {"m": m, "v": v, "r": r, "c": c}


def stepped_here(theta_file):
    """The transformation above: functions that start and that step a matrix."""
    theta = flax.serialization.msgpack_restore(theta_file.read_bytes())["ff_mod_stack"]["~"]
    jitted = jax.jit(step)
    return start, lambda p, g, state, rate: jitted(theta, p, g, state, rate)


def stepped_by_authors(theta_file, checkout):
    """The same by the authors' program."""
    path = pathlib.Path(checkout) / "celo" / "optimizers" / "celo2_optax.py"
    if not path.is_file():
        sys.exit(f"celo2_flax: error: there is no {path}; clone the authors' repository and name its folder")
    spec = importlib.util.spec_from_file_location("celo2_optax", path)
    program = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(program)
    transformation = program.scale_by_celo2(program.load_checkpoint(str(theta_file)))

    @jax.jit
    def jitted(p, g, state, rate):
        direction, state = transformation.update(g, state, p)
        return p - rate * direction, state

    return transformation.init, jitted


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("saved", nargs="?")
    arguments.add_argument("--authors", metavar="CHECKOUT")
    arguments = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        saved, theta_file = pathlib.Path(folder) / "celo2.safetensors", pathlib.Path(folder) / "theta.state"
        given = pathlib.Path(arguments.saved).read_bytes() if arguments.saved else nets.saved("Celo2")
        saved.write_bytes(given)
        subprocess.run([str(ROOT / "Scripts" / "l2l"), "convert", str(saved), str(theta_file)], check=True)
        init, update = (
            stepped_by_authors(theta_file, arguments.authors) if arguments.authors else stepped_here(theta_file)
        )
        optimizer = l2l.load(saved)
    random = numpy.random.default_rng(0)
    target = {shape: random.standard_normal(shape).astype(numpy.float32) for shape in [(32, 20), (20, 10), (16, 16)]}
    ours = {shape: (random.standard_normal(shape) / 10).astype(numpy.float32) for shape in target}
    theirs = {shape: jnp.asarray(p) for shape, p in ours.items()}
    states = {shape: init(p) for shape, p in theirs.items()}
    own = optimizer.init(list(target))
    own.set_option("learning_rate", 0.001)
    own.set_option("weight_decay", 0.0)
    # Ours alone, and nothing that the converted file could say.
    own.set_option("graft", 0.0)
    worst = 0.0
    for _ in range(20):
        gradients = {shape: 2 * (numpy.asarray(theirs[shape]) - goal) / goal.size for shape, goal in target.items()}
        own.step([ours[shape] for shape in target], [gradients[shape].astype(numpy.float32) for shape in target])
        for shape in target:
            gradient = jnp.asarray(gradients[shape], jnp.float32)
            theirs[shape], states[shape] = update(theirs[shape], gradient, states[shape], 0.001)
            worst = max(worst, float(numpy.abs(numpy.asarray(theirs[shape]) - ours[shape]).max()))
    print(f"celo2: 20 steps, largest difference of parameters {worst:.1e}")
    return 0 if worst < 1e-5 else 1


if __name__ == "__main__":
    sys.exit(main())
