import Catalogs
import Comparison
import Files
import LearnedOptimizers
import ProcessGroups
import Safetensors
import Settings
import Tensors
import Unrolling

/// The optimizers of a suite, from what the command line names.
struct SuiteEntrants {
  let catalog: Catalog
  /// Whether more than the learning rate is looked for.
  let tunesAll: Bool

  /// What a search may choose of an optimizer.
  private func chosen(_ dimensions: Hyperparameters.Dimensions) -> Hyperparameters.Dimensions {
    tunesAll ? dimensions : dimensions.intersection(.rate)
  }

  /// A hand-designed optimizer; with a rate of its own it is not tuned.
  func baseline(_ baseline: Baseline, rate: Float?) -> Entrant {
    guard let rate else {
      return Entrant(
        label: baseline.name, isBaseline: true, dimensions: chosen(baseline.dimensions),
        hash: hash(of: baseline.nets(Hyperparameters(rate: 1)))
      ) { baseline.nets($0 ?? Hyperparameters(rate: 0.001)) }
    }
    let nets = baseline.nets(learningRate: rate)
    return Entrant(
      label: "\(baseline.name)=\(JSONValue.float(rate).text)", isBaseline: true, dimensions: [],
      hash: hash(of: nets)
    ) { _ in nets }
  }

  /// A saved optimizer: a file, a folder with one net, `pretrained` or `pretrained:NAME`.
  ///
  /// One with a learning rate of its own is tuned as baselines are; a schedule of its own stays.
  func saved(label: String, path: String) throws -> Entrant {
    let trained = try load(path)
    let options = trained.rule.options
    let schedule = options["schedule"].flatMap { RateSchedule(settingJSON: $0) }
    var dimensions: Hyperparameters.Dimensions = []
    if options["learning_rate"]?.number != nil {
      dimensions = schedule == nil ? [.rate, .schedule] : .rate
      if options["weight_decay"]?.number != nil { dimensions.insert(.weightDecay) }
    }
    let name = type(of: trained.rule).name
    let nets = Self.nets(trained.rule, trained.weights)
    let entry = try catalog.optimizer(named: name)
    return Entrant(
      label: label, isBaseline: false, dimensions: chosen(dimensions),
      schedule: schedule ?? .constant, hash: hash(of: nets)
    ) { hyperparameters in
      guard let hyperparameters else { return nets }
      var options = options
      options["learning_rate"] = .float(hyperparameters.rate)
      if let decay = hyperparameters.weightDecay { options["weight_decay"] = .float(decay) }
      guard entry.setting(named: "schedule") == nil else {
        options["schedule"] = .string(hyperparameters.schedule.text)
        return Self.nets(try entry.make(options: options), trained.weights)
      }
      let rule = try entry.make(options: options).scheduled(hyperparameters.schedule)
      return Self.nets(rule, trained.weights)
    }
  }

  private static func nets(_ rule: any LearnedOptimizer, _ weights: NamedTensors) -> TrainedNets {
    TrainedNets(nets: [NetAssignment(key: "net", optimizer: rule)], weights: [weights])
  }

  private func hash(of nets: TrainedNets) -> UInt64 {
    var hash = ContentHash(
      nets.nets.map {
        "\(type(of: $0.optimizer).name) \(JSONValue.object($0.optimizer.options).text)"
      }.joined())
    for tensor in nets.weights.flatMap(\.tensors) { hash.add(tensor) }
    return hash.value
  }

  // MARK: - Files

  private func load(_ path: String) throws -> TrainedOptimizer {
    let general = path == "pretrained" ? PretrainedOptimizer.general.rawValue : nil
    if let name = general ?? PretrainedOptimizer.name(in: path) {
      guard let pretrained = PretrainedOptimizer(rawValue: name) else {
        let names = PretrainedOptimizer.allCases.map { "pretrained:\($0.rawValue)" }
        throw Failure(
          .missing,
          "no optimizer '\(path)' comes with the program\(suggestion(path, names))")
      }
      return try pretrained.load()
    }
    let file = try self.file(at: path)
    return try Failure.inFile(file) {
      try TrainedOptimizer(contentsOf: file, catalog: catalog.optimizers)
    }
  }

  private func file(at path: String) throws -> String {
    guard let status = Path(path).status else {
      throw Failure(.missing, "there is no '\(path)'; give the folder or file of a saved optimizer")
    }
    guard status.isFolder else { return path }
    let nets = Origin.nets(in: path)
    guard nets.count == 1 else {
      throw Failure(
        nets.isEmpty ? .missing : .usage,
        nets.isEmpty
          ? "'\(path)' holds no saved optimizer; give the folder of a training that has evaluated once"
          : "'\(path)' holds the nets \(nets.joined(separator: ", ")), each for some parameters of one"
            + " problem; a suite takes one for all: give its file")
    }
    return "\(path)/\(nets[0]).safetensors"
  }
}
