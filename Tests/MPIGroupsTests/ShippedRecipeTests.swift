import Catalogs
import Foundation
import TestSupport
import Testing

extension BuiltProgram {
  /// The recipe of the optimizer that comes for any model, at its own settings.
  @Suite(.serialized) struct ShippedRecipeTests {
    @Test("200 meta-steps of celo2's evolution strategies save the same bytes on 1 and 2 ranks")
    func bytes() throws {
      let recipe = try #require(Catalog.standard.recipe(named: "celo2"))
      let phase = try #require(recipe.phases.last)
      #expect(phase.settings.contains { $0 == (name: "estimator", value: "nres") })
      // What ends a training and what it reports; the rest is the recipe's.
      let extent = [
        "num_meta_steps": "200", "evaluation_period": "200", "evaluation_epochs": "1",
        "log_period": "100",
      ]
      let settings =
        phase.settings.filter { extent[$0.name] == nil }.map { "--\($0.name)=\($0.value)" }
        + extent.map { "--\($0.key)=\($0.value)" }
      let folder = try TemporaryFolder()
      var saved: [[Data]] = []
      for ranks in [nil, 2] {
        let path = folder.file("\(ranks ?? 1)")
        let result = try run(
          ranks: ranks, ["train", "--save_path=\(path)"] + settings, atMost: 300)
        try #require(result.code == 0, "\(result.errors)")
        saved.append(
          try ["cw.safetensors", "latest.training-state.safetensors"].map {
            try Data(contentsOf: URL(fileURLWithPath: "\(path)/\($0)"))
          })
      }
      #expect(saved[0] == saved[1])
    }
  }
}
