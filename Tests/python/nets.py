"""Saved optimizers with random weights, and numbers to step."""

import json
import struct

import numpy


def safetensors(arrays, metadata):
    """The bytes of a file, written here and not by the package that is tested."""
    fields, data = {"__metadata__": metadata}, b""
    for name, array in arrays.items():
        content = numpy.ascontiguousarray(array, numpy.float32).tobytes()
        fields[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [len(data), len(data) + len(content)]}
        data += content
    header = json.dumps(fields).encode()
    header += b" " * (-len(header) % 8)
    return struct.pack("<Q", len(header)) + header + data


def saved(net, seed=0, **more):
    """The bytes of a saved optimizer of this class, with more options."""
    random = numpy.random.default_rng(seed)
    weights = {}

    def layer(inputs, outputs, w, b):
        weights[w] = random.standard_normal((inputs, outputs)) / inputs ** 0.5
        weights[b] = random.standard_normal(outputs) / 10

    def perceptron(sizes):
        for index, (inputs, outputs) in enumerate(zip(sizes, sizes[1:])):
            layer(inputs, outputs, f"w{index}", f"b{index}")

    def lstm(inputs):
        for index in (1, 2):
            layer(inputs + 20, 80, f"lstm_{index}/w_gates", f"lstm_{index}/b_gates")
            inputs = 20
        layer(20, 1, "linear/w", "linear/b")

    options = {}
    if net in ("Celo2", "Celo2Base"):
        perceptron([30, 8, 8, 3])
        options = {"learning_rate": 0.01, "weight_decay": 0.125}
    elif net == "MLPLOpt":
        perceptron([19, 32, 32, 2])
    elif net == "AdafacMLPLOpt":
        perceptron([39, 4, 4, 2])
        for name, count in (("momentum_decays", 3), ("rms_decays", 1), ("adafactor_decays", 3)):
            weights[name] = random.standard_normal(count) / 100
    elif net == "RNNprop":
        layer(2, 20, "input_projection/w", "input_projection/b")
        lstm(20)
    elif net == "CoordinateWiseDeepLSTM":
        lstm(2)
        options = {"preprocess_name": "LogAndSign", "preprocess_options": {"k": 5}, "scale": 0.125}
    return safetensors(weights, {"net": net, "net_options": json.dumps({**options, **more}), "license": "none given"})


SHAPES = [(6, 4), (4,), (), (3, 2, 5, 4), (7, 7)]


def arrays(seed, shapes=SHAPES, scale=1):
    random = numpy.random.default_rng(seed)
    return [numpy.array(random.standard_normal(shape) * scale, numpy.float32) for shape in shapes]
