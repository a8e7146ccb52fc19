"""Learned optimizers for PyTorch models on the CPU."""

import torch

from ._errors import Error
from ._loading import as_optimizer


class Optimizer(torch.optim.Optimizer):
    """A `torch.optim.Optimizer` that steps with an optimizer of l2l.

        optimizer = l2l.torch.Optimizer(model.parameters(), "pretrained:celo2", lr=1e-3)
        for inputs, targets in batches:
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step(loss=loss)

    params: parameters or groups of them, float32 on the CPU, stepped where they lie, without copies.
    optimizer: what `l2l.load` gives, or what it takes: a path, or "pretrained:celo2".
    lr: the rule's learning rate where it has one; None leaves it as it was trained or saved. Schedulers of
      PyTorch change it, a group's "lr".
    planned_steps: how many steps there will be, for optimizers that look at progress.

    The parameters of a group are stepped together; those that have no gradient at the first step join when
    they have one. `loss` (a number or tensor, or what `closure` returns) is needed by optimizers that look
    at it.
    """

    def __init__(self, params, optimizer, lr=None, planned_steps=None):
        self.learned = as_optimizer(optimizer)
        self._states = {}
        if lr is not None and "learning_rate" not in self.learned.options:
            raise Error(Error.OPTION, f"{self.learned.net} has no learning rate: leave lr out")
        standard = self.learned.options.get("learning_rate")
        super().__init__(params, {"lr": standard if lr is None else lr, "planned_steps": planned_steps})

    def step(self, closure=None, loss=None):
        """Takes one step; returns the loss."""
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        number = None if loss is None else float(loss)
        with torch.no_grad():
            for index, group in enumerate(self.param_groups):
                self._step_group(index, group, number)
        return loss

    def _step_group(self, index, group, loss):
        parameters = group["params"]
        parts = self._states.setdefault(index, [])
        known = {position for part in parts for position in part.positions}
        new = [p for p, parameter in enumerate(parameters) if parameter.grad is not None and p not in known]
        if new:
            parts.append(_Part(self.learned, parameters, new, group["planned_steps"]))
        for part in parts:
            part.step(group, loss)

    # Saving

    def state_dict(self):
        """What PyTorch's optimizers have, and under "l2l" the states, as tensors of bytes."""
        content = super().state_dict()
        content["l2l"] = {"net": self.learned.net, "groups": {
            str(index): [(list(part.positions), torch.frombuffer(bytearray(part.state.save()), dtype=torch.uint8))
                         for part in parts] for index, parts in self._states.items()}}
        return content

    def load_state_dict(self, state_dict):
        """Goes on from what `state_dict` gave."""
        own = state_dict.get("l2l")
        if own is None or own["net"] != self.learned.net:
            raise Error(Error.STATE, f"this is no state of {self.learned.net}: it is of "
                        f"{'another optimizer' if own is None else own['net']}")
        super().load_state_dict({key: value for key, value in state_dict.items() if key != "l2l"})
        self._states = {}
        for index, parts in own["groups"].items():
            self._restore(int(index), self.param_groups[int(index)], parts)

    def _restore(self, index, group, parts):
        restored = []
        for positions, content in parts:
            part = _Part(self.learned, group["params"], positions, group["planned_steps"])
            part.state.restore(content.numpy().tobytes())
            restored.append(part)
        self._states[index] = restored


class _Part:
    """Parameters of a group that are stepped together, and their state."""

    def __init__(self, optimizer, parameters, positions, planned_steps):
        self.positions = tuple(positions)
        self.parameters = [parameters[position] for position in positions]
        for position, parameter in zip(positions, self.parameters):
            if parameter.device.type != "cpu" or parameter.dtype != torch.float32 or not parameter.is_contiguous():
                raise Error(Error.ARGUMENT, f"parameter {position} is {parameter.dtype} on {parameter.device}: l2l "
                            "steps contiguous float32 parameters on the CPU")
        self.state = optimizer.init(self.parameters, planned_steps)
        self.rate = None

    def step(self, group, loss):
        have = [parameter.grad is not None for parameter in self.parameters]
        if not any(have):
            return
        if not all(have):
            missing = [p for p, has in zip(self.positions, have) if not has]
            raise Error(Error.ARGUMENT, f"parameters {missing} of a group have had a gradient and have none now: give "
                        "those that are not always used a group of their own")
        if group["lr"] is not None and group["lr"] != self.rate:
            self.state.set_option("learning_rate", float(group["lr"]))
            self.rate = group["lr"]
        gradients = [self._dense(parameter.grad) for parameter in self.parameters]
        self.state.step([parameter.detach().numpy() for parameter in self.parameters],
                        [gradient.numpy() for gradient in gradients], loss)

    @staticmethod
    def _dense(gradient):
        if gradient.is_sparse:
            gradient = gradient.to_dense()
        return gradient.detach().contiguous()
