"""The loop of l2l in plain PyTorch, to be timed in turn with it by Scripts/bench --peers.

Reads lines from standard input; each runs one epoch (100 steps in unrolls of 20) and prints its
seconds and the process's peak memory in MB. Data have MNIST's shapes; their values don't matter here.
"""

import argparse
import os
import resource
import sys
import time

parser = argparse.ArgumentParser()
parser.add_argument("--problem", choices=["mnist", "quadratic", "cifar"], default="mnist")
parser.add_argument("--mode", choices=["train", "second", "evaluate"], default="train")
parser.add_argument("--optimizees", type=int, default=1)
parser.add_argument("--threads", type=int, default=1)
arguments = parser.parse_args()

os.environ["OMP_NUM_THREADS"] = str(arguments.threads)
os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-arguments.threads:])

import numpy as np
import torch
from torch.nn import functional

torch.set_num_threads(arguments.threads)
torch.manual_seed(0)
STEPS, UNROLL, UNITS, OPTIMIZEES = 100, 20, 20, arguments.optimizees

# MARK: The optimizee. Its parameters are one vector [optimizees, COUNT].

if arguments.problem == "mnist":
    IMAGES = torch.randint(0, 256, (4000, 784), dtype=torch.uint8)
    SHAPES = [(784, 20), (20,), (20, 10), (10,)]
elif arguments.problem == "cifar":
    IMAGES = torch.randint(0, 256, (10000, 3, 32, 32), dtype=torch.uint8)
    SHAPES = []
    for inputs in (3, 16, 16):
        SHAPES += [(16, inputs, 5, 5), (16,), (16,)]
    SHAPES += [(256, 32), (32,), (32,), (32, 10), (10,)]
else:
    SHAPES = [(128, 10)]
if arguments.problem != "quadratic":
    LABELS = torch.randint(0, 10, (len(IMAGES),))
SIZES = [int(np.prod(shape)) for shape in SHAPES]
COUNT = sum(SIZES)


def normalize(values, offset, axes):
    variance, mean = torch.var_mean(values, dim=axes, correction=0, keepdim=True)
    shape = [1] * values.dim()
    shape[1] = -1
    return (values - mean) * torch.rsqrt(variance + 1e-3) + offset.reshape(shape)


def fused_normalize(values, offset):
    return functional.batch_norm(values, None, None, None, offset, training=True, eps=1e-3)


def loss(theta, constants):
    """The sum over optimizees: their gradients don't mix."""
    total = 0
    for index in range(OPTIMIZEES):
        parts = torch.split(theta[index], SIZES)
        parts = [part.reshape(shape) for part, shape in zip(parts, SHAPES)]
        if arguments.problem == "quadratic":
            w, y = constants[index]
            residual = torch.bmm(w, parts[0].unsqueeze(2)).squeeze(2) - y
            total = total + (residual**2).sum(1).mean()
            continue
        rows = torch.randint(0, len(IMAGES), (128,))
        values = IMAGES[rows].float() / 255
        if arguments.problem == "mnist":
            logits = torch.addmm(parts[3], torch.sigmoid(torch.addmm(parts[1], values, parts[0])),
                                 parts[2])
        else:
            values = values.contiguous(memory_format=torch.channels_last)
            for layer in range(3):
                w, b, offset = parts[3 * layer:3 * layer + 3]
                values = functional.conv2d(values, w, b, padding=2)
                values = functional.max_pool2d(torch.relu(fused_normalize(values, offset)), 2)
            w, b, offset = parts[9:12]
            values = torch.relu(fused_normalize(torch.addmm(b, values.flatten(1), w), offset))
            logits = torch.addmm(parts[13], values, parts[12])
        total = total + functional.cross_entropy(logits, LABELS[rows])
    return total


# MARK: The optimizer

NEURAL = arguments.problem != "quadratic"
INPUTS, SCALE = (2, 0.01) if NEURAL else (1, 1.0)
cells = [torch.nn.LSTMCell(INPUTS, UNITS), torch.nn.LSTMCell(UNITS, UNITS)]
linear = torch.nn.Linear(UNITS, 1)
weights = [w for module in [*cells, linear] for w in module.parameters()]
meta_optimizer = torch.optim.Adam(weights, lr=0.001)


def net(gradient, state):
    gradient = gradient.reshape(-1)
    if NEURAL:
        logarithm = torch.log(gradient.abs() + 1.1920929e-07) / 5
        inputs = torch.stack(
            [logarithm.clamp(min=-1), (gradient * float(np.exp(5.0))).clamp(-1, 1)], dim=1)
    else:
        inputs = gradient[:, None]
    first = cells[0](inputs, state[0])
    second = cells[1](first[0], state[1])
    return SCALE * linear(second[0]).reshape(OPTIMIZEES, COUNT), (first, second)


def epoch():
    theta = 0.01 * torch.randn(OPTIMIZEES, COUNT)
    constants = [(torch.rand(128, 10, 10), torch.rand(128, 10)) for _ in range(OPTIMIZEES)]
    zeros = torch.zeros(OPTIMIZEES * COUNT, UNITS)
    state = ((zeros, zeros), (zeros, zeros))
    for _ in range(STEPS // UNROLL):
        meta_loss = 0
        for _ in range(UNROLL):
            if arguments.mode == "second":
                if not theta.requires_grad:
                    theta.requires_grad_()
                value = loss(theta, constants)
                (gradient,) = torch.autograd.grad(value, theta, create_graph=True)
                meta_loss = meta_loss + value
            else:
                point = theta.detach().requires_grad_()
                value = loss(point, constants)
                (gradient,) = torch.autograd.grad(value, point)
                if arguments.mode == "train":
                    # The loss is not evaluated twice: its gradient at theta is known.
                    meta_loss = meta_loss + (theta * gradient).sum()
            update, state = net(gradient, state)
            theta = theta + update
        if arguments.mode == "second":
            last = loss(theta, constants)
            meta_loss = meta_loss + last
        else:
            point = theta.detach().requires_grad_()
            last = loss(point, constants)
            if arguments.mode == "train":
                (gradient,) = torch.autograd.grad(last, point)
                meta_loss = meta_loss + (theta * gradient).sum()
        if arguments.mode != "evaluate":
            meta_optimizer.zero_grad(set_to_none=True)
            (meta_loss / OPTIMIZEES).backward()
            meta_optimizer.step()
        theta = theta.detach()
        state = tuple(tuple(part.detach() for part in layer) for layer in state)
    return last.item()


torch.set_grad_enabled(True)
if arguments.mode == "evaluate":
    for w in weights:
        w.requires_grad_(False)
epoch()
print("ready", flush=True)
for _ in sys.stdin:
    begin = time.perf_counter()
    epoch()
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{time.perf_counter() - begin:.6f} {memory:.0f}", flush=True)
