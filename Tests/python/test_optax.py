"""optax's transformation against the library's own steps."""

import unittest

import jax
import jax.numpy as jnp
import l2l
import l2l.optax
import numpy
import optax
from nets import saved


def start():
    random = numpy.random.default_rng(0)
    return {"b": jnp.asarray(random.standard_normal(3), jnp.float32),
            "w": jnp.asarray(random.standard_normal((4, 3)), jnp.float32)}


def loss_of(params):
    return ((params["w"] - 2) ** 2).mean() + (params["b"] ** 2).mean()


class Optax(unittest.TestCase):
    def run_steps(self, transformation, steps=5, jit=False):
        def step(params, state):
            loss, gradients = jax.value_and_grad(loss_of)(params)
            updates, state = transformation.update(gradients, state, params, value=loss)
            return optax.apply_updates(params, updates), state

        step = jax.jit(step) if jit else step
        params = start()
        state = transformation.init(params)
        for _ in range(steps):
            params, state = step(params, state)
        return params, state

    def test_it_steps_as_the_library_does(self):
        for name in ("Celo2", "CoordinateWiseDeepLSTM"):
            params, _ = self.run_steps(l2l.optax.transformation(l2l.loads(saved(name))))
            state = l2l.loads(saved(name)).init([(3,), (4, 3)])
            own = start()
            for _ in range(5):
                gradients = jax.grad(loss_of)(own)
                arrays = [numpy.array(own[name]) for name in ("b", "w")]
                state.step(arrays, [numpy.array(gradients[name]) for name in ("b", "w")])
                own = {"b": jnp.asarray(arrays[0]), "w": jnp.asarray(arrays[1])}
            for name in own:
                # An update is a difference of parameters: applied, it rounds once more at each of 5 steps,
                # at parameters of up to 4, and later steps see that.
                self.assertLess(numpy.abs(own[name] - params[name]).max(), 5e-6)

    def test_it_runs_within_jit(self):
        plain, _ = self.run_steps(l2l.optax.transformation(l2l.loads(saved("Celo2"))))
        jitted, _ = self.run_steps(l2l.optax.transformation(l2l.loads(saved("Celo2"))), jit=True)
        for name in plain:
            # XLA fuses the gradient, which rounds otherwise.
            self.assertLess(numpy.abs(plain[name] - jitted[name]).max(), 1e-5)

    def test_states_are_values(self):
        transformation = l2l.optax.transformation(l2l.loads(saved("Celo2")))
        params = start()
        gradients = jax.grad(loss_of)(params)
        first = transformation.init(params)
        one, _ = transformation.update(gradients, first, params)
        again, _ = transformation.update(gradients, first, params)
        self.assertTrue(all((one[name] == again[name]).all() for name in one))

    def test_schedules_and_chains(self):
        schedule = optax.linear_schedule(0.0, 0.1, 10)
        transformation = optax.chain(
            optax.clip_by_global_norm(1.0),
            l2l.optax.transformation(l2l.loads(saved("Celo2")), learning_rate=schedule))
        params = start()
        state = transformation.init(params)
        updates, state = transformation.update(jax.grad(loss_of)(params), state, params)
        self.assertTrue(all((updates[name] == 0).all() for name in updates))
        updates, _ = transformation.update(jax.grad(loss_of)(params), state, params)
        self.assertTrue(any((updates[name] != 0).any() for name in updates))

    def test_parameters_are_needed(self):
        transformation = l2l.optax.transformation(l2l.loads(saved("Celo2")))
        with self.assertRaises(ValueError):
            transformation.update(start(), transformation.init(start()))


if __name__ == "__main__":
    unittest.main()
