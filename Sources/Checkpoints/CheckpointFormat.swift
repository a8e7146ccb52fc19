/// How an optimizer lies in a file.
package enum CheckpointFormat: String, CaseIterable, Sendable {
  /// l2l's own safetensors.
  case l2l
  /// flax's msgpack: google/learned_optimization, Celo, Celo2.
  case flax
  /// PyLO's safetensors.
  case pylo
  /// A pickle of nested dictionaries: the reference program, Open-L2O.
  case pickle

  /// The format in words.
  package var words: String {
    switch self {
    case .l2l: "safetensors file of l2l"
    case .flax: "flax msgpack"
    case .pylo: "safetensors file of PyLO"
    case .pickle: "pickle"
    }
  }

  /// The format that a file's name asks for: by its last extension, l2l's own where that says nothing.
  package init(ofFileNamed name: String) {
    let last = name.split(separator: "/").last ?? ""
    switch last.split(separator: ".").dropFirst().last?.lowercased() {
    case "state", "msgpack", "flax": self = .flax
    case "pickle", "pkl", "p", "dill", "l2l": self = .pickle
    default: self = .l2l
    }
  }
}
