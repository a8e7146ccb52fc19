internal import Layers
internal import LearnedOptimizers
internal import MetaGradients
public import Safetensors
public import Settings
internal import Tensors
public import Unrolling

/// What can be wrong with a saved training state.
public enum TrainingStateError: Error, Equatable, Sendable {
  /// The file is no training state, or of a version that this program does not know.
  case unknownFormat(version: String?)
  /// A metadata entry is missing or can't be read.
  case malformedMetadata(key: String)
  /// An option is missing, unknown or out of range.
  case wrongOption(SettingError)
  /// A tensor is missing or of another shape.
  case malformed(tensor: String, expected: String)
}

/// A training state and its options as a safetensors file.
///
/// Tensors: `weights/<net>/<weight>`, `adam/<net>/m` and `/v`, `progress` and `meta_steps` (float64),
/// with a moving average of the weights `average/<net>/<weight>`, `counters` (int64), `curve` (float64, [evaluations, 2]: epoch and mean final loss), and between
/// two unrolls of an epoch, or where particles have times of their own, these under `instance/<i>/`
/// (see `EpisodeArchive`); where steps accumulate gradients `accumulated/<net>` (float64). Metadata:
/// `format_version`, `kind`, `options` (JSON), `gauge`, `program_version`, `data` (the data set's hash).
public struct TrainingStateFile: Sendable {
  /// The version of the layout.
  public static let formatVersion = "1"
  private static let kind = "l2l training state"

  /// The options of the run.
  public let options: TrainingOptions
  /// Program version, data hash and whatever else was noted.
  public let metadata: [String: String]
  private let file: SafetensorsFile

  /// Whether a file says that it is a training state.
  public static func isTrainingState(_ file: SafetensorsFile) -> Bool {
    file.metadata["kind"] == kind
  }

  /// Reads a file's options; `state(for:)` reads the rest.
  ///
  /// - Throws: `TrainingStateError`.
  public init(_ file: SafetensorsFile) throws(TrainingStateError) {
    guard file.metadata["kind"] == Self.kind,
      file.metadata["format_version"] == Self.formatVersion
    else { throw .unknownFormat(version: file.metadata["format_version"]) }
    guard let text = file.metadata["options"], let json = JSONValue(parsing: text)?.object else {
      throw .malformedMetadata(key: "options")
    }
    do throws(SettingError) {
      options = try TrainingOptions(json: json)
    } catch {
      throw .wrongOption(error)
    }
    self.file = file
    metadata = file.metadata
  }

  /// The file's contents for a state whose optimizees are in the layout of files.
  public static func contents(
    _ state: TrainingState, options: TrainingOptions, experiment: Experiment,
    metadata: [String: String]
  ) -> SafetensorsFile {
    var file = SafetensorsFile(
      metadata: metadata.merging([
        "format_version": formatVersion, "kind": kind,
        "options": JSONValue.object(options.json).text,
        "gauge": JSONValue.array(state.gauge.numbers.map { .number($0) }).text,
      ]) { $1 })
    func add(_ name: String, _ tensor: Tensor) {
      file.append(
        SafetensorsArray(floats: tensor.elements, shape: tensor.shape.dimensions), named: name)
    }
    for (net, weights) in zip(experiment.nets, state.weights) {
      for (name, tensor) in zip(weights.names, weights.tensors) {
        add("weights/\(net.key)/\(name)", tensor)
      }
    }
    for (net, weights) in zip(experiment.nets, state.averages ?? []) {
      for (name, tensor) in zip(weights.names, weights.tensors) {
        add("average/\(net.key)/\(name)", tensor)
      }
    }
    for (net, moments) in zip(
      experiment.nets, zip(state.optimizer.firstMoments, state.optimizer.secondMoments))
    {
      add("adam/\(net.key)/m", moments.0)
      add("adam/\(net.key)/v", moments.1)
    }
    file.append(
      SafetensorsArray(
        doubles: [
          state.bestEvaluation ?? .infinity, state.sinceLog.costSum, state.sinceEvaluation.costSum,
        ], shape: [3]), named: "progress")
    let counters = [
      state.epoch, state.unroll, state.optimizer.stepCount, state.sinceLog.finishedEpochs,
      state.sinceLog.diverged, state.sinceLog.optimizees, state.sinceEvaluation.finishedEpochs,
      state.sinceEvaluation.diverged, state.sinceEvaluation.optimizees,
    ]
    file.append(
      SafetensorsArray(int64s: counters.map(Int64.init), shape: [counters.count]),
      named: "counters")
    let steps = state.metaSteps
    file.append(
      SafetensorsArray(
        doubles: [steps.metaLossSum, steps.gradientNormSum, Double(steps.count)], shape: [3]),
      named: "meta_steps")
    file.append(
      SafetensorsArray(
        doubles: state.curve.flatMap { [Double($0.epoch), $0.meanFinalLoss] },
        shape: [state.curve.count, 2]), named: "curve")
    for (net, sum) in zip(experiment.nets, state.accumulated) {
      file.append(
        SafetensorsArray(doubles: sum + [Double(state.accumulatedCount)], shape: [sum.count + 1]),
        named: "accumulated/\(net.key)")
    }
    file.append(contentsOf: state.archive)
    return file
  }

