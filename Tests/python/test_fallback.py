"""The optimizers in NumPy against the library."""

import os
import subprocess
import sys
import unittest

import l2l
import numpy
from nets import SHAPES, arrays, saved

NETS = ["Celo2", "Celo2Base", "AdafacMLPLOpt", "MLPLOpt", "RNNprop", "CoordinateWiseDeepLSTM"]
VARIANTS = [(net, {}) for net in NETS] + [
    (net, {"graft": 0.5, "schedule": schedule}) for net in NETS[:2]
    for schedule in ("cosine", "constant+0.3", "exponential+0.25", "inverse-root")]


class Fallback(unittest.TestCase):
    def test_each_step_is_the_library_s_to_rounding(self):
        for net, options in VARIANTS:
            content = saved(net, **options)
            library, plain = l2l.loads(content, "library"), l2l.loads(content, "numpy")
            self.assertEqual(library.weight_count, plain.weight_count)
            states = library.init(SHAPES, 7), plain.init(SHAPES, 7)
            ours, theirs = arrays(0), arrays(0)
            for step in range(8):
                before = [p.copy() for p in theirs]
                states[0].step(theirs, arrays(step + 1, scale=0.1))
                states[1].step(ours, arrays(step + 1, scale=0.1))
                for mine, other, old in zip(ours, theirs, before):
                    # Kernels in float32 sum in another order: 2e-4 of the largest update (Newton-Schulz
                    # makes small differences larger), and a rounding of the parameter.
                    largest = numpy.abs(other - old).max()
                    bound = 2e-4 * largest + 2 ** -23 * numpy.abs(old).max()
                    self.assertLessEqual(numpy.abs(mine - other).max(), bound, f"{net} {options}, step {step}, {old.shape}")
                # Without drift, so that every step is compared by itself.
                for mine, other in zip(ours, theirs):
                    mine[...] = other

    def test_each_goes_on_from_the_other_s_state(self):
        for net in NETS:
            library, plain = l2l.loads(saved(net), "library"), l2l.loads(saved(net), "numpy")
            first, second = library.init(SHAPES), plain.init(SHAPES)
            parameters = arrays(0)
            for step in range(3):
                first.step(parameters, arrays(step + 1))
            second.restore(first.save())
            self.assertEqual(second.step_count, 3)
            back = library.init(SHAPES)
            back.restore(second.save())
            self.assertEqual(back.save(), first.save())

    def test_options_count_as_in_the_library(self):
        for backend in ("library", "numpy"):
            state = l2l.loads(saved("Celo2Base"), backend).init([(4, 4)])
            parameters = arrays(0, [(4, 4)])
            with self.assertRaises(l2l.Error):
                state.set_option("no_such", 1)
            with self.assertRaises(l2l.Error):
                state.set_option("learning_rate", float("nan"))
            state.set_option("learning_rate", 0)
            old = parameters[0].copy()
            state.step(parameters, arrays(1, [(4, 4)]))
            self.assertTrue((parameters[0] == old).all())

    def test_a_graft_can_be_set_and_unset(self):
        def stepped(state, options):
            parameters = arrays(0, [(4, 4)])
            for step, graft in enumerate(options):
                if graft is not None:
                    state.set_option("graft", graft)
                state.step(parameters, arrays(step + 1, [(4, 4)]))
            return parameters[0]

        for net in ("Celo2", "Celo2Base"):
            for backend in ("library", "numpy"):
                plain, grafted = (l2l.loads(saved(net, **more), backend) for more in ({}, {"graft": 0.5}))
                kept = stepped(grafted.init([(4, 4)]), [None] * 4)
                steady = stepped(plain.init([(4, 4)]), [None] * 4)
                self.assertFalse((kept == steady).all())
                numpy.testing.assert_array_equal(stepped(plain.init([(4, 4)]), [0.5] * 4), kept)
                numpy.testing.assert_array_equal(stepped(grafted.init([(4, 4)]), [0] * 4), steady)
                stepped(plain.init([(4, 4)]), [0.5, 0, 0.25, 0])

    def test_what_numpy_has_not_is_said(self):
        with self.assertRaises(l2l.Error) as fault:
            l2l.loads(saved("Celo"), "numpy")
        self.assertIn("build-library", str(fault.exception))
        with self.assertRaises(l2l.Error):
            l2l.pretrained("mnist", "numpy")

    def test_malformed_files_are_errors(self):
        content = saved("MLPLOpt")
        random = numpy.random.default_rng(0)
        for _ in range(2000):
            mutated = bytearray(content[:random.integers(len(content))] if random.random() < 0.1 else content)
            for _ in range(random.integers(1, 4)):
                if mutated:
                    mutated[random.integers(min(len(mutated), 900))] = random.integers(256)
            try:
                l2l.loads(bytes(mutated), "numpy")
            except l2l.Error:
                pass

    def test_without_a_library_numpy_steps_and_says_so(self):
        code = ("import sys, warnings, nets, l2l\n"
                "with warnings.catch_warnings(record=True) as seen:\n"
                "  warnings.simplefilter('always')\n"
                "  optimizer = l2l.loads(nets.saved('Celo2'))\n"
                "assert 'in NumPy' in repr(optimizer) and len(seen) == 1, seen\n")
        environment = {**os.environ, "L2L_LIBRARY": "/no/such/library.so"}
        subprocess.run([sys.executable, "-c", code], check=True, env=environment, cwd=os.path.dirname(__file__))


if __name__ == "__main__":
    unittest.main()
