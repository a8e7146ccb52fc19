import LearnedOptimizers
import Settings
import Tensors
import Testing

@Suite("PretrainedOptimizer")
struct PretrainedOptimizerTests {
  @Test("each loads and tells how it was trained", arguments: PretrainedOptimizer.allCases)
  func metadata(pretrained: PretrainedOptimizer) throws {
    let saved = try pretrained.load()
    let (problem, rule): (String, any LearnedOptimizer.Type) =
      switch pretrained {
      case .celo2: ("small-images,perceptrons,conv-net,autoencoder,char-lstm", Celo2.self)
      case .perceptrons: ("mnist", RNNprop.self)
      case .mnist, .quadratic: (pretrained.rawValue, CoordinateWiseDeepLSTM.self)
      }
    #expect(saved.metadata["problem"] == problem)
    #expect(type(of: saved.rule) == rule)
    #expect(saved.metadata["commit"]?.isEmpty == false)
    let options = try #require(
      saved.metadata["training_options"].flatMap { JSONValue(parsing: $0)?.object })
    #expect(options["seed"]?.string == saved.metadata["seed"])
    let curve = try #require(saved.metadata["curve"].flatMap { JSONValue(parsing: $0)?.array })
    let losses = curve.compactMap { $0.array?.last?.number }
    // The best evaluation is the one that was kept; JSON has the digits of single precision.
    let kept = try #require(saved.metadata["evaluation"].flatMap { Float($0) })
    #expect(losses.min().map { Float($0) } == kept)
  }
}
