import Comparison
import Experiments
import Foundation
import LearnedOptimizers
import MetaTraining
import Problems

/// A problem's nets with the weights that come with the program: what `--path=pretrained` names.
private func pretrainedNets(
  problem: String, overrides: [String: String]
) throws -> [NetAssignment] {
  guard overrides.isEmpty else {
    throw Failure(.usage, "a pretrained optimizer has options of its own; leave out --net_option")
  }
  guard let pretrained = PretrainedOptimizer(rawValue: problem),
    let description = ExperimentCatalog.nets(forProblem: problem).first
  else {
    let names = PretrainedOptimizer.allCases.map(\.rawValue).joined(separator: ", ")
    throw Failure(
      .missing,
      "no optimizer for '\(problem)' comes with the program, only for \(names); train one")
  }
  return [
    NetAssignment(
      key: description.key, optimizer: try pretrained.load().optimizer,
      parameters: description.parameters)
  ]
}

/// A problem's nets with the weights saved at `path`, a folder or the file of the one net, or
/// `pretrained`; with untrained weights and a warning when there is no path.
func learnedNets(
  problem: String, overrides: [String: String], path: String?, seed: UInt64, warns: Bool = true
) throws -> [NetAssignment] {
  if path == "pretrained" { return try pretrainedNets(problem: problem, overrides: overrides) }
  let descriptions = try netDescriptions(problem: problem, overrides: overrides)
  guard let path else {
    if warns {
      StandardError.notice("warning: no --path is given, so the learned optimizer is untrained")
    }
    return try descriptions.enumerated().map { try $1.assignment(seed: seed, position: $0) }
  }
  var isFolder: ObjCBool = false
  guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
    throw Failure(.missing, "there is no '\(path)'; give the folder or file of a saved optimizer")
  }
  let trained = descriptions.filter { !BaselineCatalog.classNames.contains($0.net) }
  if !isFolder.boolValue && trained.count != 1 {
    throw Failure(
      .usage,
      "problem \(problem) has \(trained.count) nets: give --path the folder that holds"
        + " \(trained.map { "\($0.key).safetensors" }.joined(separator: ", "))")
  }
  if isFolder.boolValue { try requireNets(trained.map(\.key), in: path, problem: problem) }
  return try descriptions.enumerated().map { position, description in
    guard !BaselineCatalog.classNames.contains(description.net) else {
      return try description.assignment(seed: seed, position: position)
    }
    // Made before the file is read: options that no net can have are the user's mistake, not the file's.
    let wanted = try description.make(seed: seed, position: position).options
    let file = isFolder.boolValue ? "\(path)/\(description.key).safetensors" : path
    return try Failure.inFile(file) {
      let saved = try SavedOptimizer(
        contentsOf: file, standard: (description.net, description.options))
      if let trainedOn = saved.metadata["problem"], trainedOn != problem {
        StandardError.notice("'\(file)' was trained on \(trainedOn), not on \(problem)")
      }
      if isFolder.boolValue, let key = saved.metadata["key"], key != description.key {
        throw Failure(
          .badData,
          "'\(file)' holds the net '\(key)' instead of '\(description.key)'; give the folder"
            + " as the training wrote it")
      }
      try requireAgreement(saved.optimizer, description, wanted, overrides, file)
      return NetAssignment(
        key: description.key, optimizer: saved.optimizer, parameters: description.parameters)
    }
  }
}

/// Checks that a folder does not hold the nets of another problem instead.
private func requireNets(_ keys: [String], in folder: String, problem: String) throws {
  let suffix = ".safetensors"
  let found = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
  let nets = found.filter { $0.hasSuffix(suffix) && !$0.hasSuffix(TrainingFolder.stateName) }
    .map { String($0.dropLast(suffix.count)) }.sorted()
  guard !nets.isEmpty, !keys.isEmpty, Set(nets).isDisjoint(with: keys) else { return }
  throw Failure(
    .badData,
    "'\(folder)' holds \(nets.joined(separator: ", ")), but problem \(problem) has the nets"
      + " \(keys.joined(separator: ", ")); give the folder of a training on \(problem)")
}

/// Checks that a saved net is what the user's options for it ask for: the wanted ones are all that a
/// net of the description has.
private func requireAgreement(
  _ saved: any LearnedOptimizer, _ description: NetDescription, _ wanted: [String: JSONValue],
  _ overrides: [String: String], _ file: String
) throws {
  func failure(_ what: String, _ found: String, _ wanted: String) -> Failure {
    Failure(
      .badData,
      "'\(file)' holds a net with \(what) \(found), but --net_option asks for \(wanted); leave the"
        + " option out, or give another file")
  }
  let own = "\(description.key)."
  let asked = Set(
    overrides.keys.compactMap { name -> String? in
      let name = name.hasPrefix(own) ? String(name.dropFirst(own.count)) : name
      return switch name {
      case _ where name.contains("."): nil
      case "preprocess": "preprocess_name"
      case "k", "min", "max": "preprocess_options"
      default: name
      }
    })
  let savedClass = type(of: saved).name
  if asked.contains("net"), savedClass != description.net {
    throw failure("the class", savedClass, description.net)
  }
  for name in asked.sorted() {
    guard let value = wanted[name], let found = saved.options[name], value != found else {
      continue
    }
    throw failure(name, found.text, value.text)
  }
}
