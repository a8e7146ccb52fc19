internal import Layers
internal import LearnedOptimizers
internal import MetaGradients
internal import Problems
internal import Safetensors
internal import Tensors
internal import Unrolling

/// Episodes as tensors of a safetensors file.
///
/// The first walker is `instance/<i>/parameters` in its layout, `/constants/<k>`, `/state/<net>/<k>` and
/// `/counters` [evaluations, diverged, steps...]; others the same under `instance/<i>/walker_<w>/`. Of
/// particles with times of their own also `/episode` (int64) [walkers, trajectory, position, length,
/// planned steps, age of the perturbation, draws], `/perturbation/<net>` and `/perturbation_sum/<net>`.
/// A divergence's quantity is in the metadata of `divergences`.
struct EpisodeArchive {
  let unroller: Unroller
  let seed: UInt64
  /// Whether particles have times of their own.
  var isPersistent: Bool
  /// Whether large tensors are made when they are written: then the engines must not be in use.
  var isDeferred = false
  /// Whether a particle that has drawn perturbations must have them: estimators of other packages may
  /// draw them anew each time.
  var needsPerturbations = true

  func append(_ episode: Episode, to file: inout SafetensorsFile) {
    let prefix = "instance/\(episode.key.instance)"
    for (index, walker) in episode.walkers.enumerated() {
      append(
        walker, divergence: index == 0 ? episode.divergence : nil,
        under: index == 0 ? prefix : "\(prefix)/walker_\(index)", to: &file)
    }
    guard isPersistent else { return }
    let numbers = [
      episode.walkers.count, episode.key.epoch, episode.position, episode.length,
      episode.walkers[0].plannedSteps ?? -1, episode.perturbationAge, episode.draws,
    ]
    file.append(
      SafetensorsArray(int64s: numbers.map(Int64.init), shape: [numbers.count]),
      named: "\(prefix)/episode")
    for (name, vectors) in [
      ("perturbation", episode.perturbation), ("perturbation_sum", episode.perturbationSum),
    ] {
      for (net, vector) in vectors.enumerated() {
        file.append(array(vector.shape) { vector }, named: "\(prefix)/\(name)/\(net)")
      }
    }
  }

  private func append(
    _ optimizee: Optimizee, divergence: Divergence?, under prefix: String,
    to file: inout SafetensorsFile
  ) {
    func add(_ name: String, _ shape: Shape, _ tensor: @escaping @Sendable () -> Tensor) {
      file.append(array(shape, tensor), named: "\(prefix)/\(name)")
    }
    let parameters = optimizee.parameters
    add("parameters", parameters.shape) { parameters }
    for (index, constant) in optimizee.constants.enumerated() {
      add("constants/\(index)", constant.shape) { constant }
    }
    for (net, state) in optimizee.states.enumerated() {
      // Who writes deferred arrays keeps the engines still.
      nonisolated(unsafe) let engine = unroller.engines[net]
      let exported = engine.export(state)
      for (index, tensor) in exported.enumerated() {
        guard isDeferred else {
          add("state/\(net)/\(index)", tensor.shape) { tensor }
          continue
        }
        add("state/\(net)/\(index)", tensor.shape) { engine.export(state)[index] }
      }
    }
    let counters =
      [optimizee.evaluations, divergence.map { $0.step + 1 } ?? 0] + optimizee.states.map(\.step)
    file.append(
      SafetensorsArray(int64s: counters.map(Int64.init), shape: [counters.count]),
      named: "\(prefix)/counters")
    if let divergence {
      let code = DivergenceCode(unroller: unroller, seed: seed).code(divergence)
      file.append(SafetensorsArray(int64s: [code], shape: [1]), named: "\(prefix)/divergence")
    }
  }

  private func array(
    _ shape: Shape, _ tensor: @escaping @Sendable () -> Tensor
  ) -> SafetensorsArray {
    isDeferred
      ? SafetensorsArray(shape: shape.dimensions) { tensor().elements }
      : SafetensorsArray(floats: tensor().elements, shape: shape.dimensions)
  }

  // MARK: - Reading

  /// The episodes of the particles 0 ..< `count` that a file has, with states in the engines' layout.
  ///
  /// - Parameters:
  ///   - epoch: the trajectory of particles that are in step.
  ///   - position: their steps in it.
  ///   - length: the steps of their trajectories.
  /// - Throws: `TrainingStateError.malformed` when a part is missing or of another shape.
  func episodes(
    in file: SafetensorsFile, count: Int, epoch: Int, position: Int, length: Int
  ) throws -> [Episode] {
    // A file can't hold more particles than tensors, whatever it says of their number.
    guard file.names.contains(where: { $0.hasPrefix("instance/") }) else { return [] }
    return try (0..<min(count, file.names.count)).compactMap { number in
      let prefix = "instance/\(number)"
      guard file["\(prefix)/counters"] != nil else { return nil }
      guard file["\(prefix)/episode"] != nil else {
        let key = OptimizeeKey(seed: seed, phase: .training, epoch: epoch, instance: number)
        let (walker, divergence) = try optimizee(key, plannedSteps: length, prefix, file)
        var episode = Episode(walkers: [walker], length: length)
        episode.position = position
        episode.divergence = divergence
        return episode
      }
      return try persistent(number, prefix, file)
    }
  }

