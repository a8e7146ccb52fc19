"""PyTorch's optimizer against the library's own steps."""

import io
import unittest

import l2l
import l2l.torch
import numpy
import torch
from nets import saved


def model():
    torch.manual_seed(0)
    return torch.nn.Sequential(torch.nn.Linear(5, 4), torch.nn.Tanh(), torch.nn.Linear(4, 1))


def loss_of(net, step):
    generator = torch.Generator().manual_seed(step)
    inputs = torch.randn(8, 5, generator=generator)
    return ((net(inputs) - inputs.sum(1, keepdim=True)) ** 2).mean()


def train(net, optimizer, steps, first=0):
    for step in range(first, first + steps):
        optimizer.zero_grad()
        loss = loss_of(net, step)
        loss.backward()
        optimizer.step(loss=loss)


def bits(net):
    return b"".join(p.detach().numpy().tobytes() for p in net.parameters())


class Torch(unittest.TestCase):
    def test_it_steps_to_the_bits_of_the_library(self):
        for name in ("Celo2", "MLPLOpt", "CoordinateWiseDeepLSTM"):
            ours, plain = model(), model()
            train(ours, l2l.torch.Optimizer(ours.parameters(), l2l.loads(saved(name))), 5)
            state = l2l.loads(saved(name)).init(list(plain.parameters()))
            for step in range(5):
                plain.zero_grad()
                loss_of(plain, step).backward()
                state.step([p.detach().numpy() for p in plain.parameters()],
                           [p.grad.numpy() for p in plain.parameters()])
            self.assertEqual(bits(ours), bits(plain))

    def test_a_saved_training_goes_on_bit_for_bit(self):
        whole, first, second = model(), model(), model()
        train(whole, l2l.torch.Optimizer(whole.parameters(), l2l.loads(saved("Celo2"))), 6)
        optimizer = l2l.torch.Optimizer(first.parameters(), l2l.loads(saved("Celo2")))
        train(first, optimizer, 3)
        file = io.BytesIO()
        torch.save({"model": first.state_dict(), "optimizer": optimizer.state_dict()}, file)
        file.seek(0)
        content = torch.load(file)
        second.load_state_dict(content["model"])
        other = l2l.torch.Optimizer(second.parameters(), l2l.loads(saved("Celo2")))
        other.load_state_dict(content["optimizer"])
        train(second, other, 3, first=3)
        self.assertEqual(bits(second), bits(whole))
        with self.assertRaises(l2l.Error):
            l2l.torch.Optimizer(model().parameters(), l2l.loads(saved("MLPLOpt"))).load_state_dict(content["optimizer"])

    def test_groups_and_schedulers_set_the_learning_rate(self):
        net = model()
        layers = [net[0], net[2]]
        optimizer = l2l.torch.Optimizer(
            [{"params": layers[0].parameters(), "lr": 0.0}, {"params": layers[1].parameters()}],
            l2l.loads(saved("Celo2")), lr=0.5)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.0 if epoch else 1.0)
        before = [p.detach().clone() for p in net.parameters()]
        train(net, optimizer, 1)
        after = [p.detach().clone() for p in net.parameters()]
        self.assertTrue(torch.equal(before[0], after[0]) and torch.equal(before[1], after[1]))
        self.assertFalse(torch.equal(before[2], after[2]))
        schedule.step()
        train(net, optimizer, 1)
        self.assertTrue(all(torch.equal(old, new) for old, new in zip(after, net.parameters())))

    def test_a_closure_gives_the_loss(self):
        net = model()
        optimizer = l2l.torch.Optimizer(net.parameters(), l2l.loads(saved("Celo2")))

        def closure():
            optimizer.zero_grad()
            loss = loss_of(net, 0)
            loss.backward()
            return loss

        self.assertTrue(torch.is_tensor(optimizer.step(closure)))

    def test_parameters_without_a_gradient_are_left_alone(self):
        net = model()
        optimizer = l2l.torch.Optimizer(net.parameters(), l2l.loads(saved("Celo2")))
        before = net[0].weight.detach().clone()
        (net[2](torch.ones(2, 4)) ** 2).mean().backward()
        optimizer.step()
        self.assertTrue(torch.equal(before, net[0].weight))
        train(net, optimizer, 2)
        self.assertFalse(torch.equal(before, net[0].weight))

    def test_what_can_not_be_stepped_is_said(self):
        parameter = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
        optimizer = l2l.torch.Optimizer([parameter], l2l.loads(saved("Celo2")))
        parameter.grad = torch.ones(3, dtype=torch.float64)
        with self.assertRaises(l2l.Error):
            optimizer.step()
        with self.assertRaises(l2l.Error):
            l2l.torch.Optimizer([torch.nn.Parameter(torch.ones(2))], l2l.loads(saved("MLPLOpt")), lr=0.1)
        with self.assertRaises(ValueError):
            l2l.torch.Optimizer([], l2l.loads(saved("Celo2")))

    def test_numpy_steps_models_too(self):
        net, other = model(), model()
        train(net, l2l.torch.Optimizer(net.parameters(), l2l.loads(saved("MLPLOpt"), "numpy")), 3)
        train(other, l2l.torch.Optimizer(other.parameters(), l2l.loads(saved("MLPLOpt"))), 3)
        for mine, theirs in zip(net.parameters(), other.parameters()):
            # Rounding of parameters of size 1, three times, and of updates.
            self.assertLess(numpy.abs((mine - theirs).detach().numpy()).max(), 1e-6)


if __name__ == "__main__":
    unittest.main()
