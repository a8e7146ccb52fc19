#!/usr/bin/env python3
"""Trains a small PyTorch model with an optimizer of l2l and with AdamW, on the same minibatches.

    PYTHONPATH=Sources/python Sources/python/examples/compare_torch.py [SAVED OPTIMIZER] [LEARNING RATE]

Without a saved optimizer it takes the one that comes with the library. The task: to tell apart noisy
spirals of three colours.
"""

import math
import sys

import torch

import l2l
import l2l.torch


def spirals(count, generator):
    labels = torch.randint(3, (count,), generator=generator)
    radius = torch.rand(count, generator=generator)
    angle = 5 * radius + labels * 2 * math.pi / 3 + 0.15 * torch.randn(count, generator=generator)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], 1) * 2, labels


def train(make_optimizer, steps=300):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(2, 64), torch.nn.Tanh(), torch.nn.Linear(64, 3))
    optimizer = make_optimizer(model.parameters())
    generator = torch.Generator().manual_seed(1)
    losses = []
    for _ in range(steps):
        inputs, labels = spirals(128, generator)

        def closure():
            optimizer.zero_grad()
            loss = torch.nn.functional.cross_entropy(model(inputs), labels)
            loss.backward()
            return loss

        losses.append(float(optimizer.step(closure)))
    return losses


def main():
    learned = l2l.load(sys.argv[1]) if len(sys.argv) > 1 else l2l.pretrained("mnist")
    rate = float(sys.argv[2]) if len(sys.argv) > 2 else None
    ours = train(lambda parameters: l2l.torch.Optimizer(parameters, learned, lr=rate, planned_steps=300))
    adamw = train(lambda parameters: torch.optim.AdamW(parameters, lr=0.01))
    print(f"{'step':>5} {learned.net:>24} {'AdamW':>8}")
    for step in (0, 9, 29, 99, 199, 299):
        window = slice(max(0, step - 9), step + 1)
        means = [sum(losses[window]) / len(losses[window]) for losses in (ours, adamw)]
        print(f"{step + 1:>5} {means[0]:>24.4f} {means[1]:>8.4f}")


if __name__ == "__main__":
    main()
