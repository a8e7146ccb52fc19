"""NumPy arrays and the library."""

import tempfile
import threading
import unittest

import l2l
import numpy
from nets import SHAPES, arrays, saved


class Arrays(unittest.TestCase):
    def test_steps_arrays_in_place(self):
        state = l2l.make("Sgd", learning_rate=0.5).init([(2,), (2, 2)])
        parameters = [numpy.ones(2, numpy.float32), numpy.ones((2, 2), numpy.float32)]
        places = [p.ctypes.data for p in parameters]
        state.step(parameters, [numpy.full_like(p, 2) for p in parameters])
        self.assertTrue(all((p == 0).all() for p in parameters))
        self.assertEqual(places, [p.ctypes.data for p in parameters])
        self.assertEqual(state.step_count, 1)

    def test_what_is_known_of_an_optimizer(self):
        optimizer = l2l.loads(saved("Celo2"))
        self.assertEqual((optimizer.net, optimizer.weight_count), ("Celo2", 347))
        self.assertEqual(optimizer.options["learning_rate"], 0.01)
        self.assertEqual(optimizer.inputs, {"parameter"})
        self.assertEqual(optimizer.metadata["license"], "none given")
        self.assertEqual(l2l.pretrained("mnist").net, "CoordinateWiseDeepLSTM")

    def test_a_saved_state_goes_on_bit_for_bit(self):
        for net in ("Celo2", "CoordinateWiseDeepLSTM"):
            optimizer = l2l.loads(saved(net))
            first, second = optimizer.init(SHAPES), optimizer.init(SHAPES)
            whole = arrays(0)
            for step in range(3):
                first.step(whole, arrays(step + 1))
            copy = [p.copy() for p in whole]
            second.restore(first.save())
            for step in range(3, 6):
                first.step(whole, arrays(step + 1))
                second.step(copy, arrays(step + 1))
            for a, b in zip(whole, copy):
                self.assertEqual(a.tobytes(), b.tobytes())
            self.assertEqual(first.save(), second.save())

    def test_arrays_that_can_not_be_stepped_are_errors_and_stay(self):
        state = l2l.loads(saved("Celo2")).init([(2, 3)])
        good = numpy.ones((2, 3), numpy.float32)
        for bad in (good.astype(numpy.float64), good.T, numpy.ones((3, 2), numpy.float32), [[1, 2, 3]],
                    numpy.ones((2, 6), numpy.float32)[:, ::2]):
            with self.assertRaises(l2l.Error):
                state.step([bad], [good])
            with self.assertRaises(l2l.Error):
                state.step([good], [bad])
        locked = good.copy()
        locked.flags.writeable = False
        with self.assertRaises(l2l.Error):
            state.step([locked], [good])
        with self.assertRaises(l2l.Error) as fault:
            state.step([good], [numpy.full((2, 3), numpy.nan, numpy.float32)])
        self.assertEqual(fault.exception.code, l2l.Error.NOT_FINITE)
        self.assertTrue((good == 1).all())
        self.assertEqual(state.step_count, 0)

    def test_wrong_files_are_errors(self):
        with self.assertRaises(l2l.Error) as fault:
            l2l.load("/no/such/file")
        self.assertEqual(fault.exception.code, l2l.Error.FILE)
        content = bytearray(saved("Celo2"))
        for wrong in (b"", b"no safetensors", bytes(content[:-1]), bytes(content[:200])):
            with self.assertRaises(l2l.Error):
                l2l.loads(wrong)
        with self.assertRaises(l2l.Error):
            l2l.make("Celo2")
        with self.assertRaises(l2l.Error):
            l2l.make("Adam", rate=1)

    def test_a_folder_is_loaded_by_name(self):
        with tempfile.TemporaryDirectory() as folder:
            for name in ("conv", "fc"):
                with open(f"{folder}/{name}.safetensors", "wb") as file:
                    file.write(saved("Celo2"))
            for backend in ("library", "numpy"):
                with self.assertRaises(l2l.Error) as fault:
                    l2l.load(folder, backend=backend)
                self.assertIn("conv, fc", str(fault.exception))
                self.assertEqual(l2l.load(folder, "fc", backend=backend).net, "Celo2")

    def test_threads_step_states_of_their_own(self):
        optimizer = l2l.loads(saved("MLPLOpt"))
        results = {}

        def run(number):
            parameters, state = arrays(0), optimizer.init(SHAPES)
            for step in range(20):
                state.step(parameters, arrays(step + 1))
            results[number] = b"".join(p.tobytes() for p in parameters)

        threads = [threading.Thread(target=run, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(len(results), 4)
        self.assertEqual(len(set(results.values())), 1)

    def test_one_array_needs_no_list(self):
        parameter = numpy.ones(3, numpy.float32)
        state = l2l.make("Sgd", learning_rate=1).init(parameter)
        state.step(parameter, parameter.copy())
        self.assertTrue((parameter == 0).all())


if __name__ == "__main__":
    unittest.main()
