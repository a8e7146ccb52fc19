package import Autodiff
package import Layers
import LearnedOptimizers
package import MetaGradients
package import Settings
package import Tensors
package import Unrolling

/// A rule with two weights of three and two numbers that moves nothing.
package struct Idle: RowwiseOptimizer {
  /// `Idle`.
  package static let name = "Idle"
  /// w [3] and v [2].
  package let weights = [
    VariableSpecification("w", [3], .constant(0.5)), VariableSpecification("v", [2], .constant(-1)),
  ]
  /// None.
  package var options: [String: JSONValue] { [:] }
  /// None.
  package var rowStateShapes: [Shape] { [] }

  /// The rule.
  package init() {}

  /// Zeros.
  package func update(rows: Variable, state: [Variable], index: Int, weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    (rows * 0, [])
  }
}

/// Gives particles meta-gradients that were made up.
package struct Scripted: MetaGradientEstimator {
  /// `scripted`.
  package static let name = "scripted"
  private let script: @Sendable (_ particle: Int, _ metaStep: Int) -> [Double]?

  /// An estimator of these gradients of one net; a particle without one has diverged.
  package init(
    _ script: @escaping @Sendable (_ particle: Int, _ metaStep: Int) -> [Double]?
  ) { self.script = script }

  /// One optimizee that stays where it is.
  package func start(
    _ key: OptimizeeKey, in setting: EstimationSetting, on unroller: Unroller
  ) -> Episode {
    Episode(walkers: [setting.optimizee(key, on: unroller)], length: 1_000_000)
  }

  /// What the script says.
  package func estimate(
    _ episode: inout Episode, weights: [NamedTensors], in setting: EstimationSetting,
    on unroller: Unroller
  ) throws(Divergence) -> MetaGradient {
    guard let gradient = script(episode.key.instance, setting.metaStep) else {
      throw Divergence(key: episode.key, step: 0, quantity: .loss)
    }
    return MetaGradient(losses: [1], gradients: [gradient], metaLoss: 1)
  }
}
