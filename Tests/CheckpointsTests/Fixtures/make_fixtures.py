#!/usr/bin/env python3
"""Writes the files of this folder as other programs write theirs: flax, numpy, dill, safetensors from PyPI.

    make_fixtures.py FOLDER
"""

import collections
import pathlib
import pickle
import sys

import dill
import flax.serialization
import numpy
from safetensors.numpy import save_file

folder = pathlib.Path(sys.argv[1])
GROUPS = [1, 1, 1, 3, 1, 3, 1, 3, 1, 3, 3, 3, 3, 3]


def fill(shape, number, dtype=numpy.float32):
    """Numbers that the tests can make again: those of array `number`."""
    count = int(numpy.prod(shape))
    return ((numpy.arange(count) * 37 + number * 11) % 64 - 32).reshape(shape).astype(dtype) / dtype(64)


def write(name, content):
    (folder / name).write_bytes(content)


# flax

stack = {f"w0__{i}": fill((n, 8), i) for i, n in enumerate(GROUPS)}
stack.update(b0=fill((8,), 20), w1=fill((8, 8), 21), b1=fill((8,), 22), w2=fill((8, 3), 23), b2=fill((3,), 24))
write("celo2.state", flax.serialization.to_bytes({"ff_mod_stack": {"~": stack}}))
mlp = {}
for layer, (inputs, outputs) in enumerate([(19, 3), (3, 4), (4, 2)]):
    mlp[f"mlp/~/linear_{layer}"] = {"w": fill((inputs, outputs), 2 * layer), "b": fill((outputs,), 2 * layer + 1)}
write("mlp.state", flax.serialization.to_bytes(mlp))
adafac = {
    "momentum_decays": fill((3,), 0) / 100, "rms_decays": fill((1,), 1) / 100, "adafactor_decays": fill((3,), 2) / 100,
    "nn": {"~": {"w0": fill((39, 4), 3), "b0": fill((4,), 4), "w1": fill((4, 4), 5), "b1": fill((4,), 6),
                 "w2": fill((4, 2), 7), "b2": fill((2,), 8)}}}
write("adafac-checkpoint.state", flax.serialization.to_bytes({"params": adafac, "gen_id": "a", "step": 70000}))

# PyLO: rows are outputs

save_file({
    "network.input.weight": numpy.ascontiguousarray(fill((39, 4), 3).T), "network.input.bias": fill((4,), 4),
    "network.linear_0.weight": numpy.ascontiguousarray(fill((4, 4), 5).T), "network.linear_0.bias": fill((4,), 6),
    "network.output.weight": numpy.ascontiguousarray(fill((4, 2), 7).T), "network.output.bias": fill((2,), 8),
}, folder / "pylo.safetensors", metadata={"format": "pt"})

# Pickles

lstm = collections.defaultdict(dict)
for number, (layer, name, shape) in enumerate([
        ("lstm_1", "w_gates", (4, 8)), ("lstm_1", "b_gates", (8,)), ("linear", "w", (2, 1)), ("linear", "b", (1,))]):
    lstm[layer][name] = fill(shape, number)
for protocol in range(6):
    write(f"lstm-{protocol}.pickle", pickle.dumps(lstm, protocol))
write("lstm-dill.pickle", dill.dumps(lstm, 2))
odd = {layer: {name: numpy.asfortranarray(array.astype(">f8")) for name, array in group.items()}
       for layer, group in lstm.items()}
write("lstm-odd.pickle", pickle.dumps(odd, 4))


class Runs:
    def __reduce__(self):
        return (exec, ("raise SystemExit('executed')",))


write("runs.pickle", pickle.dumps({"linear": Runs()}, 2))


# What Python 2 writes, protocol 0, as its pickle and NumPy 1 do.

def python2(groups):
    memo = [0]

    def put():
        memo[0] += 1
        return f"p{memo[0]}\n"

    def text(content):
        return "S" + "'" + "".join(f"\\x{byte:02x}" if byte < 32 or byte > 126 or byte in b"'\\" else chr(byte)
                                   for byte in content) + "'\n" + put()

    def array(values):
        shape = "".join(f"I{n}\n" for n in values.shape)
        return (f"cnumpy.core.multiarray\n_reconstruct\n{put()}(cnumpy\nndarray\n{put()}(I0\nt{put()}{text(b'b')}t{put()}"
                f"R{put()}(I1\n({shape}t{put()}cnumpy\ndtype\n{put()}({text(b'f4')}I0\nI1\nt{put()}R{put()}(I3\n"
                f"{text(b'<')}NNNI-1\nI-1\nI0\nt{put()}bI00\n{text(values.tobytes())}t{put()}b")

    result = f"ccollections\ndefaultdict\n{put()}(c__builtin__\ndict\n{put()}t{put()}R{put()}"
    for layer, group in groups.items():
        result += text(layer.encode()) + f"(d{put()}"
        for name, values in group.items():
            result += text(name.encode()) + array(values) + "s"
        result += "s"
    return (result + ".").encode("ascii")


write("lstm-python2.pickle", python2(lstm))
assert pickle.loads(python2(lstm), encoding="latin1")["linear"]["w"].tolist() == lstm["linear"]["w"].tolist()
