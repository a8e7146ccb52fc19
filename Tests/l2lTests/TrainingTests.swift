import Foundation
import Safetensors
import TestSupport
import Testing

@Suite("A training's lines and files")
struct TrainingTests {
  @Test("standard output has the reference's lines and no others")
  func lines() throws {
    let result = try run([
      "train", "--problem=quadratic", "--problem_option=batch_size=4", "--num_epochs=6",
      "--log_period=2", "--evaluation_period=3", "--evaluation_epochs=2",
    ])
    #expect(result.code == 0)
    #expect(
      result.errors == "l2l: warning: without --save_path nothing is saved\n",
      "without a terminal there is no progress bar")
    let headers = ["Epoch 2", "EVALUATION", "Epoch 4", "Epoch 6", "EVALUATION"]
    let lines = result.output.split(separator: "\n", omittingEmptySubsequences: false)
    try #require(lines.count == 3 * headers.count + 1)
    for (index, header) in headers.enumerated() {
      #expect(lines[3 * index] == header)
      #expect(
        lines[3 * index + 1].wholeMatch(of: /Log Mean Final Error: -?\d+\.\d\d/) != nil)
      #expect(lines[3 * index + 2].wholeMatch(of: /Mean epoch time: \d+\.\d\d s/) != nil)
    }
    #expect(lines.last == "")
  }

  @Test("the folder has the optimizer with its origin, the state and the table, and nothing else")
  func files() throws {
    let folder = try TemporaryFolder()
    let result = try run(
      [
        "train", "--problem=quadratic", "--problem_option=batch_size=4", "--num_epochs=2",
        "--evaluation_period=1", "--evaluation_epochs=1", "--seed=7", "--save_path=out",
      ], in: folder.path)
    #expect(result.code == 0)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.file("out")).sorted()
        == ["cw.safetensors", "latest.training-state.safetensors", "metrics.csv"])
    let net = try SafetensorsFile(contentsOf: folder.file("out/cw.safetensors"))
    let shapes = [
      "lstm_1/w_gates": [21, 80], "lstm_1/b_gates": [80], "lstm_2/w_gates": [40, 80],
      "lstm_2/b_gates": [80], "linear/w": [20, 1], "linear/b": [1],
    ]
    #expect(Set(net.names) == Set(shapes.keys))
    for (name, shape) in shapes {
      #expect(net[name]?.shape == shape && net[name]?.type == .float32)
    }
    #expect(net.metadata["net"] == "CoordinateWiseDeepLSTM")
    #expect(net.metadata["key"] == "cw")
    #expect(net.metadata["problem"] == "quadratic")
    #expect(net.metadata["seed"] == "7")
    for key in ["format_version", "net_options", "epoch", "evaluation", "program_version"] {
      #expect(net.metadata[key] != nil, "\(key)")
    }
  }

  @Test("the same seed gives the same bytes, another seed others")
  func seeds() throws {
    let folder = try TemporaryFolder()
    let training = ["train", "--problem=quadratic", "--problem_option=batch_size=2"]
    for (name, seed) in [("a", 1), ("b", 1), ("c", 2)] {
      let result = try run(
        training + ["--num_epochs=2", "--seed=\(seed)", "--save_path=\(name)"], in: folder.path)
      #expect(result.code == 0)
    }
    let nets = try ["a", "b", "c"].map { try contents(folder.file("\($0)/cw.safetensors")) }
    #expect(nets[0] == nets[1])
    #expect(nets[0] != nets[2])
  }

  @Test("steps that fill no unroll are left out with a notice")
  func incompleteUnroll() throws {
    let result = try run([
      "train", "--num_epochs=1", "--log_period=1", "--num_steps=50", "--unroll_length=20",
    ])
    #expect(result.code == 0)
    #expect(result.errorLines.count == 2)
    #expect(result.errors.contains("the last 10 of 50 steps"))
  }

  @Test("an optimizee that diverges is told and leaves the weights finite")
  func divergence() throws {
    let folder = try TemporaryFolder()
    let result = try run(
      [
        "train", "--problem=quadratic", "--problem_option=batch_size=2",
        "--problem_option=stddev=1e38", "--num_epochs=2", "--log_period=1", "--save_path=out",
      ], in: folder.path)
    // A training of which nothing can be said is none that has succeeded.
    #expect(result.code == 65 && result.errors.contains("2 of 2 optimizees diverged"))
    #expect(result.errors.contains("the loss is not finite in epoch 1, optimizee 0, step 0"))
  }

  @Test("weights that would become infinite end the training, and are not saved")
  func weightsNotFinite() throws {
    let folder = try TemporaryFolder()
    let result = try run(
      [
        "train", "--problem=simple", "--num_epochs=4", "--log_period=1", "--save_path=out",
        "--learning_rate=3e38", "--checkpoint_period=1",
      ], in: folder.path)
    #expect(result.code == 65 && result.errors.contains("--clip_mean_norm"), "\(result.errors)")
    #expect(try !folder.names().contains("out/cw.safetensors"))
    let path = folder.file("out/latest.training-state.safetensors")
    guard FileManager.default.fileExists(atPath: path) else { return }
    let state = try SafetensorsFile(contentsOf: path)
    for name in state.names where name.hasPrefix("weights/") {
      #expect(try state[name]?.floats().allSatisfy(\.isFinite) == true, "\(name)")
    }
  }

  @Test("meta-gradients too large to be squared are dropped as divergences are, and counted")
  func hugeMetaGradients() throws {
    let folder = try TemporaryFolder()
    let result = try run(
      [
        "train", "--problem=beale", "--unroll_length=100", "--estimator=pes", "--optimizees=2",
        "--sigma=1", "--net_option=layers=4", "--net_option=scale=1", "--num_meta_steps=6",
        "--evaluation_period=100", "--evaluation_epochs=0", "--log_period=1", "--save_path=out",
      ], in: folder.path)
    let table = try String(contentsOfFile: folder.file("out/metrics.csv"), encoding: .utf8)
    #expect(!table.contains("nan,") || result.code == 65, "\(table)")
    let state = try SafetensorsFile(
      contentsOf: folder.file("out/latest.training-state.safetensors"))
    for name in state.names where name.hasPrefix("weights/") || name.hasPrefix("optimizer/") {
      #expect(try state[name]?.floats().allSatisfy(\.isFinite) == true, "\(name)")
    }
  }

  @Test("a training that mostly diverges stops at the evaluation with advice")
  func mostlyDiverged() throws {
    try expectFailure(
      [
        "train", "--problem=quadratic", "--problem_option=batch_size=2",
        "--problem_option=stddev=1e38", "--num_epochs=4", "--evaluation_period=2",
      ], code: 65, saying: ["diverged", "--learning_rate"])
  }
}
