internal import Experiments
internal import Layers
internal import LearnedOptimizers
internal import Problems
internal import Safetensors
internal import Tensors

/// Optimizees as tensors of a safetensors file: `instance/<i>/parameters` in the experiment's
/// layout, `/constants/<k>`, `/state/<net>/<k>`, and `/counters` [evaluations, diverged, steps...].
enum InstanceArchive {
  static func append(_ instance: OptimizeeInstance, to file: inout SafetensorsFile) {
    let prefix = "instance/\(instance.key.instance)"
    func add(_ name: String, _ tensor: Tensor) {
      file.append(
        SafetensorsArray(floats: tensor.elements, shape: tensor.shape.dimensions),
        named: "\(prefix)/\(name)")
    }
    add("parameters", instance.parameters)
    for (index, constant) in instance.constants.enumerated() { add("constants/\(index)", constant) }
    for (net, state) in instance.states.enumerated() {
      for (index, tensor) in state.tensors.enumerated() { add("state/\(net)/\(index)", tensor) }
    }
    let counters =
      [instance.evaluations, instance.divergence.map { $0.step + 1 } ?? 0]
      + instance.states.map(\.step)
    file.append(
      SafetensorsArray(int64s: counters.map(Int64.init), shape: [counters.count]),
      named: "\(prefix)/counters")
  }

  /// The optimizees in a file, in the order of their numbers.
  ///
  /// - Throws: `TrainingStateError.malformed` when a part is missing or of another shape.
  static func instances(
    in file: SafetensorsFile, experiment: Experiment, options: TrainingOptions, epoch: Int
  ) throws -> [OptimizeeInstance] {
    func tensor(_ name: String, _ shape: Shape) throws -> Tensor {
      guard let array = file[name], array.shape == shape.dimensions else {
        throw TrainingStateError.malformed(tensor: name, expected: "\(shape)")
      }
      return Tensor(try array.floats(), shape: shape)
    }
    return try (0..<options.optimizees).compactMap { number in
      let prefix = "instance/\(number)"
      guard let array = file["\(prefix)/counters"] else { return nil }
      let counters = try array.int64s().map { Int($0) }
      guard counters.count == 2 + experiment.nets.count,
        counters.allSatisfy({ (0..<1 << 40).contains($0) })
      else {
        throw TrainingStateError.malformed(
          tensor: "\(prefix)/counters", expected: "[\(2 + experiment.nets.count)]")
      }
      let key = InstanceKey(
        seed: options.seed, phase: .training, epoch: epoch, instance: number)
      let constants = try experiment.problem.constants.enumerated().map {
        try tensor("\(prefix)/constants/\($0)", $1.shape)
      }
      let states = try experiment.nets.indices.map { net in
        let optimizer = experiment.nets[net].optimizer
        let rows = experiment.ranges[net].count / optimizer.rowWidth
        let tensors = try optimizer.rowStateShapes.enumerated().map {
          try tensor("\(prefix)/state/\(net)/\($0)", Shape([rows] + $1.dimensions))
        }
        return OptimizerState(tensors: tensors, step: counters[2 + net], rows: rows)
      }
      return OptimizeeInstance(
        key: key,
        parameters: try tensor("\(prefix)/parameters", Shape(vector: experiment.parameterCount)),
        constants: constants, states: states, evaluations: counters[0],
        divergence: counters[1] > 0
          ? Divergence(key: key, step: counters[1] - 1, quantity: .loss) : nil)
    }
  }
}

extension Unroller {
  /// The instance with its nets' states in the layout of files.
  func exported(_ instance: OptimizeeInstance) -> OptimizeeInstance {
    var instance = instance
    for net in engines.indices {
      instance.states[net].tensors = engines[net].export(instance.states[net])
    }
    return instance
  }

  /// The inverse of `exported`.
  func restored(_ instance: OptimizeeInstance) -> OptimizeeInstance {
    var instance = instance
    for net in engines.indices {
      let state = instance.states[net]
      instance.states[net] = engines[net].restore(
        state.tensors, step: state.step, rows: state.rows)
    }
    return instance
  }
}
