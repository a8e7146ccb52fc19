#!/usr/bin/env python3
"""Microseconds that a step takes from Python on so few numbers that the step itself is nothing.

    overhead.py [--most MICROSECONDS]     the best of 100 rounds of 100 calls; exit code 1 above the most (20)

Needs NumPy and the library (Scripts/build-library). Run it on a machine that is calm.
"""

import argparse
import sys
import time

import l2l
import numpy


def microseconds(shapes):
    state = l2l.make("Sgd", learning_rate=0.01).init(shapes)
    parameters = [numpy.ones(shape, numpy.float32) for shape in shapes]
    gradients = [numpy.ones(shape, numpy.float32) for shape in shapes]
    best = float("inf")
    for _ in range(100):
        start = time.perf_counter()
        for _ in range(100):
            state.step(parameters, gradients)
        best = min(best, time.perf_counter() - start)
    return best / 100 * 1e6


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--most", type=float, default=20)
    most = parser.parse_args().most
    worst = 0
    for shapes in ([(1,)], [(2, 2), (2,), (2, 2), (2,)]):
        time_of_call = microseconds(shapes)
        worst = max(worst, time_of_call)
        print(f"overhead: a call with {len(shapes)} array{'s' * (len(shapes) > 1)} takes {time_of_call:.1f} us")
    return 0 if worst <= most else 1


if __name__ == "__main__":
    sys.exit(main())
