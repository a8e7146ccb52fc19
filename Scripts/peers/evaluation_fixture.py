#!/usr/bin/env python3
"""Writes Tests/ComparisonTests/Fixtures/evaluation.json: what rliable and optax make of given numbers.

    python3 -m venv venv && venv/bin/pip install rliable "pandas<3" optax "jax[cpu]"
    venv/bin/python Scripts/peers/evaluation_fixture.py

rliable's bootstrap takes its draws from NumPy. To compare intervals and not just their kind, its
resampling is given the draws of `RandomStream` here, which are written out once more in Python.
"""

import json
import pathlib
from importlib.metadata import version

import jax.numpy as jnp
import numpy as np
import optax
from rliable import library, metrics

MASK = 0xFFFFFFFF
BOOTSTRAP = 14  # RandomStream.Purpose.bootstrap
RESAMPLES = 2000


def philox(counter, key):
    c, k = list(counter), list(key)
    for _ in range(10):
        p, q = c[0] * 0xD2511F53, c[2] * 0xCD9E8D57
        c = [(q >> 32) ^ c[1] ^ k[0], q & MASK, (p >> 32) ^ c[3] ^ k[1], p & MASK]
        k = [(k[0] + 0x9E3779B9) & MASK, (k[1] + 0xBB67AE85) & MASK]
    return c


class Stream:
    """The stream of a seed, purpose and epoch."""

    def __init__(self, seed, purpose, epoch):
        wide = (1 << 64) - 1
        z = (seed + 1 + purpose * 0x9E3779B97F4A7C15) & wide
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & wide
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & wide
        z ^= z >> 31
        self.key = (z & MASK, z >> 32)
        self.counter = [0, 0, 0, epoch]
        self.left = []

    def bits(self):
        if not self.left:
            self.left = philox(self.counter, self.key)
            self.counter[0] += 1
        return self.left.pop(0)

    def below(self, bound):
        while True:
            product = self.bits() * bound
            low = product & MASK
            if low >= bound or low >= (1 << 32) % bound:
                return product >> 32


class KeyedBootstrap(library.StratifiedBootstrap):
    """rliable's stratified bootstrap with the draws of our streams."""

    seed = 0

    def update_indices(self):
        stream = Stream(self.seed, BOOTSTRAP, self.epoch)
        self.epoch += 1
        runs, tasks = self._args_shape
        picked = np.empty((runs, tasks), dtype=int)
        for task in range(tasks):
            for run in range(runs):
                picked[run, task] = stream.below(runs)
        return (picked, *self._strata_indices)


def keyed(seed):
    """The class with a seed, as rliable makes it from scores."""

    class Seeded(KeyedBootstrap):
        def __init__(self, *args, **kwargs):
            self._args_shape = args[0].shape[:2]
            self.seed = seed
            self.epoch = 0
            super().__init__(*args, **kwargs)
            self.epoch = 0

    return Seeded


def statistics():
    random = np.random.default_rng(7)
    cases = []
    for tasks, runs, seed in [(1, 2, 0), (3, 4, 5), (10, 3, 1), (18, 5, 123456789)]:
        scores = np.round(np.exp(random.normal(size=(runs, tasks))), 6)
        scores[0, 0] = 0.0
        taus = [0.0, 0.25, 0.5, 1.0, 2.0, 4.0]
        plain = library.StratifiedBootstrap
        np.random.seed(0)
        iqm, own = library.get_interval_estimates(
            {"x": scores}, lambda x: np.array([metrics.aggregate_iqm(x)]), reps=RESAMPLES)
        library.StratifiedBootstrap = keyed(seed)
        _, interval = library.get_interval_estimates(
            {"x": scores}, lambda x: np.array([metrics.aggregate_iqm(x)]), reps=RESAMPLES)
        shares, share_intervals = library.create_performance_profile(
            {"x": scores}, np.array(taus), reps=RESAMPLES)
        library.StratifiedBootstrap = plain
        cases.append({
            "seed": seed, "scores": scores.T.tolist(), "iqm": float(iqm["x"][0]),
            "interval": interval["x"][:, 0].tolist(),
            "interval_with_numpy": own["x"][:, 0].tolist(), "taus": taus,
            "profile": shares["x"].tolist(),
            "profile_low": share_intervals["x"][0].tolist(),
            "profile_high": share_intervals["x"][1].tolist(),
        })
    return cases


def schedules():
    def after(warm, form):
        return form if warm == 0 else optax.join_schedules(
            [optax.linear_schedule(0.0, 1.0, warm), form], [warm])

    cases = []
    for count, share in [(10, 0.0), (40, 0.05), (100, 0.25), (7, 0.5)]:
        warm = int(np.floor(share * count + 0.5))
        start = max(warm, 1)
        forms = {
            "constant": optax.constant_schedule(1.0),
            "cosine": optax.cosine_decay_schedule(1.0, count - warm),
            "exponential": optax.exponential_decay(1.0, count - warm, 0.01),
            "inverse-root": lambda step, warm=warm, start=start: jnp.sqrt(
                start / jnp.maximum(step + warm, start)),
        }
        for name, form in forms.items():
            schedule = after(warm, form)
            cases.append({
                "form": name, "steps": count, "warmup": share,
                "factors": [float(schedule(step)) for step in range(count)],
            })
    return cases


def trajectories():
    """Parameters of three numbers under optimizers with schedules, for gradients a (x - b)."""
    a, b = jnp.array([1.0, 4.0, 0.25]), jnp.array([1.0, -2.0, 3.0])
    count = 20
    schedule = optax.join_schedules(
        [optax.linear_schedule(0.0, 0.1, 5), optax.cosine_decay_schedule(0.1, count - 5)], [5])
    rules = {
        "Adam": optax.adam(schedule, b1=0.8),
        "AdamW": optax.adamw(schedule, b1=0.8, weight_decay=0.03),
        "Lion": optax.lion(schedule, b1=0.8, weight_decay=0.03),
        "Momentum": optax.sgd(schedule, momentum=0.8),
        "NAG": optax.sgd(schedule, momentum=0.8, nesterov=True),
    }
    cases = []
    for name, rule in rules.items():
        x = jnp.zeros(3)
        state = rule.init(x)
        for _ in range(count):
            updates, state = rule.update(a * (x - b), state, x)
            x = optax.apply_updates(x, updates)
        cases.append({
            "optimizer": name, "rate": 0.1, "momentum": 0.8, "weight_decay": 0.03, "steps": count,
            "schedule": "cosine+0.25", "final": [float(value) for value in x],
        })
    return cases


if __name__ == "__main__":
    path = pathlib.Path(__file__).parents[2] / "Tests/ComparisonTests/Fixtures/evaluation.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({
        "made_by": "Scripts/peers/evaluation_fixture.py with "
        + ", ".join(f"{name} {version(name)}" for name in ["rliable", "optax", "jax", "numpy"]),
        "statistics": statistics(), "schedules": schedules(), "trajectories": trajectories(),
    }, indent=1) + "\n")
