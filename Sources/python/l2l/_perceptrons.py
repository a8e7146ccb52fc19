"""Celo2, Celo2Base, AdafacMLPLOpt and MLPLOpt: a perceptron on features of each parameter.

The names follow Sources/LearnedOptimizers/Perceptron, where the formulas are explained.
"""

import math

import numpy

_TIMES = numpy.array([1, 3, 10, 30, 100, 300, 1000, 3000, 10000, 30000, 100000.0])


def _rsqrt(x):
    return 1 / numpy.sqrt(x)


def _normalized(x, axes, epsilon):
    return x * _rsqrt(epsilon + (x * x).mean(axes, keepdims=True))


def _last_two(rank):
    return tuple(range(rank))[-2:]


def _orthogonalized(x):
    transposes = x.shape[-2] > x.shape[-1]
    if transposes:
        x = numpy.swapaxes(x, -1, -2)
    x = x / (numpy.sqrt((x * x).sum((-2, -1), keepdims=True)) + 1e-8)
    for _ in range(5):
        a = x @ numpy.swapaxes(x, -1, -2)
        x = 3.4445 * x + (-4.7750 * a + 2.0315 * a @ a) @ x
    return numpy.swapaxes(x, -1, -2) if transposes else x


def _rate_factor(schedule, index, count):
    """What a rate is multiplied by at a step, as RateSchedule has it; 1 where there is no count."""
    form, _, share = schedule.partition("+")
    share = float(share) if share else 0
    if form not in ("constant", "cosine", "exponential", "inverse-root") or not 0 <= share <= 1:
        raise ValueError(f"{schedule!r} is no schedule")
    if count is None:
        return 1
    warm = math.floor(share * count + 0.5)
    if index < warm:
        return index / warm
    passed = min((index - warm) / max(count - warm, 1), 1)
    if form == "cosine":
        return (1 + math.cos(math.pi * passed)) / 2
    if form == "exponential":
        return 0.01 ** passed
    if form == "inverse-root":
        return math.sqrt(max(warm, 1) / max(index, max(warm, 1)))
    return 1


def _factored_axes(shape):
    """The largest and the second largest dimension; of equal ones the later is larger."""
    order = sorted(range(len(shape)), key=lambda axis: (shape[axis], axis))
    return order[-1], order[-2]


def _without(shape, axis):
    return tuple(n for index, n in enumerate(shape) if index != axis)


