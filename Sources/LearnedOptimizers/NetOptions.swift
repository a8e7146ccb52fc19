internal import Layers
internal import Settings
internal import Tensors

/// A net's options as JSON values, read with the checks that each of them needs.
///
/// `preprocess` is accepted for `preprocess_name`, and `k`, `min`, `max` may stand beside it.
public struct NetOptions: Sendable {
  static let maximumLayers = 8
  static let maximumUnits = 1024

  private let net: String
  private var values: [String: JSONValue] = [:]

  init(net: String, given: [String: JSONValue], valid: [String]) throws(OptimizerError) {
    self.net = net
    let preprocesses = valid.contains("preprocess_name")
    var arguments: [String: JSONValue] = given["preprocess_options"]?.object ?? [:]
    for (name, value) in given.sorted(by: { $0.key < $1.key }) {
      switch name {
      case "preprocess" where preprocesses: values["preprocess_name"] = value
      case "k" where preprocesses, "min" where preprocesses, "max" where preprocesses:
        arguments[name] = value
      case _ where valid.contains(name): values[name] = value
      default: throw .unknownOption(net: net, option: name, valid: valid)
      }
    }
    if preprocesses, given["preprocess_options"].map({ $0.object != nil || $0 == .null }) ?? true {
      values["preprocess_options"] = .object(arguments)
    }
  }

  private func invalid(_ option: String, _ expected: String) -> OptimizerError {
    .invalidOption(
      net: net, option: option, value: values[option]?.text ?? "none", expected: expected)
  }

  /// A finite number.
  public func number(_ name: String, default standard: Float) throws(OptimizerError) -> Float {
    try Float(precise(name, default: Double(standard)))
  }

  /// A finite number in double precision.
  public func precise(_ name: String, default standard: Double) throws(OptimizerError) -> Double {
    guard let value = values[name] else { return standard }
    guard let number = value.number, Float(number).isFinite else {
      throw invalid(name, "a finite number")
    }
    return number
  }

  /// A whole number.
  public func integer(
    _ name: String, in range: ClosedRange<Int>, default standard: Int? = nil
  ) throws(OptimizerError) -> Int {
    if values[name] == nil, let standard { return standard }
    guard let number = values[name]?.number, let integer = Int(exactly: number),
      range.contains(integer)
    else { throw invalid(name, "a whole number from \(range.lowerBound) to \(range.upperBound)") }
    return integer
  }

  /// Sizes of a perceptron's hidden layers: at most four, each at most 64.
  func hiddenSizes(default standard: [Int]) throws(OptimizerError) -> [Int] {
    guard values["layers"] != nil else { return standard }
    let sizes = values["layers"]?.array?.map { $0.number.flatMap(Int.init(exactly:)) ?? 0 }
    guard let sizes, (1...4).contains(sizes.count), sizes.allSatisfy({ (1...64).contains($0) })
    else { throw invalid("layers", "one to four sizes from 1 to 64, as [8,8]") }
    return sizes
  }

  func layers() throws(OptimizerError) -> [Int] {
    guard let value = values["layers"] else { return [20, 20] }
    let sizes = value.array?.map { $0.number.flatMap(Int.init(exactly:)) ?? 0 }
    guard let sizes, sizes.count <= Self.maximumLayers,
      sizes.allSatisfy({ (1...Self.maximumUnits).contains($0) })
    else {
      throw invalid(
        "layers", "at most \(Self.maximumLayers) sizes from 1 to \(Self.maximumUnits)")
    }
    return sizes
  }

  func kernelShape() throws(OptimizerError) -> [Int] {
    let sizes = values["kernel_shape"]?.array?.map { $0.number.flatMap(Int.init(exactly:)) ?? 0 }
    guard let sizes, sizes.count == 2, sizes.allSatisfy({ (1...32).contains($0) }) else {
      throw invalid("kernel_shape", "two sizes from 1 to 32, as [5,5]")
    }
    return sizes
  }

  func preprocessing() throws(OptimizerError) -> Preprocessing {
    guard let value = values["preprocess_name"], value != .null else { return .identity }
    let arguments = values["preprocess_options"]?.object
    func argument(_ name: String) throws(OptimizerError) -> Float? {
      guard let value = arguments?[name], value != .null else { return nil }
      guard let number = value.number else { throw invalid("preprocess_options", "numbers") }
      return Float(number)
    }
    guard arguments != nil else {
      throw invalid("preprocess_options", "an object, as {\"k\": 5}, or k=5 by itself")
    }
    switch value.string {
    case "identity": return .identity
    case "Clamp":
      let low = try argument("min")
      let high = try argument("max")
      guard low ?? -.infinity <= high ?? .infinity else {
        throw invalid("preprocess_options", "Clamp's min not above its max")
      }
      return .clamp(min: low, max: high)
    case "LogAndSign":
      // From e^88.7 on, e^k is infinite in single precision.
      guard let k = try argument("k"), k > 0, k <= 88 else {
        throw invalid("preprocess_options", "LogAndSign's k above 0, at most 88, as k=5")
      }
      return .logAndSign(k: k)
    default: throw invalid("preprocess_name", "identity, Clamp or LogAndSign")
    }
  }

  /// The initializers, checked to fit the weights of a net of the given width.
  func initializers(width: Int) throws(OptimizerError) -> WeightInitializers {
    let gain = try number("input_gain", default: 1)
    guard gain > 0 else { throw invalid("input_gain", "a number above 0") }
    let others = try weightInitializers(width: width)
    return gain == 1 ? others : .withInputGain(gain, others)
  }

  private func weightInitializers(width: Int) throws(OptimizerError) -> WeightInitializers {
    guard let value = values["initializer"], value != .null else { return .standard }
    let initializers = try initializers(value)
    for place in DeepLSTM.layout(
      layers: try layers(), preprocess: try preprocessing(), width: width)
    {
      if case .values(let values)? = initializers.initializer(
        layer: place.layer, variable: place.variable),
        values.shape.broadcast(with: place.shape) != place.shape
      {
        throw invalid(
          "initializer",
          "values that fit \(place.layer)/\(place.variable) of shape \(place.shape)")
      }
    }
    return initializers
  }

  private func initializers(_ value: JSONValue) throws(OptimizerError) -> WeightInitializers {
    guard let object = value.object else { return .all(try initializer(value)) }
    if object.values.contains(where: { $0.object != nil }) {
      var layers: [String: WeightInitializers] = [:]
      for (name, value) in object { layers[name] = try initializers(value) }
      return .byLayer(layers)
    }
    var variables: [String: Initializer] = [:]
    for (name, value) in object {
      // The reference ignores names that no layer has, whatever stands there.
      guard ["w", "b", "w_gates", "b_gates"].contains(name) else { continue }
      variables[name] = try initializer(value)
    }
    return .byVariable(variables)
  }

  private func initializer(_ value: JSONValue) throws(OptimizerError) -> Initializer {
    switch value {
    case .string("zeros"): return .zeros
    case .string("ones"): return .constant(1)
    case .number(let number): return .constant(Float(number))
    case .array(let list):
      let numbers = list.compactMap(\.number).map { Float($0) }
      if numbers.count == list.count, !numbers.isEmpty { return .values(Tensor(numbers)) }
    default: break
    }
    throw invalid("initializer", "zeros, ones, a number, a list of numbers, or these by name")
  }
}
