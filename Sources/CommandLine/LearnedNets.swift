import Catalogs
import Comparison
import Files
import LearnedOptimizers
import MetaTraining
import Problems
import Safetensors
import Settings
import Tensors
import Unrolling

/// A problem's nets with the weights that a training left.
struct LearnedNets {
  let catalog: Catalog
  let problem: ProblemEntry
  /// The problem's options, to tell whether the nets were trained with others.
  let options: [String: String]

  /// The nets with the weights that come with the program: what `--path=pretrained` names.
  ///
  /// - Parameter name: which of them; nil for the problem's own, else the general one.
  private func pretrained(_ name: String?, overrides: [String: String]) throws -> TrainedNets {
    let own = PretrainedOptimizer(rawValue: name ?? problem.name)
    guard let chosen = own ?? (name == nil ? .general : nil) else {
      let names = PretrainedOptimizer.allCases.map { "pretrained:\($0.rawValue)" }
      throw Failure(
        .missing,
        "no optimizer 'pretrained:\(name ?? "")' comes with the program, only"
          + " \(names.joined(separator: ", "))")
    }
    let trained = try chosen.load()
    let key = problem.nets.first?.key ?? "cw"
    let rule = try adjusted(trained.rule, key, overrides) { name in
      Failure(
        .usage,
        "a pretrained optimizer has options of its own; leave out --net_option \(name)")
    }
    return TrainedNets(
      nets: [NetAssignment(key: key, optimizer: rule)], weights: [trained.weights])
  }

  /// A saved rule with those of the user's options that may be chosen anew.
  ///
  /// - Parameter refusal: the error for any other option.
  private func adjusted(
    _ rule: any LearnedOptimizer, _ key: String, _ overrides: [String: String],
    refusal: ((_ name: String) -> Failure)? = nil
  ) throws -> any LearnedOptimizer {
    let kind = type(of: rule)
    let entry = try catalog.optimizer(named: kind.name)
    var options = rule.options
    for (given, name, text) in netOptions(overrides, for: key) {
      guard kind.adjustableOptions.contains(name) else {
        if let refusal, name != "net" || text != kind.name { throw refusal(given) }
        continue
      }
      options[name] = try entry.option(name, reading: text).value
    }
    return options == rule.options ? rule : try entry.make(options: options)
  }

  /// The user's options with the classes that files say, where they name none and hold an option that
  /// the default class does not have.
  private func naming(_ overrides: [String: String], _ path: String?) -> [String: String] {
    guard let path, !overrides.isEmpty, overrides["net"] == nil, let status = Path(path).status
    else { return overrides }
    var result = overrides
    for description in problem.nets where overrides["\(description.key).net"] == nil {
      let standard = catalog.optimizers.first { $0.name == description.net }
      let isStandard = netOptions(overrides, for: description.key).allSatisfy { option in
        option.name.contains(".") || standard?.setting(named: option.name) != nil
      }
      if isStandard { continue }
      let file = status.isFolder ? "\(path)/\(description.key).safetensors" : path
      guard let net = (try? SafetensorsFile(contentsOf: file))?.metadata["net"],
        net != description.net, catalog.optimizers.contains(where: { $0.name == net })
      else { continue }
      result["\(description.key).net"] = net
    }
    return result
  }

  /// The nets with the weights saved at `path`, a folder or the file of the one net, or
  /// `pretrained`; with untrained weights and a warning when there is no path.
  func load(
    overrides: [String: String], path: String?, seed: UInt64, warns: Bool = true
  ) throws -> TrainedNets {
    if path == "pretrained" { return try pretrained(nil, overrides: overrides) }
    if let name = path.flatMap(PretrainedOptimizer.name(in:)) {
      return try pretrained(name, overrides: overrides)
    }
    let overrides = naming(overrides, path)
    let descriptions = try netDescriptions(
      of: problem, overrides: overrides, from: catalog.optimizers)
    // Made before any file is read: options that no net can have are the user's mistake, not the
    // file's.
    let fresh = try descriptions.map { try $0.assignment(from: catalog.optimizers) }
    guard let path else {
      if warns {
        StandardError.notice("warning: no --path is given, so the learned optimizer is untrained")
      }
      return TrainedNets(nets: fresh, weights: initialWeights(of: fresh, seed: seed))
    }
    guard let status = Path(path).status else {
      throw Failure(.missing, "there is no '\(path)'; give the folder or file of a saved optimizer")
    }
    let keys = fresh.filter(\.optimizer.isTrained).map(\.key)
    if !status.isFolder && keys.count != 1 {
      throw Failure(
        .usage,
        "problem \(problem.name) has \(keys.count) nets: give --path the folder that holds"
          + " \(keys.map { "\($0).safetensors" }.joined(separator: ", "))")
    }
    if status.isFolder { try requireNets(keys, in: path, problem: problem.name) }
    var result = TrainedNets(nets: fresh, weights: fresh.map { _ in NamedTensors() })
    for (index, description) in descriptions.enumerated() where fresh[index].optimizer.isTrained {
      let file = status.isFolder ? "\(path)/\(description.key).safetensors" : path
      (result.nets[index], result.weights[index]) = try saved(
        in: file, description, fresh[index], overrides, checksKey: status.isFolder)
    }
    return result
  }

