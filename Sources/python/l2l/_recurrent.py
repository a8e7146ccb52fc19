"""CoordinateWiseDeepLSTM and RNNprop: LSTMs that every coordinate has for itself.

The names follow Sources/LearnedOptimizers/LSTM, where the formulas are explained.
"""

import numpy


def _sigmoid(x):
    return 1 / (1 + numpy.exp(-x))


class _Recurrent:
    inputs = ()
    most_axes = None
    more_defaults = {}
    defaults = {}

    def __init__(self, given, arrays):
        self.options = {**self.defaults, **given}
        layers = given.get("layers")
        if layers is None:
            layers = []
            while f"lstm_{len(layers) + 1}/b_gates" in arrays:
                layers.append(arrays[f"lstm_{len(layers) + 1}/b_gates"].size // 4)
        self.layers = self.options["layers"] = [int(n) for n in layers]

    def lstm_shapes(self, inputs, outputs=1):
        shapes = {}
        for index, units in enumerate(self.layers, 1):
            shapes[f"lstm_{index}/w_gates"] = (inputs + units, 4 * units)
            shapes[f"lstm_{index}/b_gates"] = (4 * units,)
            inputs = units
        shapes["linear/w"], shapes["linear/b"] = (inputs, outputs), (outputs,)
        return shapes

    def recur(self, x, state, weights):
        """The last layer's output and linear layer, and the next h and c of each layer."""
        after = []
        for index, units in enumerate(self.layers):
            h, c = state[2 * index], state[2 * index + 1]
            gates = numpy.concatenate([x, h], 1) @ weights[f"lstm_{index + 1}/w_gates"]
            i, j, f, o = numpy.split(gates + weights[f"lstm_{index + 1}/b_gates"], 4, axis=1)
            c = c * _sigmoid(f + 1) + _sigmoid(i) * numpy.tanh(j)
            x = numpy.tanh(c) * _sigmoid(o)
            after += [x, c]
        return x @ weights["linear/w"] + weights["linear/b"], after

    def state_shapes(self, shapes):
        rows = sum(int(numpy.prod(shape, dtype=numpy.int64)) for shape in shapes)
        return [(rows, n) for n in self.row_widths()]

    def row_widths(self):
        return [units for units in self.layers for _ in range(2)]

    def step(self, parameters, gradients, state, index, count, weights, options):
        rows = numpy.concatenate([g.reshape(-1, 1) for g in gradients])
        update, after = self.rows(rows, [tensor.astype(numpy.float64) for tensor in state], index, weights, options)
        updates, start = [], 0
        for p in parameters:
            updates.append(update[start:start + p.size].reshape(p.shape))
            start += p.size
        return updates, [tensor.astype(numpy.float32) for tensor in after]


class CoordinateWiseDeepLSTM(_Recurrent):
    defaults = {"scale": 1, "preprocess_name": "identity"}

    def __init__(self, given, arrays):
        super().__init__(given, arrays)
        if self.options["preprocess_name"] not in ("identity", "Clamp", "LogAndSign"):
            raise ValueError(f"there is no preprocessing {self.options['preprocess_name']}")
        self.bounds = {**self.options.get("preprocess_options", {})}
        if self.options["preprocess_name"] == "LogAndSign":
            self.bounds["k"] = float(self.bounds["k"])

    def weight_shapes(self):
        return self.lstm_shapes(2 if self.options["preprocess_name"] == "LogAndSign" else 1)

    def preprocess(self, g):
        name = self.options["preprocess_name"]
        if name == "identity":
            return g
        if name == "Clamp":
            low, high = self.bounds.get("min"), self.bounds.get("max")
            return numpy.clip(g, -numpy.inf if low is None else low, numpy.inf if high is None else high)
        k = self.bounds["k"]
        logarithm = numpy.log(numpy.abs(g) + numpy.finfo(numpy.float32).eps) / k
        return numpy.concatenate([numpy.maximum(logarithm, -1), numpy.clip(g * numpy.exp(k), -1, 1)], 1)

    def rows(self, g, state, index, weights, options):
        output, after = self.recur(self.preprocess(g), state, weights)
        return output * options["scale"], after


class RNNprop(_Recurrent):
    defaults = {"scale": 0.1}

    def weight_shapes(self):
        units = self.layers[0]
        return {"input_projection/w": (2, units), "input_projection/b": (units,), **self.lstm_shapes(units)}

    def row_widths(self):
        return [1, 1] + super().row_widths()

    def rows(self, g, state, index, weights, options):
        m, v = 0.95 * state[0] + 0.05 * g, 0.95 * state[1] + 0.05 * g * g
        correction = 1 / (1 - 0.95 ** (index + 1))
        size = numpy.sqrt(v * correction) + 1e-8
        x = numpy.concatenate([m * correction / size, g / size], 1)
        x = x @ weights["input_projection/w"] + weights["input_projection/b"]
        x = numpy.where(x > 0, x, numpy.expm1(numpy.minimum(x, 0)))
        output, after = self.recur(x, state[2:], weights)
        return numpy.tanh(output) * options["scale"], [m, v] + after


RULES = {rule.__name__: rule for rule in (CoordinateWiseDeepLSTM, RNNprop)}
