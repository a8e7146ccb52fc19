internal import Layers
public import Settings
internal import Tensors

/// The options that the LSTMs share.
///
/// k, min and max are parts of preprocess_options that may be given by themselves; initializer and
/// input_gain decide how weights are drawn and are not saved with them.
public struct DeepLSTMSettings: Configurable, Equatable {
  /// The names of preprocessings.
  public enum PreprocessingName: String, CaseIterable, Sendable {
    /// See `Preprocessing`.
    case identity
    /// See `Preprocessing.clamp`.
    case clamp = "Clamp"
    /// See `Preprocessing.logAndSign`.
    case logAndSign = "LogAndSign"
  }

  /// The units of each layer.
  public var layers = [20, 20]
  /// What is done to gradients first; nil as `identity`.
  public var preprocess: PreprocessingName? = .identity
  /// The preprocessing's options, an object or null.
  public var preprocessOptions = JSONValue.null
  /// LogAndSign's k.
  public var k: Float?
  /// Clamp's lower bound.
  public var min: Float?
  /// Clamp's upper bound.
  public var max: Float?
  /// What updates are multiplied by.
  public var scale: Float = 1
  /// What weights are at the start, as in the reference program; null for its defaults.
  public var initializer = JSONValue.null
  /// What the first layer's initial weights for gradients are multiplied by.
  public var inputGain: Float = 1

  /// Two layers of 20 that take gradients as they are.
  public init() {}

  /// From e^88.7 on, e^k is infinite in single precision.
  private static let ofK = Bounds.above(0, below: 88.5)

  /// All of them.
  public static let settings: [Setting<DeepLSTMSettings>] = [
    Setting("layers", \.layers, in: .from(1, to: 1024), count: 0...8, "the units of each layer"),
    Setting(
      "preprocess_name", \.preprocess, otherNames: ["preprocess"],
      "what is done to gradients first"),
    Setting(
      "preprocess_options", \.preprocessOptions, default: "{}", partOf: "preprocess_name",
      "its options, as {\"k\":5}; or each by itself"),
    Setting(
      "k", \.k, in: ofK, effect: .run, partOf: "preprocess_options",
      "LogAndSign's k: gradients from e^-k to 1 are told apart by their logarithms"),
    Setting(
      "min", \.min, effect: .run, partOf: "preprocess_options", "Clamp's lower bound"),
    Setting(
      "max", \.max, effect: .run, partOf: "preprocess_options", "Clamp's upper bound"),
    Setting("scale", \.scale, "what updates are multiplied by"),
    Setting(
      "initializer", \.initializer, effect: .run, default: "each weight's own",
      "initial weights: zeros, ones, a number, a list of numbers, or these by layer and name"),
    Setting(
      "input_gain", \.inputGain, in: .above(0), effect: .run,
      "the factor of initial weights that read gradients"),
  ]

  /// Checks that the preprocessing has what it needs and nothing else, and that the initializer is
  /// one for some net.
  public func check() throws(SettingError) { try check(width: 1) }

  /// The same for a net of this width.
  func check(width: Int) throws(SettingError) {
    let preprocessing = try preprocessing()
    let initializers = try WeightInitializers(initializer, of: self)
    for place in DeepLSTM.layout(layers: layers, preprocess: preprocessing, width: width) {
      if case .values(let values)? = initializers.initializer(
        layer: place.layer, variable: place.variable),
        values.shape.broadcast(with: place.shape) != place.shape
      {
        throw refuse(
          "initializer",
          expected: "values that fit \(place.layer)/\(place.variable) of shape \(place.shape)")
      }
    }
  }

  /// A net of this width.
  ///
  /// - Precondition: `check(width:)` finds nothing.
  func net(width: Int) -> DeepLSTM {
    guard let preprocess = try? preprocessing(),
      let initializers = try? WeightInitializers(initializer, of: self)
    else { preconditionFailure("options that were not checked: \(json)") }
    return DeepLSTM(
      layers: layers, preprocess: preprocess, scale: scale, width: width,
      initializers: inputGain == 1 ? initializers : .withInputGain(inputGain, initializers))
  }

  // MARK: - Preprocessing

