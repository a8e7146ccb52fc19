internal import Settings

extension CheckpointLayout {
  // MARK: - PyLO

  /// Offsets of decays that PyLO's AdafacLO has by default: its files hold the perceptron alone.
  private static let pyloDecays: [(weight: String, values: [Float])] = [
    ("momentum_decays", [0.152_163_92, 0.142_452_12, 0.068_129_63]),
    ("rms_decays", [0.010_797_06]),
    ("adafactor_decays", [0.186_218_96, -0.108_646_15, -0.061_855_47]),
  ]

  /// PyLO's layout of a class with so many layers; nil for classes that have none.
  static func pylo(net: String, layers: Int) -> CheckpointLayout? {
    switch net {
    case "AdafacMLPLOpt" where layers >= 2:
      let names =
        ["input"] + (0..<layers - 2).map { "linear_\($0)" } + ["output"]
      return CheckpointLayout(
        net: net, places: torch(names.map { "network.\($0)" }), fixed: pyloDecays,
        options: ["step_mult": .number(0.01)])
    case "Celo2", "Celo2Base":
      let first = [
        Place(weight: "w0", paths: groups.indices.map { "w0.\($0)" }, rows: groups),
        Place(weight: "b0", paths: ["b0"]),
      ]
      return CheckpointLayout(
        net: net,
        places: first
          + (1..<max(layers, 1)).flatMap { layer in
            ["w", "b"].map {
              Place(weight: "\($0)\(layer)", paths: ["dense_\($0).\(layer - 1)"])
            }
          })
    default: return nil
    }
  }

  /// Layers of PyTorch, whose rows are outputs.
  private static func torch(_ names: [String]) -> [Place] {
    names.enumerated().flatMap { layer, name in
      [
        Place(weight: "w\(layer)", paths: ["\(name).weight"], isTransposed: true),
        Place(weight: "b\(layer)", paths: ["\(name).bias"]),
      ]
    }
  }

  /// The layout of these names; nil when they are not PyLO's.
  static func pylo(of names: [String]) -> CheckpointLayout? {
    if names.contains("network.input.weight") {
      let inner = (0..<8).prefix { names.contains("network.linear_\($0).weight") }.count
      return pylo(net: "AdafacMLPLOpt", layers: inner + 2)
    }
    if names.contains("w0.0") {
      return pylo(
        net: "Celo2", layers: 1 + (0..<8).prefix { names.contains("dense_w.\($0)") }.count)
    }
    guard names.contains("first_layer.weight") else { return nil }
    return CheckpointLayout(net: "Celo2", places: torch(["first_layer", "hidden", "output"]))
  }

  // MARK: - The reference program and Open-L2O

  /// The layout of LSTMs, whose names are ours.
  static func pickle(net: String, layers: Int) -> CheckpointLayout? {
    let lstm = (0..<layers).flatMap { ["lstm_\($0 + 1)/w_gates", "lstm_\($0 + 1)/b_gates"] }
    let projection = net == "RNNprop" ? ["input_projection/w", "input_projection/b"] : []
    guard net == "RNNprop" || net.hasSuffix("DeepLSTM") else { return nil }
    return CheckpointLayout(
      net: net,
      places: (projection + lstm + ["linear/w", "linear/b"]).map {
        Place(weight: $0, paths: [$0])
      }, keys: { $0.split(separator: "/").map(String.init) })
  }

  /// The layout of these names.
  static func pickle(of names: [String]) -> CheckpointLayout? {
    guard names.contains("linear/w") else { return nil }
    let layers = (0..<8).prefix { names.contains("lstm_\($0 + 1)/b_gates") }.count
    return pickle(
      net: names.contains("input_projection/w") ? "RNNprop" : "CoordinateWiseDeepLSTM",
      layers: layers)
  }
}
