public import Layers

/// How a net's weights are initialized where the default is not wanted.
///
/// As in the reference program: one initializer for all variables, one a variable name (`w`, `b`,
/// `w_gates`, `b_gates`) for every layer that has it, or such a choice a layer name. Names that no
/// layer has are ignored.
public indirect enum WeightInitializers: Sendable {
  /// The defaults.
  case standard
  /// The same for all variables.
  case all(Initializer)
  /// One for each variable of the name.
  case byVariable([String: Initializer])
  /// A choice a layer.
  case byLayer([String: WeightInitializers])

  func initializer(layer: String, variable: String) -> Initializer? {
    switch self {
    case .standard: nil
    case .all(let initializer): initializer
    case .byVariable(let choices): choices[variable]
    case .byLayer(let choices): choices[layer]?.initializer(layer: layer, variable: variable)
    }
  }
}
