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
  /// The same, with the weights that read the preprocessed gradients times `gain`.
  ///
  /// Small gradients keep an LSTM where it is linear, and then it can only learn a fixed combination
  /// of past gradients; weights that are long from the start let it tell apart what it sees.
  case withInputGain(Float, WeightInitializers)

  /// The factor of the weights that read the preprocessed gradients.
  var inputGain: Float { if case .withInputGain(let gain, _) = self { gain } else { 1 } }

  func initializer(layer: String, variable: String) -> Initializer? {
    switch self {
    case .standard: nil
    case .all(let initializer): initializer
    case .byVariable(let choices): choices[variable]
    case .byLayer(let choices): choices[layer]?.initializer(layer: layer, variable: variable)
    case .withInputGain(_, let others): others.initializer(layer: layer, variable: variable)
    }
  }
}