class _Perceptron:
    """What the rules share; subclasses say what they differ in."""

    inputs = ("parameter",)
    most_axes = 4
    momentum, rms, factored = (0.9, 0.99, 0.999), (), ()
    learns_decays = False
    limit = numpy.inf
    rms_epsilon = 1e-8
    vector_epsilon = 0
    stops_at_row = False
    has_time = False
    epsilon = 1e-5
    defaults = {}
    more_defaults = {}  # of options that files leave out where they change nothing
    outputs = 2

    def __init__(self, given, arrays):
        unknown = set(given) - set(self.defaults) - set(self.more_defaults)
        if unknown:
            raise ValueError(f"there is no option {sorted(unknown)[0]}")
        self.options = {**self.defaults, **given}
        self.hidden = [int(n) for n in self.options["layers"]]

    def weight_shapes(self):
        shapes, inputs = {}, self.input_count()
        for index, size in enumerate(self.hidden + [self.outputs]):
            shapes[f"w{index}"], shapes[f"b{index}"] = (inputs, size), (size,)
            inputs = size
        if self.learns_decays:
            shapes["momentum_decays"] = (len(self.momentum),)
            shapes["rms_decays"] = (len(self.rms),)
            shapes["adafactor_decays"] = (len(self.factored),)
        return shapes

    def input_count(self):
        m, v, f = len(self.momentum), len(self.rms), len(self.factored)
        plain = 2 + m
        if v:
            plain += self.limit_features() + v + m + v + f * 5 + m
        return plain + (len(_TIMES) if self.has_time else 0)

    def limit_features(self):
        # The clipped gradient and the gradient over its root mean square.
        return 2 if self.limit < numpy.inf else 0

    # State

    def uses_adam(self, shape):
        return False

    def _tensor_shapes(self, shape):
        if self.uses_adam(shape):
            return [shape, shape]
        shape = shape or (1,)
        parts = [(len(self.momentum),) + shape]
        if self.rms:
            parts.append((len(self.rms),) + shape)
        if self.factored and len(shape) < 2:
            parts.append((len(self.factored),) + shape)
        elif self.factored:
            parts += [(len(self.factored),) + _without(shape, axis) for axis in _factored_axes(shape)]
        return parts

    def state_shapes(self, shapes):
        return [part for shape in shapes for part in self._tensor_shapes(shape)]

    # Steps

    def step(self, parameters, gradients, state, index, count, weights, options):
        options = self.options_of_step(index, count, options)
        updates, after, rest = [], [], list(state)
        for p, g in zip(parameters, gradients):
            parts = len(self._tensor_shapes(p.shape))
            own, rest = [tensor.astype(numpy.float64) for tensor in rest[:parts]], rest[parts:]
            if p.size == 0:
                update = p
            elif self.uses_adam(p.shape):
                update, own = self.adam(p, g, own, options)
            else:
                shape = p.shape or (1,)
                update, own = self.tensor(p.reshape(shape), g.reshape(shape), own, index, weights, options)
            updates.append(update.reshape(p.shape))
            after += [tensor.astype(numpy.float32) for tensor in own]
        return updates, after

    def options_of_step(self, index, count, options):
        return options

    def decays(self, weights):
        groups = [numpy.array(self.momentum), numpy.array(self.rms), numpy.array(self.factored)]
        if not self.learns_decays:
            return groups
        names = ["momentum_decays", "rms_decays", "adafactor_decays"]
        moved = [1 - numpy.exp(10 * (numpy.log(1 - group) / 10 + weights[name]))
                 for group, name in zip(groups, names)]
        return [moved[0], numpy.clip(moved[1], 0, 1), numpy.clip(moved[2], 0, 1)]

    def tensor(self, p, g, state, index, weights, options):
        g = numpy.clip(g, -self.limit, self.limit)
        features, state = self.features(p, g, state, self.decays(weights))
        axes = self.axes(p.ndim)
        x = numpy.stack([_normalized(feature, axes, self.epsilon) for feature in features], -1)
        if self.has_time:
            times = numpy.tanh(index / _TIMES - 1)
            x = numpy.concatenate([x, numpy.broadcast_to(times, p.shape + times.shape)], -1)
        for layer in range(len(self.hidden) + 1):
            x = x @ weights[f"w{layer}"][:x.shape[-1]] + weights[f"b{layer}"]
            if layer < len(self.hidden):
                x = numpy.maximum(x, 0)
        return self.head(p, x, state, index, options), state

    def axes(self, rank):
        return tuple(range(rank))

    def head(self, p, outputs, state, index, options):
        return -outputs[..., 0] * numpy.exp(options["exp_mult"] * outputs[..., 1]) * options["step_mult"]

    def features(self, p, g, state, decays):
        def moved(old, value, rates):
            rates = rates.reshape((-1,) + (1,) * value.ndim)
            return rates * old + (1 - rates) * value

        m = moved(state[0], g, decays[0])
        if not self.rms:
            return [g, p, *m], [m]
        v = moved(state[1], g * g, decays[1])
        s = _rsqrt(v + self.rms_epsilon)
        q = g * g + 1e-30
        if p.ndim >= 2:
            largest, second = _factored_axes(p.shape)
            r, c = moved(state[2], q.mean(largest), decays[2]), moved(state[3], q.mean(second), decays[2])
            after = [m, v, r, c]
            r, c = numpy.expand_dims(r, largest + 1), numpy.expand_dims(c, second + 1)
            factor = _rsqrt(numpy.maximum(r / (r.mean(second + 1, keepdims=True) + 1e-9), 1e-9)) \
                * _rsqrt(numpy.maximum(c, 1e-9))
            whole = (len(self.factored),) + p.shape
            r, c = numpy.broadcast_to(r, whole), numpy.broadcast_to(c, whole)
            factored_m = m * factor
        else:
            r = c = moved(state[2], q, decays[2])
            after = [m, v, r]
            factor = _rsqrt(numpy.maximum(r + 1e-9, 1e-9))
            factored_m = m * (r + self.vector_epsilon) ** -0.5
        limited = self.limit < numpy.inf
        features = [g] + ([numpy.clip(g, -0.1, 0.1)] if limited else []) + [p, *m, *v, *(m * s[0]), *s, *(g * factor)]
        if limited:
            features += [*(g * s)]
        if not (self.stops_at_row and p.ndim < 2):
            features += [*r, *c, *_rsqrt(r + 1e-8), *_rsqrt(c + 1e-8), *factored_m]
        return features, after


