internal import Tensors

/// What a small perceptron on features of each parameter is made of: Celo2, Celo, MLPLOpt and
/// AdafacMLPLOpt differ in nothing else.
///
/// With a tensor's gradient g, m, v and the factored second moments r, c (rank >= 2; u below) are moved
/// first, without bias correction: m <- d m + (1 - d) g, v <- d v + (1 - d) g^2, and with q = g^2 +
/// 1e-30, d0 the largest dimension and d1 the second largest (the later on ties), r <- d r + (1 - d)
/// mean over d0 of q, c <- d c + (1 - d) mean over d1 of q, u <- d u + (1 - d) q.
/// R = rsqrt(max(r / (mean over d1 of r + 1e-9), 1e-9)), C = rsqrt(max(c, 1e-9)), s = rsqrt(v + epsilon).
struct PerceptronDescription: Sendable {
  /// Groups of features, in the order of the first layer's rows; each but the first three, s and g s
  /// has one feature a decay.
  enum Feature: Int, Sendable, CaseIterable {
    case gradient, clippedGradient, parameter, momentum, rms, momentumOverRMS, rsqrtRMS
    case factoredGradient, gradientOverRMS, row, column, rsqrtRow, rsqrtColumn, factoredMomentum
  }

  /// What becomes of the perceptron's outputs o.
  enum Head: Sendable {
    /// o_0.
    case direct
    /// o_0 exp(exp_mult o_1) step_mult.
    case exponential
    /// That times the tensor's root mean square.
    case exponentialOfRMS
  }

  var momentumDecays: [Double]
  var rmsDecays: [Double] = []
  var factoredDecays: [Double] = []
  /// Whether offsets of the decays are weights.
  var learnsDecays = false
  var features: [Feature]
  /// Whether tensors of rank < 2 have no features from `row` on, rather than u in place of r and c.
  var vectorsStopAtRow = false
  var gradientLimit = Float.infinity
  var rmsEpsilon: Float = 1e-8
  /// Added to u before its root in m u^-1/2.
  var vectorEpsilon: Float = 0
  var normalizationEpsilon: Float
  /// Over the last two axes, else over the whole tensor.
  var normalizesLastTwoAxes = false
  /// Whether tanh(t / tau - 1) for eleven tau follow the features.
  var hasTime = false
  var hidden: [Int]
  var outputs: Int
  var head: Head
  var stepMultiplier: Float = 0.001
  var expMultiplier: Float = 0.001

  /// The tau of the features of time.
  static let timeScales: [Double] = [
    1, 3, 10, 30, 100, 300, 1000, 3000, 10000, 30000, 100_000,
  ]

  private static let grouped: [Feature] = [
    .momentum, .rms, .momentumOverRMS, .rsqrtRMS, .factoredGradient, .gradientOverRMS, .row,
    .column,
    .rsqrtRow, .rsqrtColumn, .factoredMomentum,
  ]

  /// How many features a group has.
  func count(of feature: Feature) -> Int {
    switch feature {
    case .gradient, .clippedGradient, .parameter: 1
    case .momentum, .momentumOverRMS, .factoredMomentum: momentumDecays.count
    case .rms, .rsqrtRMS, .gradientOverRMS: rmsDecays.count
    case .factoredGradient, .row, .column, .rsqrtRow, .rsqrtColumn: factoredDecays.count
    }
  }

  /// The first layer's rows.
  var inputCount: Int {
    features.reduce(0) { $0 + count(of: $1) } + (hasTime ? Self.timeScales.count : 0)
  }

  /// Celo2's: 30 inputs, 347 weights with hidden sizes 8, 8.
  static func celo2(hidden: [Int] = [8, 8]) -> PerceptronDescription {
    PerceptronDescription(
      momentumDecays: [0.9, 0.99, 0.999], rmsDecays: [0.95], factoredDecays: [0.9, 0.99, 0.999],
      features: [.gradient, .clippedGradient, .parameter] + grouped, vectorsStopAtRow: true,
      gradientLimit: 1000, normalizationEpsilon: 1e-9, normalizesLastTwoAxes: true, hidden: hidden,
      outputs: 3, head: .direct)
  }

  /// Celo's: 30 inputs.
  static func celo(hidden: [Int] = [4, 4]) -> PerceptronDescription {
    PerceptronDescription(
      momentumDecays: [0.9, 0.99, 0.999], rmsDecays: [0.999], factoredDecays: [0.9, 0.99, 0.999],
      features: [.gradient, .clippedGradient, .parameter] + grouped, gradientLimit: 1000,
      rmsEpsilon: 1e-6, normalizationEpsilon: 1e-5, hidden: hidden, outputs: 3,
      head: .exponentialOfRMS)
  }

  /// AdafacMLPLOpt's: 39 inputs.
  static func adafac(hidden: [Int] = [4, 4]) -> PerceptronDescription {
    PerceptronDescription(
      momentumDecays: [0.9, 0.99, 0.999], rmsDecays: [0.999], factoredDecays: [0.9, 0.99, 0.999],
      learnsDecays: true,
      features: [.gradient, .parameter] + grouped.filter { $0 != .gradientOverRMS },
      rmsEpsilon: 1e-6, vectorEpsilon: 1e-6, normalizationEpsilon: 1e-5, hasTime: true,
      hidden: hidden, outputs: 2, head: .exponential)
  }

  /// MLPLOpt's: 19 inputs.
  static func mlp(hidden: [Int] = [32, 32]) -> PerceptronDescription {
    PerceptronDescription(
      momentumDecays: [0.1, 0.5, 0.9, 0.99, 0.999, 0.9999],
      features: [.gradient, .parameter, .momentum],
      normalizationEpsilon: 1e-5, hasTime: true, hidden: hidden, outputs: 2, head: .exponential)
  }

  // MARK: - Shapes

  /// The largest and the second largest dimension; of equal ones the later is larger.
  static func factoredAxes(of shape: Shape) -> (largest: Int, second: Int) {
    let order = shape.dimensions.indices.sorted {
      (shape.dimensions[$0], $0) < (shape.dimensions[$1], $1)
    }
    return (order[order.count - 1], order[order.count - 2])
  }

  /// What the averages' start at 0 changes in how far gradients agree, to the power of `graft`.
  func agreementCorrection(step index: Int, _ graft: Float) -> Float {
    let steps = Double(index + 1)
    let (m, v) = (1 - power(momentumDecays[0], steps), 1 - power(rmsDecays[0], steps))
    return Float(power(v / (m * m), Double(graft) / 2))
  }

  /// The state of a tensor: m [decays, shape...], v, and r [decays, shape without d0] and c [decays,
  /// shape without d1], or u [decays, shape...]; those without decays are left out.
  func stateShapes(of shape: Shape) -> [Shape] {
    let shape = shape.rank == 0 ? [1] : shape
    func stacked(_ decays: [Double], _ shape: Shape) -> [Shape] {
      decays.isEmpty ? [] : [Shape([decays.count] + shape.dimensions)]
    }
    let accumulators = stacked(momentumDecays, shape) + stacked(rmsDecays, shape)
    guard shape.rank >= 2 else { return accumulators + stacked(factoredDecays, shape) }
    let (largest, second) = Self.factoredAxes(of: shape)
    func without(_ axis: Int) -> Shape {
      Shape(shape.dimensions.enumerated().filter { $0.offset != axis }.map(\.element))
    }
    return accumulators + stacked(factoredDecays, without(largest))
      + stacked(factoredDecays, without(second))
  }
}