  private func persistent(
    _ number: Int, _ prefix: String, _ file: SafetensorsFile
  ) throws -> Episode {
    let expected = "seven whole numbers that fit together"
    guard let numbers = try file["\(prefix)/episode"]?.int64s().map({ Int($0) }),
      numbers.count == 7, numbers.allSatisfy({ (-1..<1 << 40).contains($0) }),
      (1...3).contains(numbers[0]), numbers[1] >= 0, (0...numbers[3]).contains(numbers[2]),
      numbers[3] >= 1, numbers[5] >= 0, numbers[6] >= 0
    else { throw TrainingStateError.malformed(tensor: "\(prefix)/episode", expected: expected) }
    let key = OptimizeeKey(seed: seed, phase: .training, epoch: numbers[1], instance: number)
    let planned = numbers[4] < 0 ? nil : Optional(numbers[4])
    var divergence: Divergence?
    let walkers = try (0..<numbers[0]).map { index in
      let (walker, found) = try optimizee(
        key, plannedSteps: planned, index == 0 ? prefix : "\(prefix)/walker_\(index)", file)
      if index == 0 { divergence = found }
      return walker
    }
    var episode = Episode(walkers: walkers, length: numbers[3])
    episode.position = numbers[2]
    episode.perturbationAge = numbers[5]
    episode.draws = numbers[6]
    episode.divergence = divergence
    let has = file["\(prefix)/perturbation/0"] != nil
    if numbers[6] > 0, needsPerturbations || has {
      func vectors(_ name: String) throws -> [Tensor] {
        try unroller.weightCounts.enumerated().map { net, count in
          try tensor("\(prefix)/\(name)/\(net)", Shape(vector: count), in: file)
        }
      }
      episode.perturbation = try vectors("perturbation")
      episode.perturbationSum = try vectors("perturbation_sum")
    }
    return episode
  }

  private func tensor(_ name: String, _ shape: Shape, in file: SafetensorsFile) throws -> Tensor {
    guard let array = file[name], array.shape == shape.dimensions else {
      throw TrainingStateError.malformed(tensor: name, expected: "\(shape)")
    }
    return Tensor(try array.floats(), shape: shape)
  }

  private func optimizee(
    _ key: OptimizeeKey, plannedSteps: Int?, _ prefix: String, _ file: SafetensorsFile
  ) throws -> (Optimizee, Divergence?) {
    // The problem and its layout are drawn again from the key.
    var fresh = unroller.makeOptimizee(key, plannedSteps: plannedSteps)
    let nets = unroller.experiment.nets
    guard let counters = try file["\(prefix)/counters"]?.int64s().map({ Int($0) }),
      counters.count == 2 + nets.count, counters.allSatisfy({ (0..<1 << 40).contains($0) })
    else {
      throw TrainingStateError.malformed(
        tensor: "\(prefix)/counters", expected: "[\(2 + nets.count)]")
    }
    fresh.parameters = try tensor(
      "\(prefix)/parameters", Shape(vector: fresh.layout.count), in: file)
    fresh.constants = try fresh.constants.enumerated().map {
      try tensor("\(prefix)/constants/\($0)", $1.shape, in: file)
    }
    for net in nets.indices {
      let shapes = fresh.layout.shapes[net]
      let tensors = try nets[net].optimizer.initialState(of: shapes).enumerated().map {
        try tensor("\(prefix)/state/\(net)/\($0)", $1.shape, in: file)
      }
      fresh.states[net] = OptimizerState(tensors: tensors, step: counters[2 + net], shapes: shapes)
    }
    fresh.evaluations = counters[0]
    var divergence: Divergence?
    if counters[1] > 0 {
      // Absent where only the step was noted yet.
      let array = file["\(prefix)/divergence"]
      guard array.map({ $0.shape == [1] }) ?? true else {
        throw TrainingStateError.malformed(tensor: "\(prefix)/divergence", expected: "[1]")
      }
      let code = try array?.int64s().first ?? 0
      let found = DivergenceCode(unroller: unroller, seed: seed)
      divergence =
        (1..<Int64.max).contains(code)
        ? found.divergence(code, particle: key.instance)
        : Divergence(key: key, step: counters[1] - 1, quantity: .loss)
    }
    // What has not diverged goes on.
    if divergence == nil, !fresh.parameters.isFinite {
      throw TrainingStateError.malformed(tensor: "\(prefix)/parameters", expected: "finite numbers")
    }
    return (unroller.restored(fresh), divergence)
  }
}
