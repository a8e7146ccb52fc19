import Foundation
import TestSupport
import Testing

/// A training small enough to be run many times.
struct SmallTraining: CustomTestStringConvertible, Sendable {
  let problem: String
  let arguments: [String]
  var testDescription: String { problem }

  /// `train` with this problem.
  func train(optimizees: Int, into folder: String) -> [String] {
    ["train", "--problem=\(problem)", "--save_path=\(folder)", "--optimizees=\(optimizees)"]
      + arguments
  }

  static let quadratic = SmallTraining(
    problem: "quadratic",
    arguments: [
      "--problem_option", "batch_size=8", "--problem_option", "num_dims=5", "--num_epochs=6",
      "--num_steps=12", "--unroll_length=4", "--log_period=2", "--evaluation_period=3",
      "--evaluation_epochs=5", "--checkpoint_period=1", "--seed=5",
    ])
  static let simpleMulti = SmallTraining(
    problem: "simple-multi",
    arguments: [
      "--num_epochs=9", "--num_steps=10", "--unroll_length=5", "--log_period=2",
      "--evaluation_period=4", "--evaluation_epochs=3",
    ])
  static let mnist = SmallTraining(
    problem: "mnist",
    arguments: [
      "--num_epochs=2", "--num_steps=4", "--unroll_length=2", "--log_period=1",
      "--evaluation_period=2", "--evaluation_epochs=2",
    ])
  static let cifarMulti = SmallTraining(
    problem: "cifar-multi",
    arguments: [
      "--data_dir=synthetic", "--problem_option", "conv_channels=2", "--problem_option",
      "linear_layers=3", "--problem_option", "batch_size=4", "--num_epochs=2", "--num_steps=4",
      "--unroll_length=2", "--log_period=1", "--evaluation_period=2", "--evaluation_epochs=2",
    ])
  static let several = SmallTraining(
    problem: "quadratic,mnist",
    arguments: [
      "--problem_option", "mnist.layers=3", "--problem_option", "quadratic.num_dims=4",
      "--net_option", "layers=3", "--estimator=nres", "--num_steps=6..20", "--unroll_length=4",
      "--num_meta_steps=4", "--log_period=2", "--evaluation_period=2", "--evaluation_epochs=2",
    ])
  static let all = [quadratic, simpleMulti, mnist, cifarMulti, several]

  /// A quadratic that trains until it is stopped.
  static func endless(into folder: String) -> [String] {
    [
      "train", "--problem=quadratic", "--save_path=\(folder)", "--optimizees=3",
      "--problem_option", "batch_size=8", "--problem_option", "num_dims=5",
      "--num_epochs=1000000", "--num_steps=20", "--unroll_length=5", "--log_period=10",
      "--evaluation_period=50", "--evaluation_epochs=2", "--checkpoint_period=10",
    ]
  }
}

extension BuiltProgram {
  @Suite(.serialized) struct SameBitsTests {
    @Test(
      "training gives the same lines and files, byte for byte, on any number of ranks",
      arguments: SmallTraining.all, [1, 3, 5])
    func training(_ training: SmallTraining, optimizees: Int) throws {
      let folder = try TemporaryFolder()
      let reference = try run(
        ranks: nil, training.train(optimizees: optimizees, into: folder.file("alone")))
      #expect(reference.code == 0, "\(reference.errors)")
      #expect(!reference.lines.isEmpty)
      for ranks in 1...4 {
        let name = "ranks-\(ranks)"
        let result = try run(
          ranks: ranks, training.train(optimizees: optimizees, into: folder.file(name)))
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.lines == reference.lines, "\(ranks) ranks")
        try expectSameFiles(folder.file(name), folder.file("alone"), "\(ranks) ranks")
      }
    }

    @Test("an evaluation writes the same losses on any number of ranks")
    func evaluation() throws {
      let folder = try TemporaryFolder()
      func evaluate(_ ranks: Int?) throws -> (Run.Result, Data) {
        let file = folder.file("losses-\(ranks ?? 0).csv")
        let result = try run(
          ranks: ranks,
          [
            "evaluate", "--problem=quadratic", "--optimizer=Adam", "--learning_rate=0.1",
            "--num_epochs=7", "--num_steps=20", "--output=\(file)",
          ])
        return (result, try Data(contentsOf: URL(fileURLWithPath: file)))
      }
      let (reference, losses) = try evaluate(nil)
      #expect(reference.code == 0)
      #expect(losses.split(separator: UInt8(ascii: "\n")).count == 1 + 7 * 21)
      for ranks in 1...4 {
        let (result, found) = try evaluate(ranks)
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.lines == reference.lines, "\(ranks) ranks")
        let isSame = found == losses
        #expect(isSame, "\(ranks) ranks")
      }
    }

    @Test("an optimizee that diverged is reported once and leaves the same files")
    func divergence() throws {
      let folder = try TemporaryFolder()
      func train(_ ranks: Int?) throws -> Run.Result {
        try run(
          ranks: ranks,
          SmallTraining.quadratic.train(
            optimizees: 3, into: folder.file("ranks-\(ranks ?? 0)")
          ).filter { !$0.hasPrefix("--evaluation_epochs") }
            + ["--net_option", "scale=1e19", "--evaluation_epochs=0"])
      }
      func reports(_ result: Run.Result) -> [Substring] {
        result.errors.split(separator: "\n").filter { $0.contains("not finite") }
      }
      let reference = try train(nil)
      #expect(!reports(reference).isEmpty)
      for ranks in [2, 3] {
        let result = try train(ranks)
        #expect(result.code == reference.code)
        #expect(reports(result) == reports(reference), "\(ranks) ranks")
        try expectSameFiles(
          folder.file("ranks-\(ranks)"), folder.file("ranks-0"), "\(ranks) ranks")
      }
    }
  }
}