  /// Weights of nets drawn anew, as `Experiment.initialWeights` draws them.
  private func initialWeights(of nets: [NetAssignment], seed: UInt64) -> [NamedTensors] {
    nets.enumerated().map { position, net in
      var stream = RandomStream(seed: seed, purpose: .weights, instance: position)
      return net.optimizer.initialWeights(&stream)
    }
  }

  /// Says on what else a net was trained.
  private func tell(_ origin: Origin, _ file: String) {
    // Options that are written out are no others than the same at their defaults.
    func complete(_ options: [String: String]) -> [String: String] {
      Dictionary(uniqueKeysWithValues: problem.options.map { ($0.name, $0.standard) })
        .merging(options) { $1 }
    }
    guard origin.problem == problem.name else {
      return StandardError.notice(
        "'\(file)' was trained on \(origin.problem), not on \(problem.name)")
    }
    guard complete(origin.options) != complete(options) else { return }
    let own = options.isEmpty ? "its defaults" : options.settingText
    StandardError.notice("'\(file)' was trained on \(origin.words), not with \(own)")
  }

  private func saved(
    in file: String, _ description: NetDescription, _ fresh: NetAssignment,
    _ overrides: [String: String], checksKey: Bool
  ) throws -> (NetAssignment, NamedTensors) {
    try Failure.inFile(file) {
      if let contents = try? SafetensorsFile(contentsOf: file),
        TrainingStateFile.isTrainingState(contents)
      {
        throw Failure(
          .badData,
          "'\(file)' is the state of a training, not an optimizer; give its folder, or one of the"
            + " other files in it")
      }
      let saved = try TrainedOptimizer(
        contentsOf: file, catalog: catalog.optimizers,
        standard: (description.net, description.options))
      if let origin = Origin(metadata: saved.metadata) { tell(origin, file) }
      if checksKey, let key = saved.metadata["key"], key != description.key {
        throw Failure(
          .badData,
          "'\(file)' holds the net '\(key)' instead of '\(description.key)'; give the folder"
            + " as the training wrote it")
      }
      let rule = try adjusted(saved.rule, description.key, overrides)
      try requireAgreement(
        rule, description, fresh.optimizer.options, overrides,
        try catalog.optimizer(named: description.net), file)
      return (
        NetAssignment(
          key: description.key, optimizer: rule, parameters: description.parameters),
        saved.weights
      )
    }
  }
}

/// Checks that a folder holds nets, and not those of another problem.
private func requireNets(_ keys: [String], in folder: String, problem: String) throws {
  // One that can't be read is not one without nets.
  _ = try FolderListing.names(in: Path(folder))
  let nets = Origin.nets(in: folder)
  guard !keys.isEmpty, Set(nets).isDisjoint(with: keys) else { return }
  guard !nets.isEmpty else {
    throw Failure(
      .missing,
      "'\(folder)' holds no saved optimizer; give the folder of a training that has evaluated once,"
        + " as it was given to train --save_path")
  }
  throw Failure(
    .badData,
    "'\(folder)' holds \(nets.joined(separator: ", ")), but problem \(problem) has the nets"
      + " \(keys.joined(separator: ", ")); give the folder of a training on \(problem)")
}

/// Checks that a saved net is what the user's options for it ask for: the wanted ones are all that a
/// net of the description has.
private func requireAgreement(
  _ saved: any LearnedOptimizer, _ description: NetDescription, _ wanted: [String: JSONValue],
  _ overrides: [String: String], _ entry: OptimizerEntry, _ file: String
) throws {
  func failure(_ what: String, _ found: String, _ wanted: String) -> Failure {
    Failure(
      .badData,
      "'\(file)' holds a net with \(what) \(found), but --net_option asks for \(wanted); leave the"
        + " option out, or give another file")
  }
  let asked = Set(
    netOptions(overrides, for: description.key).map(\.name).filter { !$0.contains(".") }
      .map(entry.savedName))
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

extension PretrainedOptimizer {
  /// NAME where a path is `pretrained:NAME`, whether or not there is one of that name; else nil.
  static func name(in path: String) -> String? {
    let prefix = "pretrained:"
    return path.utf8.starts(with: prefix.utf8) ? String(path.dropFirst(prefix.count)) : nil
  }
}