  private func preprocessing() throws(SettingError) -> Preprocessing {
    let name = preprocess ?? .identity
    let given = try arguments()
    let valid: [String] =
      switch name {
      case .identity: []
      case .clamp: ["min", "max"]
      case .logAndSign: ["k"]
      }
    if let other = given.keys.filter({ !valid.contains($0) }).min() {
      let takes = valid.isEmpty ? "nothing" : valid.joined(separator: " and ")
      guard Self.setting(named: other) != nil else {
        throw refuse(
          "preprocess_options", expected: "what \(name.rawValue) takes, \(takes), not '\(other)'")
      }
      throw SettingError(
        other, in: .commandLine,
        .contradiction(
          reason: "the net's option \(other) is none of preprocess \(name.rawValue), which takes"
            + " \(takes); leave it out, or choose another preprocess"))
    }
    switch name {
    case .identity: return .identity
    case .clamp:
      let (low, high) = (given["min"], given["max"])
      guard low ?? -.infinity <= high ?? .infinity else {
        throw refuse(
          min == nil && max == nil ? "preprocess_options" : "min",
          expected: "Clamp's min not above its max")
      }
      return .clamp(min: low, max: high)
    case .logAndSign:
      guard let k = given["k"], Self.ofK.contains(Double(k)) else {
        throw refuse(
          k == nil && preprocessOptions != .null ? "preprocess_options" : "k",
          expected: "a number above 0 and at most 88, which LogAndSign needs, as k=5")
      }
      return .logAndSign(k: k)
    }
  }

  /// The preprocessing's options by name, wherever they were given.
  private func arguments() throws(SettingError) -> [String: Float] {
    let expected = "an object of numbers, as {\"k\":5}, or k=5 by itself"
    guard let object = preprocessOptions == .null ? [:] : preprocessOptions.object else {
      throw refuse("preprocess_options", expected: expected)
    }
    var result: [String: Float] = [:]
    for (name, value) in object where value != .null {
      guard let number = value.number, Float(number).isFinite else {
        throw refuse("preprocess_options", expected: expected)
      }
      result[name] = Float(number)
    }
    for (name, value) in [("k", k), ("min", min), ("max", max)] {
      guard let value else { continue }
      guard result.updateValue(value, forKey: name) == nil else {
        throw SettingError(
          name, in: .commandLine,
          .contradiction(
            reason: "the net's option \(name) is given by itself and in preprocess_options; give"
              + " it once"))
      }
    }
    return result
  }
}

// MARK: - Initializers

extension WeightInitializers {
  /// What the option `initializer` says, in the reference program's forms.
  ///
  /// - Throws: `SettingError` for anything else.
  fileprivate init(_ value: JSONValue, of settings: DeepLSTMSettings) throws(SettingError) {
    guard value != .null else {
      self = .standard
      return
    }
    guard let object = value.object else {
      self = .all(try Self.initializer(value, settings))
      return
    }
    if object.values.contains(where: { $0.object != nil }) {
      var layers: [String: WeightInitializers] = [:]
      for (name, value) in object {
        layers[name] = try WeightInitializers(value, of: settings)
      }
      self = .byLayer(layers)
      return
    }
    var variables: [String: Initializer] = [:]
    for (name, value) in object {
      // The reference ignores names that no layer has, whatever stands there.
      guard ["w", "b", "w_gates", "b_gates"].contains(name) else { continue }
      variables[name] = try Self.initializer(value, settings)
    }
    self = .byVariable(variables)
  }

  private static func initializer(
    _ value: JSONValue, _ settings: DeepLSTMSettings
  ) throws(SettingError) -> Initializer {
    switch value {
    case .string("zeros"): return .zeros
    case .string("ones"): return .constant(1)
    case .number(let number) where Float(number).isFinite: return .constant(Float(number))
    case .array(let list):
      let numbers = list.compactMap(\.number).map { Float($0) }
      if numbers.count == list.count, !numbers.isEmpty { return .values(Tensor(numbers)) }
    default: break
    }
    throw settings.refuse(
      "initializer", expected: "zeros, ones, a number, a list of numbers, or these by name")
  }
}
