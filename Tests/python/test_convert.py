"""What `l2l convert` writes, read by Python itself."""

import json
import pathlib
import pickle
import subprocess
import tempfile
import unittest

import l2l
import numpy
from nets import SHAPES, arrays, saved

PROGRAM = pathlib.Path(__file__).resolve().parents[2] / ".build" / "release" / "l2l"


def convert(folder, source, target, *options):
    return subprocess.run([str(PROGRAM), "convert", str(folder / source), str(folder / target), *options],
                          capture_output=True, text=True)


@unittest.skipUnless(PROGRAM.exists(), "Scripts/l2l build makes the program")
class Convert(unittest.TestCase):
    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.place.name)

    def tearDown(self):
        self.place.cleanup()

    def save(self, net):
        (self.folder / "in.safetensors").write_bytes(saved(net))

    def test_a_pickle_is_one_of_dictionaries_of_arrays(self):
        self.save("CoordinateWiseDeepLSTM")
        run = convert(self.folder, "in.safetensors", "out.pickle")
        self.assertEqual(run.returncode, 0, run.stderr)
        content = pickle.loads((self.folder / "out.pickle").read_bytes())
        self.assertEqual(list(content), ["lstm_1", "lstm_2", "linear"])
        gates = content["lstm_1"]["w_gates"]
        self.assertEqual((gates.dtype, gates.shape), (numpy.dtype("float32"), (22, 80)))
        first = numpy.random.default_rng(0).standard_normal((22, 80)) / 22 ** 0.5
        self.assertTrue((gates == first.astype(numpy.float32)).all())
        facts = json.loads((self.folder / "out.pickle.json").read_text())
        self.assertEqual((facts["net"], facts["license"]), ("CoordinateWiseDeepLSTM", "none given"))

    def test_there_and_back_steps_the_same(self):
        for net, names in (("Celo2", ["out.state", "pylo.safetensors"]), ("RNNprop", ["out.pkl"]), ("MLPLOpt", ["m.state"])):
            self.save(net)
            for index, name in enumerate(names):
                for source, target, options in ((("in.safetensors"), name, ["--format=pylo"] if "pylo" in name else []),
                                                (name, f"{net}-{index}.safetensors", [])):
                    run = convert(self.folder, source, target, *options)
                    self.assertEqual(run.returncode, 0, run.stderr)
                results = []
                for file in ("in.safetensors", f"{net}-{index}.safetensors"):
                    parameters, optimizer = arrays(0), l2l.load(self.folder / file)
                    state = optimizer.init(SHAPES)
                    for step in range(3):
                        state.step(parameters, arrays(step + 1))
                    results.append((b"".join(p.tobytes() for p in parameters), optimizer.options))
                self.assertEqual(results[0], results[1])

    def test_flax_reads_what_is_written(self):
        try:
            import flax.serialization
        except ImportError:
            self.skipTest("flax is not installed")
        self.save("Celo2")
        self.assertEqual(convert(self.folder, "in.safetensors", "theta.state").returncode, 0)
        content = flax.serialization.msgpack_restore((self.folder / "theta.state").read_bytes())
        stack = content["ff_mod_stack"]["~"]
        self.assertEqual(stack["w0__3"].shape, (3, 8))
        self.assertEqual(sum(array.size for array in stack.values()), 347)

    def test_mistakes_are_one_line_and_lose_nothing(self):
        self.save("Celo2")
        (self.folder / "there.state").write_text("mine")
        cases = [
            (["in.safetensors", "there.state"], 73), (["in.safetensors", "in.safetensors"], 64),
            (["missing.safetensors", "out.safetensors"], 66), (["in.safetensors", "out.pickle"], 64),
            (["there.state", "out.safetensors"], 65), (["in.safetensors", "out.state", "--net_option", "net=No"], 64),
        ]
        for (source, target, *options), code in cases:
            run = convert(self.folder, source, target, *options)
            self.assertEqual(run.returncode, code, run.stderr)
            self.assertEqual(run.stderr.count("\n"), 1)
            self.assertFalse((self.folder / "out.safetensors").exists() or (self.folder / "out.pickle").exists())
        self.assertEqual((self.folder / "there.state").read_text(), "mine")
        run = subprocess.run([str(PROGRAM), "convert", "one"], capture_output=True, text=True)
        self.assertEqual(run.returncode, 64)

    def test_sizes_of_steps_can_be_chosen_anew_and_nothing_else(self):
        (self.folder / "in.safetensors").write_bytes(saved("Celo2"))
        run = convert(self.folder, "in.safetensors", "out.safetensors", "--net_option=graft=0.5",
                      "--net_option=learning_rate=0.25", "--net_option=adam_multiplier=5")
        self.assertEqual(run.returncode, 0, run.stderr)
        options = json.loads(l2l.load(self.folder / "out.safetensors").metadata["net_options"])
        self.assertEqual((options["graft"], options["learning_rate"], options["adam_multiplier"]), (0.5, 0.25, 5))
        self.assertEqual(options["weight_decay"], 0.125)
        (self.folder / "in.safetensors").write_bytes(saved("AdafacMLPLOpt", step_mult=0.5))
        run = convert(self.folder, "in.safetensors", "no.safetensors", "--net_option=step_mult=0.25")
        self.assertEqual(run.returncode, 64, run.stderr)
        self.assertFalse((self.folder / "no.safetensors").exists())

    def test_a_licence_that_is_given_is_kept(self):
        self.save("MLPLOpt")
        self.assertEqual(convert(self.folder, "in.safetensors", "a.state", "--license=MIT").returncode, 0)
        self.assertEqual(convert(self.folder, "a.state", "b.safetensors").returncode, 0)
        self.assertEqual(l2l.load(self.folder / "b.safetensors").metadata["license"], "MIT")


if __name__ == "__main__":
    unittest.main()
