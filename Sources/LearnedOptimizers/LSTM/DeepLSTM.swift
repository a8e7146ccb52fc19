public import Autodiff
public import Layers
internal import Settings
public import Tensors

/// Preprocessing, LSTM layers, and a linear output: what the three LSTM optimizers share.
///
/// For rows x [R, in] of preprocessed gradients and layers of H units (Sonnet's LSTM, after
/// Zaremba, Sutskever and Vinyals, "Recurrent neural network regularization", 2014):
///
///     [i, j, f, o] = [x, h] W + b                       W [in + H, 4 H], b [4 H]
///     c' = c sigmoid(f + 1) + sigmoid(i) tanh(j)
///     h' = tanh(c') sigmoid(o)                          the next layer's x
///     update = scale (h w + v)                          w [H, width], v [width]
///
/// The forget bias 1 is added in the cell and not stored in b. Without layers the linear output
/// reads the preprocessed gradients. Weights: lstm_1/w_gates, lstm_1/b_gates, ..., linear/w,
/// linear/b. State: h and c of each layer, [R, H].
public struct DeepLSTM: Sendable {
  /// The units of each layer.
  public let layers: [Int]
  /// What is done to gradients first.
  public let preprocess: Preprocessing
  /// What updates are multiplied by.
  public let scale: Float
  /// Gradient entries a row, and outputs a row.
  public let width: Int
  /// Names, shapes and initial values of the weights, in the order given above.
  public let weights: [VariableSpecification]

  /// A net.
  ///
  /// By default W, b of a layer are truncated normal with deviation 1/sqrt(in + H), w with
  /// 1/sqrt(in), v is zero.
  public init(
    layers: [Int], preprocess: Preprocessing, scale: Float, width: Int,
    initializers: WeightInitializers = .standard
  ) {
    self.layers = layers
    self.preprocess = preprocess
    self.scale = scale
    self.width = width
    var weights = Self.layout(layers: layers, preprocess: preprocess, width: width).map { place in
      VariableSpecification(
        "\(place.layer)/\(place.variable)", place.shape,
        initializers.initializer(layer: place.layer, variable: place.variable) ?? place.standard)
    }
    if initializers.inputGain != 1 {
      // The first rows of the first layer read the gradients.
      let first = weights[0]
      weights[0] = VariableSpecification(
        first.name, first.shape,
        .gained(
          first.initializer, rows: width * preprocess.width, factor: initializers.inputGain))
    }
    self.weights = weights
  }

  /// A weight's place in the net, and how it is drawn by default.
  struct Place {
    let layer: String
    let variable: String
    let shape: Shape
    let standard: Initializer
  }

  /// The weights of a net, in order.
  static func layout(layers: [Int], preprocess: Preprocessing, width: Int) -> [Place] {
    var places: [Place] = []
    var inputs = width * preprocess.width
    for (index, units) in layers.enumerated() {
      let layer = "lstm_\(index + 1)"
      let standard = Initializer.truncatedNormal(
        standardDeviation: 1 / Float(inputs + units).squareRoot())
      places.append(
        Place(
          layer: layer, variable: "w_gates", shape: [inputs + units, 4 * units], standard: standard)
      )
      places.append(
        Place(layer: layer, variable: "b_gates", shape: [4 * units], standard: standard))
      inputs = units
    }
    let standard = Initializer.truncatedNormal(
      standardDeviation: 1 / Float(inputs).squareRoot())
    places.append(
      Place(layer: "linear", variable: "w", shape: [inputs, width], standard: standard))
    places.append(Place(layer: "linear", variable: "b", shape: [width], standard: .zeros))
    return places
  }

  /// The state of one row: h [H] and c [H] of each layer.
  var rowStateShapes: [Shape] { layers.flatMap { [Shape(vector: $0), Shape(vector: $0)] } }

  func update(gradient: Variable, state: [Variable], weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let (x, next) = recur(preprocess(gradient), state: state, weights: weights)
    let last = 2 * layers.count
    return (linear(x, w: weights[last], b: weights[last + 1]) * scale, next)
  }

  /// One step of the LSTM layers: the last one's output and the next h and c of each.
  func recur(_ input: Variable, state: [Variable], weights: [Variable])
    -> (output: Variable, state: [Variable])
  {
    var x = input
    var next: [Variable] = []
    for (layer, units) in layers.enumerated() {
      let h = state[2 * layer]
      let c = state[2 * layer + 1]
      let gates = linear(
        x.concatenated(with: h, axis: 1), w: weights[2 * layer], b: weights[2 * layer + 1])
      func gate(_ index: Int) -> Variable {
        gates.slice(axis: 1, from: index * units, count: units)
      }
      let forget = (gate(2) + 1).sigmoid()
      let cell = c * forget + gate(0).sigmoid() * gate(1).tanh()
      x = cell.tanh() * gate(3).sigmoid()
      next += [x, cell]
    }
    return (x, next)
  }
}

/// An optimizer that is a `DeepLSTM` on rows of gradients.
public protocol DeepLSTMOptimizer: RowwiseOptimizer {
  /// The net.
  var net: DeepLSTM { get }
}

extension DeepLSTMOptimizer {
  /// The net's weights.
  public var weights: [VariableSpecification] { net.weights }

  /// The net's width.
  public var rowWidth: Int { net.width }

  /// h and c of each layer.
  public var rowStateShapes: [Shape] { net.rowStateShapes }

  /// One step of the net.
  public func update(rows: Variable, state: [Variable], index: Int, weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    net.update(gradient: rows, state: state, weights: weights)
  }

  /// The fused kernels.
  public func makeEngine() -> any OptimizerEngine { FusedEngine(self) }

  var netOptions: [String: JSONValue] {
    var options: [String: JSONValue] = [
      "layers": .array(net.layers.map { .number(Double($0)) }),
      "scale": .float(net.scale),
    ]
    options.merge(net.preprocess.options) { $1 }
    return options
  }
}

extension Preprocessing {
  var options: [String: JSONValue] {
    switch self {
    case .identity:
      return ["preprocess_name": .string("identity")]
    case .clamp(let low, let high):
      var bounds: [String: JSONValue] = [:]
      if let low { bounds["min"] = .float(low) }
      if let high { bounds["max"] = .float(high) }
      return ["preprocess_name": .string("Clamp"), "preprocess_options": .object(bounds)]
    case .logAndSign(let k):
      return [
        "preprocess_name": .string("LogAndSign"),
        "preprocess_options": .object(["k": .float(k)]),
      ]
    }
  }
}
