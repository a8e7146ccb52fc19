internal import CL2L
internal import Files
internal import LearnedOptimizers
internal import Platform
internal import Safetensors
internal import Settings

// Documented in l2l.h.

/// Loads an optimizer from a file or folder.
@_cdecl("l2l_optimizer_load")
public func loadOptimizer(
  _ path: UnsafePointer<CChar>?, _ name: UnsafePointer<CChar>?,
  _ optimizer: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  OptimizerHandle.give(to: optimizer) {
    let path = try text(path, "path")
    let name = try name.map { try text($0, "name") }
    return try inFile { try saved(at: path, named: name) }
  }
}

/// Makes an optimizer of a file's bytes.
@_cdecl("l2l_optimizer_read")
public func readOptimizer(
  _ bytes: UnsafeRawPointer?, _ size: Int, _ optimizer: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  OptimizerHandle.give(to: optimizer) {
    let bytes = try required(bytes, "bytes")
    guard size >= 0 else { throw CallFault.argument("size is out of range") }
    let copy = Array(UnsafeRawBufferPointer(start: bytes, count: size))
    return try inFile {
      let file = try SafetensorsFile(bytes: copy)
      try file.requireFinite()
      return try TrainedOptimizer(file: file)
    }
  }
}

/// An optimizer that comes with the library.
@_cdecl("l2l_optimizer_pretrained")
public func pretrainedOptimizer(
  _ name: UnsafePointer<CChar>?, _ optimizer: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  OptimizerHandle.give(to: optimizer) {
    let name = try text(name, "name")
    guard let pretrained = PretrainedOptimizer(rawValue: name) else {
      let names = PretrainedOptimizer.allCases.map(\.rawValue).joined(separator: ", ")
      throw CallFault(
        L2L_ERROR_NAME, "no optimizer '\(name)' comes with the library, only \(names)")
    }
    return try pretrained.load()
  }
}

/// Makes an optimizer without weights.
@_cdecl("l2l_optimizer_make")
public func makeOptimizer(
  _ net: UnsafePointer<CChar>?, _ options: UnsafePointer<CChar>?,
  _ optimizer: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  OptimizerHandle.give(to: optimizer) {
    let net = try text(net, "net")
    let given = try options.map { try text($0, "options") } ?? "{}"
    guard let entry = OptimizerEntry.standard.first(where: { $0.name == net }) else {
      let names = OptimizerEntry.standard.map(\.name).joined(separator: ", ")
      throw CallFault(L2L_ERROR_NAME, "there is no class '\(net)'; the classes are \(names)")
    }
    guard let object = JSONValue(parsing: given)?.object else {
      throw CallFault(
        L2L_ERROR_OPTION, "options must be a JSON object, as {\"learning_rate\":0.01}")
    }
    let rule = try entry.make(options: object)
    guard !rule.isTrained else {
      throw CallFault(
        L2L_ERROR_NAME, "\(net) has to be trained: load one that was, by l2l_optimizer_load")
    }
    return TrainedOptimizer(rule)
  }
}

/// The class.
@_cdecl("l2l_optimizer_net")
public func optimizerNet(_ optimizer: OpaquePointer?) -> UnsafePointer<CChar> {
  OptimizerHandle.at(optimizer).map { UnsafePointer($0.net) } ?? emptyText
}

/// The number of weights.
@_cdecl("l2l_optimizer_weight_count")
public func optimizerWeightCount(_ optimizer: OpaquePointer?) -> Int64 {
  Int64(OptimizerHandle.at(optimizer)?.trained.rule.weightCount ?? 0)
}

/// All that is known of it.
@_cdecl("l2l_optimizer_description")
public func optimizerDescription(_ optimizer: OpaquePointer?) -> UnsafePointer<CChar> {
  OptimizerHandle.at(optimizer).map { UnsafePointer($0.description) } ?? emptyText
}

/// One entry of the metadata.
@_cdecl("l2l_optimizer_metadata")
public func optimizerMetadata(
  _ optimizer: OpaquePointer?, _ key: UnsafePointer<CChar>?
) -> UnsafePointer<CChar>? {
  guard let key, let name = String(validatingCString: key) else { return nil }
  return OptimizerHandle.at(optimizer)?.metadata[name].map { UnsafePointer($0) }
}

/// Frees an optimizer.
@_cdecl("l2l_optimizer_free")
public func freeOptimizer(_ optimizer: OpaquePointer?) {
  guard let optimizer else { return }
  Unmanaged<OptimizerHandle>.fromOpaque(UnsafeRawPointer(optimizer)).release()
}

// MARK: - Files

/// The text of no characters, for as long as the process lives.
private var emptyText: UnsafePointer<CChar> {
  UnsafeRawPointer(StaticString("").utf8Start).assumingMemoryBound(to: CChar.self)
}

/// What is wrong with options or weights in a file is the file's fault.
private func inFile(_ body: () throws -> TrainedOptimizer) throws -> TrainedOptimizer {
  do {
    return try body()
  } catch let error as OptimizerError {
    throw CallFault(L2L_ERROR_FORMAT, error.description)
  }
}

private let suffix = ".safetensors"

/// The optimizer in a file, or that of a name in a folder.
private func saved(at path: String, named name: String?) throws -> TrainedOptimizer {
  let listing: [[UInt8]]
  do {
    listing = try FolderListing.names(in: Path(path))
  } catch let error {
    guard case .cannotRead(_, _, let code) = error, code == ENOTDIR else { throw error }
    guard name == nil else {
      throw CallFault.argument("'\(path)' is a file, of which there are no names: give NULL")
    }
    return try optimizer(inFile: path)
  }
  let names = listing.map { String(decoding: $0, as: UTF8.self) }
    .filter { $0.hasSuffix(suffix) && !$0.hasSuffix(".training-state\(suffix)") }
    .map { String($0.dropLast(suffix.count)) }.sorted()
  let all = names.joined(separator: ", ")
  if let name {
    guard names.contains(name) else {
      throw CallFault(
        L2L_ERROR_NAME,
        "'\(path)' has no optimizer '\(name)'" + (names.isEmpty ? "" : ", only \(all)"))
    }
    return try optimizer(inFile: "\(path)/\(name)\(suffix)")
  }
  guard let only = names.first else {
    throw CallFault(L2L_ERROR_FILE, "'\(path)' holds no saved optimizer")
  }
  guard names.count == 1 else {
    throw CallFault(L2L_ERROR_NAME, "'\(path)' holds several optimizers, name one of \(all)")
  }
  return try optimizer(inFile: "\(path)/\(only)\(suffix)")
}

private func optimizer(inFile path: String) throws -> TrainedOptimizer {
  let file = try SafetensorsFile(contentsOf: path)
  if let kind = file.metadata["kind"] {
    throw CallFault(
      L2L_ERROR_FORMAT,
      "'\(path)' is no optimizer but a file of the kind '\(kind)'; give the training's folder")
  }
  try file.requireFinite(in: path)
  do {
    return try TrainedOptimizer(file: file)
  } catch let error as OptimizerError {
    throw CallFault(L2L_ERROR_FORMAT, "'\(path)' can't be used: \(error.description)")
  }
}
