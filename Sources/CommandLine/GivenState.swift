import Catalogs
import Layers
import MetaTraining
import Problems
import Safetensors
import Settings
import Tensors
import Unrolling

/// What `--state` names.
struct GivenState {
  private let file: SafetensorsFile?
  private let path: String

  init(path: String?) throws {
    self.path = path ?? ""
    file = try path.map { try SafetensorsFile(contentsOf: $0) }
  }

  private func tensor(_ name: String) throws -> Tensor? {
    guard let array = file?[name] else { return nil }
    guard Shape.isValid(array.shape) else {
      throw Failure(
        .badData,
        "'\(name)' in '\(path)' has the shape \(array.shape): give at most"
          + " \(Shape.maximumRank) axes of at most \(Int32.max)")
    }
    let floats = try array.floats()
    // Bytes are pixels 0...255.
    let values = name == "images" && array.type == .uint8 ? floats.map { $0 / 255 } : floats
    return Tensor(values, shape: Shape(array.shape))
  }

  /// The minibatch, when images and labels are given.
  func batch() throws -> ImageBatch? {
    guard let images = try tensor("images") else {
      if file?["labels"] != nil {
        throw Failure(.badData, "'\(path)' has labels but no images")
      }
      return nil
    }
    guard let labels = try tensor("labels") else {
      throw Failure(.badData, "'\(path)' has images but no labels")
    }
    let numbers = try labels.elements.map { label in
      guard let number = Int32(exactly: label) else {
        throw Failure(.badData, "label \(label) in '\(path)' is not a whole number")
      }
      return number
    }
    return try Failure.inFile(path) { try ImageBatch(images: images, labels: numbers) }
  }

  /// Problem options that the given tensors' shapes decide.
  func impliedOptions(of problem: ProblemEntry) throws -> [String: String] {
    guard let file else { return [:] }
    let options = problem.options { file[$0]?.shape }
    guard !options.isEmpty else { return [:] }
    for name in file.names where name.hasPrefix("x0/") || name.hasPrefix("const/") {
      guard let shape = file[name]?.shape, shape.contains(0) else { continue }
      throw Failure(.badData, "'\(name)' in '\(path)' is empty: its shape is \(shape)")
    }
    return options
  }

  /// Replaces the values that the file names.
  func apply(to optimizee: inout Optimizee) throws {
    guard let file else { return }
    let known = { (name: String) in
      name.hasPrefix("x0/") || name.hasPrefix("const/") || ["images", "labels"].contains(name)
    }
    // Files of other programs hold more than a state.
    let others = file.names.filter { !known($0) }
    if !others.isEmpty {
      StandardError.notice(
        "of '\(path)' x0/<parameter>, const/<constant>, images and labels are used, not"
          + " \(others.prefix(3).joined(separator: ", "))\(others.count > 3 ? ", ..." : "")")
    }
    let layout = optimizee.layout
    let names = layout.parameters.map(\.specification.name)
    var values = names.indices.map { layout.value(of: $0, in: optimizee.parameters) }
    for name in file.names where name.hasPrefix("x0/") {
      let index = try position(of: name.dropFirst(3), in: names, of: name)
      values[index] = try fitted(name, to: values[index].shape)
    }
    optimizee.parameters = layout.vector(of: values)
    let constants = optimizee.problem.constants
    for name in file.names where name.hasPrefix("const/") {
      let index = try position(of: name.dropFirst(6), in: constants.map(\.name), of: name)
      optimizee.constants[index] = try fitted(name, to: constants[index].shape)
    }
  }

  private func position(
    of variable: Substring, in names: [String], of name: String
  ) throws -> Int {
    guard let index = names.firstIndex(of: String(variable)) else {
      throw Failure(
        .badData,
        names.isEmpty
          ? "'\(name)' in '\(path)' is nothing of the problem's, which has none: leave it out"
          : "'\(name)' in '\(path)' is nothing of the problem's"
            + suggestion(String(variable), names))
    }
    return index
  }

  private func fitted(_ name: String, to expected: Shape) throws -> Tensor {
    guard let tensor = try tensor(name), tensor.shape == expected else {
      throw Failure(
        .badData, "'\(name)' in '\(path)' has shape \(file?[name]?.shape ?? []), not \(expected)")
    }
    return tensor
  }
}