class Celo2Base(_Perceptron):
    rms, factored = (0.95,), (0.9, 0.99, 0.999)
    limit, epsilon, stops_at_row, outputs = 1000, 1e-9, True, 3
    defaults = {"learning_rate": 0.001, "weight_decay": 0, "layers": [8, 8]}
    more_defaults = {"schedule": "constant", "graft": 0}

    def __init__(self, given, arrays):
        super().__init__(given, arrays)
        options = self.options_of_step(0, None, self.options)
        float(options["graft"])

    def options_of_step(self, index, count, options):
        options = {**self.more_defaults, **options}
        factor = _rate_factor(options["schedule"], index, count)
        return {**options, "learning_rate": options["learning_rate"] * factor}

    def axes(self, rank):
        return _last_two(rank)

    def direction(self, x):
        return x

    def head(self, p, outputs, state, index, options):
        axes = _last_two(p.ndim)
        step = _normalized(self.direction(outputs[..., 0]), axes, 1e-9)
        if options["graft"]:
            m, v = state[0][0], state[1][0]
            ratio = ((m * m).mean(axes, keepdims=True) + 1e-30) / (v.mean(axes, keepdims=True) + 1e-30)
            start = (1 - self.rms[0] ** (index + 1)) / (1 - self.momentum[0] ** (index + 1)) ** 2
            step = step * (ratio * start) ** (options["graft"] / 2)
        return -options["learning_rate"] * (step + options["weight_decay"] * p)


class Celo2(Celo2Base):
    defaults = {**Celo2Base.defaults, "adam_multiplier": 20}

    def uses_adam(self, shape):
        return len(shape) < 2

    def direction(self, x):
        return _orthogonalized(x)

    def adam(self, p, g, state, options):
        m, v = 0.9 * state[0] + 0.1 * g, 0.95 * state[1] + 0.05 * g * g
        rate = options["learning_rate"]
        return -rate * (options["adam_multiplier"] * m * _rsqrt(v + 1e-8) + options["weight_decay"] * p), [m, v]


class AdafacMLPLOpt(_Perceptron):
    rms, factored = (0.999,), (0.9, 0.99, 0.999)
    learns_decays, has_time = True, True
    rms_epsilon = vector_epsilon = 1e-6
    defaults = {"layers": [4, 4], "step_mult": 0.001, "exp_mult": 0.001}


class MLPLOpt(_Perceptron):
    momentum = (0.1, 0.5, 0.9, 0.99, 0.999, 0.9999)
    has_time = True
    defaults = {"layers": [32, 32], "step_mult": 0.001, "exp_mult": 0.001}


RULES = {rule.__name__: rule for rule in (Celo2, Celo2Base, AdafacMLPLOpt, MLPLOpt)}