  /// The state, for an experiment made from `options`.
  ///
  /// - Throws: `TrainingStateError` when a part is missing or does not fit the experiment.
  public func state(for experiment: Experiment) throws -> TrainingState {
    func tensor(_ name: String, _ shape: Shape) throws -> Tensor {
      guard let array = file[name], array.shape == shape.dimensions else {
        throw TrainingStateError.malformed(tensor: name, expected: "\(shape)")
      }
      let tensor = Tensor(try array.floats(), shape: shape)
      guard tensor.isFinite else {
        throw TrainingStateError.malformed(tensor: name, expected: "finite numbers")
      }
      return tensor
    }
    guard let progress = try file["progress"]?.doubles(), progress.count == 3,
      !progress.contains(where: \.isNaN)
    else {
      throw TrainingStateError.malformed(tensor: "progress", expected: "[3]")
    }
    guard let counters = try file["counters"]?.int64s().map({ Int($0) }), counters.count == 9,
      counters.allSatisfy({ (0..<1 << 40).contains($0) }), counters[1] < max(options.unrollCount, 1)
    else { throw TrainingStateError.malformed(tensor: "counters", expected: "[9]") }
    func nets(_ prefix: String) throws -> [NamedTensors] {
      try experiment.nets.map { net in
        let weights = net.optimizer.weights
        return NamedTensors(
          names: weights.map(\.name),
          tensors: try weights.map {
            try tensor("\(prefix)/\(net.key)/\($0.name)", $0.shape)
          })
      }
    }
    let weights = try nets("weights")
    var state = TrainingState(weights: weights, options: options)
    if options.averageSteps != nil { state.averages = try nets("average") }
    for (index, net) in experiment.nets.enumerated() {
      let shape = Shape(vector: weights[index].elementCount)
      state.optimizer.firstMoments[index] = try tensor("adam/\(net.key)/m", shape)
      state.optimizer.secondMoments[index] = try tensor("adam/\(net.key)/v", shape)
    }
    state.bestEvaluation = progress[0].isFinite ? progress[0] : nil
    state.sinceLog.costSum = progress[1]
    state.sinceEvaluation.costSum = progress[2]
    (state.epoch, state.unroll, state.optimizer.stepCount) = (counters[0], counters[1], counters[2])
    state.sinceLog.finishedEpochs = counters[3]
    state.sinceLog.diverged = counters[4]
    state.sinceLog.optimizees = counters[5]
    state.sinceEvaluation.finishedEpochs = counters[6]
    state.sinceEvaluation.diverged = counters[7]
    state.sinceEvaluation.optimizees = counters[8]
    if let steps = try file["meta_steps"]?.doubles() {
      guard steps.count == 3, !steps.contains(where: \.isNaN), let count = Int(exactly: steps[2]),
        (0..<1 << 40).contains(count)
      else { throw TrainingStateError.malformed(tensor: "meta_steps", expected: "[3]") }
      (state.metaSteps.metaLossSum, state.metaSteps.gradientNormSum) = (steps[0], steps[1])
      state.metaSteps.count = count
    }
    let curve = try file["curve"]?.doubles() ?? []
    guard curve.count.isMultiple(of: 2),
      stride(from: 0, to: curve.count, by: 2).allSatisfy({
        (0..<0x1p40).contains(curve[$0]) && curve[$0] == curve[$0].rounded()
      })
    else { throw TrainingStateError.malformed(tensor: "curve", expected: "[evaluations, 2]") }
    state.curve = stride(from: 0, to: curve.count, by: 2).map {
      EvaluationPoint(epoch: Int(curve[$0]), meanFinalLoss: curve[$0 + 1])
    }
    if let text = file.metadata["gauge"] {
      guard let numbers = JSONValue(parsing: text)?.array else {
        throw TrainingStateError.malformedMetadata(key: "gauge")
      }
      state.gauge = MetaGauge(numbers: numbers.compactMap(\.number)) ?? state.gauge
    }
    if file["accumulated/\(experiment.nets[0].key)"] != nil {
      for (net, weights) in zip(experiment.nets, weights) {
        let name = "accumulated/\(net.key)"
        guard var sum = try file[name]?.doubles(), sum.count == weights.elementCount + 1,
          sum.allSatisfy(\.isFinite), let count = Int(exactly: sum.removeLast()),
          (1..<max(options.accumulate, 2)).contains(count)
        else { throw TrainingStateError.malformed(tensor: name, expected: "sums and their number") }
        state.accumulated.append(sum)
        state.accumulatedCount = count
      }
    }
    let archive = EpisodeArchive(
      unroller: Unroller(experiment), seed: options.seed, isPersistent: false,
      needsPerturbations: EstimatorEntry.standard.contains { $0.name == options.estimator })
    state.episodes = try archive.episodes(
      in: file, count: options.optimizees, epoch: state.epoch,
      position: state.unroll * options.unrollLength, length: options.stepCount)
    state.archive = file.arrays(withPrefix: "instance/")
    guard
      (state.unroll == 0 && state.episodes.isEmpty) || state.episodes.count == options.optimizees
    else {
      throw TrainingStateError.malformed(
        tensor: "instance/*", expected: "\(options.optimizees) optimizees")
    }
    return state
  }
}
