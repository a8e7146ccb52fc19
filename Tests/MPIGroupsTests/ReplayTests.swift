import Foundation
import Safetensors
import TestSupport
import Testing

extension BuiltProgram {
  @Suite(.serialized) struct ReplayTests {
    private func train(into folder: String, epochs: Int) -> [String] {
      [
        "train", "--problem=quadratic", "--save_path=\(folder)", "--optimizees=3",
        "--problem_option", "batch_size=8", "--problem_option", "num_dims=5", "--seed=7",
        "--num_epochs=\(epochs)", "--num_steps=6", "--unroll_length=6", "--log_period=3",
      ]
    }

    private func state(_ folder: String) -> String {
      "\(folder)/latest.training-state.safetensors"
    }

    private func unroll(
      _ folder: TemporaryFolder, _ instance: Int, ranks: Int? = nil
    ) throws -> SafetensorsFile {
      let output = folder.file("unroll-\(instance)-\(ranks ?? 0).safetensors")
      let result = try run(
        ranks: ranks,
        [
          "unroll", "--path=\(state(folder.file("run")))", "--epoch=3",
          "--instance=\(instance)", "--output=\(output)",
        ])
      #expect(result.code == 0, "\(result.errors)")
      return try SafetensorsFile(contentsOf: output)
    }

    @Test("any optimizee of a run on several ranks can be unrolled again alone, bit for bit")
    func replay() throws {
      let folder = try TemporaryFolder()
      let path = folder.file("run")
      #expect(try run(ranks: 2, train(into: path, epochs: 3)).code == 0)
      // The weights are those with which epoch 3 will be unrolled.
      let losses = try (0..<3).map { instance in
        try #require(try unroll(folder, instance)["fx"]?.floats())
      }
      #expect(losses.allSatisfy { $0.count == 7 })
      #expect(Set(losses.compactMap(\.first)).count == 3)
      let ranked = try unroll(folder, 1, ranks: 2)
      #expect(try ranked["fx"]?.floats() == losses[1])

      let next = try run(
        ranks: 2, ["train", "--resume", "--save_path=\(path)", "--num_epochs=4"])
      #expect(next.code == 0, "\(next.errors)")
      // The costs since the log line of epoch 3: epoch 3's mean final loss, as the run saw it.
      let progress = try #require(
        try SafetensorsFile(contentsOf: state(path))["progress"]?.doubles())
      let finals = losses.compactMap(\.last).map(Double.init)
      #expect(progress[1] == finals.reduce(0, +) / 3)
    }
  }
}
