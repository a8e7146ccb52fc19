import Autodiff
import Layers
import LearnedOptimizers
import MetaGradients
import Problems
import Settings
import Tensors
import Unrolling

/// x <- A x + B w under a rule with weights w, from x = 1, with the loss c x.
///
/// The loss is linear in the weights, so that evolution strategies have no bias of their own: whatever
/// distance to the derivative is left in the mean comes from the estimator.
struct LinearSystem {
  static let a: [[Double]] = [[0.9, 0.25], [-0.125, 0.75]]
  static let b: [[Double]] = [[1, -0.5, 0.25], [0.5, 1, -1]]
  static let c: [Double] = [1, -2]
  /// The number of weights.
  static let weightCount = 3

  struct Rule: TensorwiseOptimizer {
    static let name = "LinearSystem"
    var options: [String: JSONValue] { [:] }
    let weights = [VariableSpecification("w", [LinearSystem.weightCount, 1], .constant(0.25))]
    var inputs: StepInputs { .parameter }
    func initialState(of shape: Shape) -> [Tensor] { [] }

    func update(_ step: TensorStep, state: [Variable], weights: [Variable])
      -> (update: Variable, state: [Variable])
    {
      let x = step.parameter.reshaped(to: [2, 1])
      let moved =
        Variable.product(Variable(matrix(a)), x) + Variable.product(Variable(matrix(b)), weights[0])
      return ((moved - x).reshaped(to: step.parameter.shape), [])
    }

    private func matrix(_ rows: [[Double]]) -> Tensor {
      Tensor(rows.joined().map { Float($0) }, shape: [rows.count, rows[0].count])
    }
  }

  struct Readout: Problem {
    let parameters = [VariableSpecification("x", [2], .constant(1))]

    func loss(
      parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
    ) -> Variable {
      (parameters[0] * Variable(Tensor(c.map { Float($0) }))).sum()
    }
  }

  static func makeUnroller() throws -> Unroller {
    Unroller(
      try Experiment(
        problem: Readout(), nets: [NetAssignment(key: "w", optimizer: Rule())]))
  }

  static let weights = [
    NamedTensors(names: ["w"], tensors: [Tensor(repeating: 0.25, shape: [weightCount, 1])])
  ]

  /// The derivative of the loss before step `t` by the weights used in step `s` of one trajectory.
  static func derivative(ofLoss t: Int, byStep s: Int) -> [Double] {
    guard s < t else { return [Double](repeating: 0, count: weightCount) }
    var row = c
    for _ in s + 1..<t {
      row = (0..<2).map { column in row[0] * a[0][column] + row[1] * a[1][column] }
    }
    return (0..<weightCount).map { row[0] * b[0][$0] + row[1] * b[1][$0] }
  }
}

/// The sums of many particles' estimates over some windows.
struct EstimateSample {
  /// One vector a particle.
  private(set) var sums: [[Double]] = []

  /// Walks so many windows with so many particles.
  init(
    _ estimator: any MetaGradientEstimator, _ setting: EstimationSetting, particles: Int,
    windows: Int
  ) throws {
    let unroller = try LinearSystem.makeUnroller()
    for particle in 0..<particles {
      let key = OptimizeeKey(seed: 11, phase: .training, epoch: 0, instance: particle)
      var episode = estimator.start(key, in: setting, on: unroller)
      var sum = [Double](repeating: 0, count: LinearSystem.weightCount)
      for _ in 0..<windows {
        let estimate = try estimator.estimate(
          &episode, weights: LinearSystem.weights, in: setting, on: unroller)
        for index in sum.indices { sum[index] += estimate.gradients[0][index] }
      }
      sums.append(sum)
    }
  }

  private var count: Double { Double(sums.count) }

  /// The mean of each element.
  var mean: [Double] {
    (0..<LinearSystem.weightCount).map { index in sums.reduce(0) { $0 + $1[index] } / count }
  }

  /// The variance of each element.
  var variance: [Double] {
    let mean = mean
    return mean.indices.map { index in
      sums.reduce(0) { $0 + ($1[index] - mean[index]) * ($1[index] - mean[index]) } / (count - 1)
    }
  }

  /// How many standard errors the mean is away from a vector, element by element.
  func distances(from expected: [Double]) -> [Double] {
    zip(zip(mean, variance), expected).map { abs($0.0 - $1) / ($0.1 / count).squareRoot() }
  }
}
