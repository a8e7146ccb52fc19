"""Writes optax_rules.safetensors: eight steps of optax's rules on given gradients, in double precision.

Usage: JAX_ENABLE_X64=1 JAX_PLATFORMS=cpu python3 make_optax.py, with optax and NumPy; the file's metadata
say which versions made it. Tensors: `matrix` [7, 5], `wide` [4, 9], `filter` [3, 3, 2, 4], `bias` [6].
`gradient/<t>/<tensor>` is what step t was given, `start/<tensor>` the parameters before the first one,
`<rule>/<t>/<tensor>` those after step t, rounded to float32.
"""
import json
import pathlib
import struct

import jax
import numpy
import optax

SHAPES = {"matrix": (7, 5), "wide": (4, 9), "filter": (3, 3, 2, 4), "bias": (6,)}
STEPS = 8
RULES = {
    "AdamW": optax.adamw(0.01, b1=0.8, b2=0.95, eps=1e-6, weight_decay=0.1),
    "NAdamW": optax.nadamw(0.01, b1=0.8, b2=0.95, eps=1e-6, weight_decay=0.1),
    "RAdam": optax.radam(0.01, b1=0.8, b2=0.95, eps=1e-6),
    "RAdamDefaults": optax.radam(0.01),
    "Lion": optax.lion(0.01, b1=0.8, b2=0.95, weight_decay=0.1),
    "Muon": optax.contrib.muon(0.01, beta=0.9, weight_decay=0.1, adam_b1=0.8, adam_b2=0.95),
    "ScheduleFreeAdamW": optax.contrib.schedule_free_adamw(
        0.01, b1=0.8, b2=0.95, eps=1e-6, weight_decay=0.1),
}


def main():
    assert jax.config.jax_enable_x64, "set JAX_ENABLE_X64=1"
    random = numpy.random.default_rng(1)

    def draw(scale):
        # Rounded to float32, so that both sides start from the same numbers.
        return {
            name: (scale * random.standard_normal(shape)).astype(numpy.float32).astype(numpy.float64)
            for name, shape in SHAPES.items()
        }

    start = draw(1)
    gradients = [draw(10.0 ** random.uniform(-2, 1)) for _ in range(STEPS)]
    tensors = {f"start/{name}": value for name, value in start.items()}
    for step, gradient in enumerate(gradients):
        tensors |= {f"gradient/{step}/{name}": value for name, value in gradient.items()}
    for rule, transformation in RULES.items():
        parameters = jax.tree.map(jax.numpy.asarray, start)
        state = transformation.init(parameters)
        for step, gradient in enumerate(gradients):
            updates, state = transformation.update(gradient, state, parameters)
            parameters = optax.apply_updates(parameters, updates)
            tensors |= {f"{rule}/{step}/{name}": value for name, value in parameters.items()}
    write(pathlib.Path(__file__).parent / "optax_rules.safetensors", tensors)


def write(path, tensors):
    header = {
        "__metadata__": {
            "made_by": "make_optax.py", "optax": optax.__version__, "jax": jax.__version__,
            "numpy": numpy.__version__,
        }
    }
    data = b""
    for name, value in sorted(tensors.items()):
        array = numpy.asarray(value, dtype=numpy.float32)
        content = array.tobytes()
        header[name] = {
            "dtype": "F32", "shape": list(array.shape),
            "data_offsets": [len(data), len(data) + len(content)],
        }
        data += content
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)


main()
