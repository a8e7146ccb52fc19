extension CheckpointLayout {
  /// flax's layout of a class with so many layers; nil for classes that have none.
  static func flax(net: String, layers: Int, splitsFirst: Bool = true) -> CheckpointLayout? {
    switch net {
    case "MLPLOpt":
      return CheckpointLayout(
        net: net,
        places: (0..<layers).flatMap { layer in
          ["w", "b"].map {
            Place(weight: "\($0)\(layer)", paths: ["mlp/~/linear_\(layer)/\($0)"])
          }
        },
        // Haiku's module has slashes in its one name.
        keys: { path in
          let parts = path.split(separator: "/").map(String.init)
          return [parts.dropLast().joined(separator: "/"), parts.last ?? ""]
        })
    case "AdafacMLPLOpt":
      return CheckpointLayout(
        net: net,
        places: ["momentum_decays", "rms_decays", "adafactor_decays"].map {
          Place(weight: $0, paths: [$0])
        } + stack("nn/~", layers: layers, prefix: "", splitsFirst: false, hasLeadingAxis: false),
        keys: separated)
    case "Celo2", "Celo2Base":
      return CheckpointLayout(
        net: net,
        places: stack(
          "ff_mod_stack/~", layers: layers, prefix: "", splitsFirst: splitsFirst,
          hasLeadingAxis: false), keys: separated)
    case "Celo":
      let others = [
        ("lstm/w", "rnn_params/rnn/linear/w"), ("lstm/b", "rnn_params/rnn/linear/b"),
        ("lstm/initial_hidden", "lstm_init_state/hidden"),
        ("lstm/initial_cell", "lstm_init_state/cell"),
        ("mix_0/w", "rnn_params/linear/w"), ("mix_0/b", "rnn_params/linear/b"),
        ("mix_1/w", "rnn_params/linear_1/w"), ("mix_1/b", "rnn_params/linear_1/b"),
        ("mix_2/w", "rnn_params/linear_2/w"), ("mix_2/b", "rnn_params/linear_2/b"),
        ("controls/w", "rnn_params/rnn_to_controls/w"),
        ("controls/b", "rnn_params/rnn_to_controls/b"),
        ("step_size/w", "rnn_params/step_size/w"), ("step_size/b", "rnn_params/step_size/b"),
      ]
      return CheckpointLayout(
        net: net,
        places: stack(
          "ff_mod_stack/~", layers: layers, prefix: "mlp/", splitsFirst: splitsFirst,
          hasLeadingAxis: true)
          + others.map { Place(weight: $0.0, paths: [$0.1]) },
        keys: { path in
          // Haiku's modules within modules have one name with a slash: "rnn/linear".
          path.hasPrefix("rnn_params/rnn/linear/")
            ? ["rnn_params", "rnn/linear", String(path.suffix(1))] : separated(path)
        })
    default: return nil
    }
  }

  private static func separated(_ path: String) -> [String] {
    path.split(separator: "/").map(String.init)
  }

  /// The layers of a Haiku perceptron: `w0` or `w0__0`, ..., `b0`, `w1`, ...
  private static func stack(
    _ module: String, layers: Int, prefix: String, splitsFirst: Bool, hasLeadingAxis: Bool
  ) -> [Place] {
    (0..<layers).flatMap { layer in
      let isSplit = layer == 0 && splitsFirst
      let paths = groups.indices.map { "\(module)/w0__\($0)" }
      return [
        Place(
          weight: "\(prefix)w\(layer)", paths: isSplit ? paths : ["\(module)/w\(layer)"],
          rows: isSplit ? groups : [], hasLeadingAxis: hasLeadingAxis),
        Place(
          weight: "\(prefix)b\(layer)", paths: ["\(module)/b\(layer)"],
          hasLeadingAxis: hasLeadingAxis),
      ]
    }
  }

  /// The layout of these names, and what all of them begin with.
  static func flax(of names: [String]) -> (layout: CheckpointLayout, prefix: String)? {
    func found(_ marker: String) -> String? {
      names.lazy.compactMap { name in
        name.hasSuffix(marker)
          && (name.count == marker.count || name.dropLast(marker.count).hasSuffix("/"))
          ? String(name.dropLast(marker.count)) : nil
      }.first
    }
    func layers(_ path: (Int) -> String) -> Int {
      (0..<8).prefix { names.contains(path($0)) }.count
    }
    if let prefix = found("mlp/~/linear_0/w") {
      return flax(net: "MLPLOpt", layers: layers { "\(prefix)mlp/~/linear_\($0)/w" })
        .map { ($0, prefix) }
    }
    if let prefix = found("momentum_decays") {
      return flax(net: "AdafacMLPLOpt", layers: layers { "\(prefix)nn/~/b\($0)" })
        .map { ($0, prefix) }
    }
    guard let prefix = found("ff_mod_stack/~/b0") else { return nil }
    let splits = names.contains("\(prefix)ff_mod_stack/~/w0__0")
    let isCelo = names.contains("\(prefix)lstm_init_state/hidden")
    return flax(
      net: isCelo ? "Celo" : "Celo2", layers: layers { "\(prefix)ff_mod_stack/~/b\($0)" },
      splitsFirst: splits
    ).map { ($0, prefix) }
  }
}
