internal import LearnedOptimizers
internal import Safetensors
internal import Settings
internal import Tensors

/// Where the weights of an optimizer lie in another program's file.
struct CheckpointLayout {
  /// A weight and where it lies.
  struct Place {
    /// The weight's name here.
    let weight: String
    /// The names there; more than one hold rows, one after the other.
    let paths: [String]
    /// The rows of each of several.
    var rows: [Int] = []
    /// Whether rows and columns are exchanged.
    var isTransposed = false
    /// Whether there is one axis of length 1 before the others.
    var hasLeadingAxis = false
  }

  /// The class of optimizer.
  let net: String
  /// All weights.
  let places: [Place]
  /// How a path becomes keys of nested maps.
  var keys: (String) -> [String] = { [$0] }
  /// Weights that are not in the file but fixed by the program.
  var fixed: [(weight: String, values: [Float])] = []
  /// Options that the program's defaults decide.
  var options: [String: JSONValue] = [:]

  /// The rows of each group of Celo's and Celo2's features.
  static let groups = [1, 1, 1, 3, 1, 3, 1, 3, 1, 3, 3, 3, 3, 3]

  // MARK: - Reading

  /// The weights in a file's arrays, whose names all begin with `prefix`.
  func weights(
    in arrays: [String: SafetensorsArray], prefix: String
  ) throws(CheckpointError) -> NamedTensors {
    var names: [String] = []
    var tensors: [Tensor] = []
    for place in places {
      var parts: [Tensor] = []
      for path in place.paths {
        guard let array = arrays[prefix + path] else {
          throw .optimizer(.missingWeight(name: path, found: arrays.keys.sorted()))
        }
        parts.append(try tensor(array, path, place))
      }
      let columns = parts[0].shape.dimensions.dropFirst()
      guard parts.allSatisfy({ $0.shape.dimensions.dropFirst() == columns }) else {
        throw .wrongShape(name: place.paths[0], found: parts[0].shape.dimensions)
      }
      names.append(place.weight)
      tensors.append(parts.count == 1 ? parts[0] : .concatenated(parts, axis: 0))
    }
    for fixed in fixed {
      names.append(fixed.weight)
      tensors.append(Tensor(fixed.values))
    }
    return NamedTensors(names: names, tensors: tensors)
  }

  private func tensor(
    _ array: SafetensorsArray, _ path: String, _ place: Place
  ) throws(CheckpointError) -> Tensor {
    var shape = array.shape
    if place.hasLeadingAxis, shape.first == 1, shape.count > 1 { shape.removeFirst() }
    guard Shape.isValid(shape), shape.count >= 1, place.paths.count == 1 || shape.count == 2,
      !place.isTransposed || shape.count == 2, let floats = try? array.floats()
    else { throw .wrongShape(name: path, found: array.shape) }
    let tensor = Tensor(floats, shape: Shape(shape))
    return place.isTransposed ? tensor.transposed([1, 0]) : tensor
  }

  // MARK: - Writing

  /// The weights as a file's tree.
  func node(of weights: NamedTensors) -> CheckpointNode {
    var paths: [(keys: [String], array: SafetensorsArray)] = []
    for place in places {
      guard let tensor = weights[place.weight] else { continue }
      let rows = place.paths.count == 1 ? [tensor.shape.dimensions.first ?? 1] : place.rows
      var start = 0
      for (path, count) in zip(place.paths, rows) {
        var part =
          place.paths.count == 1 ? tensor : tensor.slice(axis: 0, from: start, count: count)
        start += count
        if place.isTransposed { part = part.transposed([1, 0]) }
        let shape = (place.hasLeadingAxis ? [1] : []) + part.shape.dimensions
        paths.append((keys(path), SafetensorsArray(floats: part.elements, shape: shape)))
      }
    }
    return CheckpointNode(paths: paths)
  }
}
