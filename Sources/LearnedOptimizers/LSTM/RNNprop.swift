public import Autodiff
public import Layers
internal import Platform
public import Settings
public import Tensors

/// RNNprop (Lv, Jiang, Li, "Learning gradient descent: better generalization and longer horizons",
/// 2017, arXiv 1703.03633): an LSTM on every coordinate's gradient in units of its own history.
///
///     m' = b m + (1 - b) g,  v' = b v + (1 - b) g^2,  b = 0.95, bias-corrected to m^, v^
///     x = ELU([m^, g] / (sqrt(v^) + 1e-8) W + w)            W [2, units]
///     two LSTM layers as in `DeepLSTM`, then update = 0.1 tanh(h u + a)
///
/// The update is added, as in the paper's theta + alpha tanh(x_out). Where v^ is below the smallest
/// normal number, nothing is taken through the derivative of its root, which is infinite at 0; the
/// root itself is lost beside 1e-8 there.
public struct RNNprop: RowwiseOptimizer {
  /// `RNNprop`.
  public static let name = "RNNprop"
  /// The decay of both moments.
  public static let decay = 0.95
  /// The layers and the largest update.
  public let settings: RNNpropSettings
  /// The LSTM layers; its linear output is not this rule's.
  let net: DeepLSTM

  /// A net with these options.
  ///
  /// - Precondition: one layer at least.
  public init(_ settings: RNNpropSettings) {
    precondition(!settings.layers.isEmpty, "RNNprop without layers")
    self.settings = settings
    net = DeepLSTM(
      layers: settings.layers, preprocess: .identity, scale: 1, width: settings.layers[0])
  }

  /// A net with layers of the given sizes; the first is also that of the projection.
  public init(layers: [Int] = [20, 20], scale: Float = 0.1) {
    var settings = RNNpropSettings()
    (settings.layers, settings.scale) = (layers, scale)
    self.init(settings)
  }

  /// layers and scale.
  public var options: [String: JSONValue] { settings.json }

  private var layers: [Int] { settings.layers }
  private var projection: Int { layers.first ?? 1 }

  /// `input_projection/w`, `/b`, then `lstm_1/w_gates`, ..., `linear/w` [units, 1], `linear/b` [1].
  public var weights: [VariableSpecification] {
    let units = layers.last ?? 1
    return [
      VariableSpecification(
        "input_projection/w", [2, projection],
        .truncatedNormal(standardDeviation: 1 / Float(2).squareRoot())),
      VariableSpecification("input_projection/b", [projection], .zeros),
    ] + net.weights.dropLast(2) + [
      VariableSpecification(
        "linear/w", [units, 1],
        .truncatedNormal(standardDeviation: 1 / Float(units).squareRoot())),
      VariableSpecification("linear/b", [1], .zeros),
    ]
  }

  /// m, v, and h and c of each layer.
  public var rowStateShapes: [Shape] {
    [[1], [1]] + layers.flatMap { [Shape(vector: $0), Shape(vector: $0)] }
  }

  /// One step.
  public func update(rows: Variable, state: [Variable], index: Int, weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let decay = Float(Self.decay)
    let m = state[0] * decay + rows * (1 - decay)
    let v = state[1] * decay + rows.squared() * (1 - decay)
    let correction = Float(1 / (1 - pow(Self.decay, Double(index + 1))))
    let second = (v * correction).clamped(low: .leastNormalMagnitude, high: .infinity)
    let size = second.squareRoot() + 1e-8
    let seen = (m * correction / size).concatenated(with: rows / size, axis: 1)
    let projected = linear(seen, w: weights[0], b: weights[1])
    // ELU: x above 0, e^x - 1 below.
    let x = projected.relu() + (projected.clamped(low: -.infinity, high: 0).exp() + -1)
    let (h, next) = net.recur(
      x, state: Array(state.dropFirst(2)), weights: Array(weights[2..<2 + 2 * layers.count]))
    let last = 2 + 2 * layers.count
    let update = linear(h, w: weights[last], b: weights[last + 1]).tanh() * settings.scale
    return (update, [m, v] + next)
  }

  /// The fused kernels.
  public func makeEngine() -> any OptimizerEngine { FusedEngine(self) }
}
