internal import Layers
package import Safetensors
internal import Settings
package import Tensors

/// Steps tensors where they lie, in memory of the caller's, without copies of parameters, gradients or
/// state: what the C library is made of.
///
/// To the bits of `OptimizerStepper`, and with the same saved states. Rules that see all tensors
/// together and find them apart in memory get a copy that is written back.
///
/// Not thread-safe; use one a thread. A class, because the kernels' scratch memory is its own.
package final class InPlaceStepper {
  /// Where a tensor and its gradient lie: row-major, with no memory in common.
  package struct Place {
    var parameters: UnsafeMutablePointer<Float>
    var gradient: UnsafePointer<Float>

    /// The addresses of the first elements.
    package init(parameters: UnsafeMutablePointer<Float>, gradient: UnsafePointer<Float>) {
      self.parameters = parameters
      self.gradient = gradient
    }

    /// The place of a tensor without elements.
    package static var nowhere: Place {
      // An aligned address that nobody reads or writes; it is no zero, so it is there.
      let address = UnsafeMutablePointer<Float>(bitPattern: 64).unsafelyUnwrapped
      return Place(parameters: address, gradient: address)
    }
  }

  /// The shapes of the tensors that are stepped.
  package let shapes: [Shape]
  /// How many steps there will be, for rules that look at progress; nil when that is not known.
  package var plannedSteps: Int?
  /// How many steps were taken since the start or the last `reset`.
  package private(set) var stepCount = 0
  private let weights: NamedTensors
  private var rule: any LearnedOptimizer
  private var engine: any OptimizerEngine
  private let catalog: [OptimizerEntry]
  // One a tensor where the rule steps each by itself, else one for all.
  private var states: [OptimizerState]
  private var copies: (parameters: Tensor, gradient: Tensor)?

  /// A stepper for tensors of these shapes, all at the start of their optimization.
  ///
  /// - Parameter catalog: the classes, which `setOption` makes the rule of anew.
  /// - Throws: `OptimizerError.unfitShape` for a tensor that the rule can't step.
  package init(
    _ optimizer: TrainedOptimizer, shapes: [Shape], plannedSteps: Int? = nil,
    catalog: [OptimizerEntry] = OptimizerEntry.standard
  ) throws(OptimizerError) {
    rule = optimizer.rule
    weights = optimizer.weights
    self.shapes = shapes
    self.plannedSteps = plannedSteps
    self.catalog = catalog
    for shape in shapes { try rule.requireFit(shape) }
    engine = rule.makeEngine()
    let isAlone = rule.stepsEachTensorAlone(with: engine)
    if !isAlone {
      if let empty = shapes.first(where: { $0.count == 0 }) {
        throw .unfitShape(net: type(of: rule).name, shape: empty, expected: "an element")
      }
      // The kernels' vectors have as many elements as an Int32 counts.
      let count = shapes.reduce(0) { $0 + $1.count }
      guard Shape.isValid([count]) else {
        throw .unfitShape(
          net: type(of: rule).name, shape: shapes[0],
          expected: "\(Int32.max) elements in all at most")
      }
    }
    engine.load(weights)
    let groups = isAlone ? shapes.map { [$0] } : [shapes]
    states = groups.map { [engine] in engine.initialState(of: $0) }
  }

  /// Forgets all steps: the next one is the first of a new optimization.
  package func reset() {
    states = states.map { engine.initialState(of: $0.shapes) }
    stepCount = 0
  }

  /// Adds one update to all tensors.
  ///
  /// - Parameters:
  ///   - places: one a tensor.
  ///   - loss: the loss before the step; needed by rules that look at it.
  /// - Returns: whether all parameters are finite afterwards.
  /// - Throws: `OptimizerError.notFinite` when a gradient or the loss holds NaN or infinity; nothing
  ///   has changed then.
  package func step(_ places: [Place], loss: Float?) throws(OptimizerError) -> Bool {
    guard loss?.isFinite ?? !rule.inputs.contains(.loss) else { throw .notFinite(step: stepCount) }
    for (shape, place) in zip(shapes, places) where shape.count > 0 {
      guard gradient(place, shape).isFinite else { throw .notFinite(step: stepCount) }
    }
    var isFinite = true
    if states.count == shapes.count {
      for index in states.indices where !step(index, places[index], loss) { isFinite = false }
    } else if let whole = contiguous(places) {
      isFinite = step(0, whole, loss)
    } else {
      isFinite = stepCopies(places, loss)
    }
    stepCount += 1
    return isFinite
  }

  private func gradient(_ place: Place, _ shape: Shape) -> Tensor {
    // Never written: engines read their inputs.
    Tensor(borrowing: UnsafeMutablePointer(mutating: place.gradient), shape: shape)
  }

  /// - Returns: whether the parameters are finite afterwards.
  private func step(_ index: Int, _ place: Place, _ loss: Float?) -> Bool {
    let shape = Shape(vector: states[index].elementCount)
    guard shape.count > 0 else {
      states[index].step += 1
      return true
    }
    let gradient = gradient(place, shape)
    var vector = Tensor(borrowing: place.parameters, shape: shape)
    let isFinite = engine.applyAndCheck(
      StepInput(gradient: gradient, parameters: gradient, loss: loss ?? 0, count: plannedSteps),
      state: &states[index], to: &vector, at: 0)
    vector.withUnsafeFloats { result in
      // An engine that kept a view of the vector had it copied.
      if result != place.parameters { place.parameters.update(from: result, count: shape.count) }
    }
    for position in states[index].tensors.indices {
      states[index].tensors[position] = states[index].tensors[position].owned
    }
    return isFinite
  }

  /// The place of all tensors, when each begins where the one before ends.
  private func contiguous(_ places: [Place]) -> Place? {
    guard var next = zip(shapes, places).first(where: { $0.0.count > 0 })?.1 else { return nil }
    let first = next
    for (shape, place) in zip(shapes, places) where shape.count > 0 {
      guard place.parameters == next.parameters, place.gradient == next.gradient else { return nil }
      next = Place(
        parameters: place.parameters + shape.count, gradient: place.gradient + shape.count)
    }
    return first
  }

  private func stepCopies(_ places: [Place], _ loss: Float?) -> Bool {
    let all = Shape(vector: shapes.reduce(0) { $0 + $1.count })
    var (parameters, gradient) =
      copies ?? (Tensor(uninitialized: all) { _ in }, Tensor(uninitialized: all) { _ in })
    copies = nil
    var isFinite = true
    parameters.withUnsafeMutableFloats { parameters in
      gradient.withUnsafeMutableFloats { gradient in
        forEach(places) { place, start, count in
          (parameters + start).update(from: place.parameters, count: count)
          (gradient + start).update(from: place.gradient, count: count)
        }
        isFinite = step(0, Place(parameters: parameters, gradient: gradient), loss)
        forEach(places) { place, start, count in
          place.parameters.update(from: parameters + start, count: count)
        }
      }
    }
    copies = (parameters, gradient)
    return isFinite
  }

  private func forEach(_ places: [Place], _ body: (Place, Int, Int) -> Void) {
    var start = 0
    for (shape, place) in zip(shapes, places) {
      if shape.count > 0 { body(place, start, shape.count) }
      start += shape.count
    }
  }

  // MARK: - Options

  /// Changes a number among the rule's options from the next step on; the state stays.
  ///
  /// - Throws: `OptimizerError.option`; nothing has changed then.
  package func setOption(_ name: String, to value: Double) throws(OptimizerError) {
    let net = type(of: rule).name
    let entry = try catalog.entry(named: net)
    var valid = rule.options.filter { $0.value.number != nil }.map(\.key)
    if !valid.contains(name) {
      // Options that change nothing may be left out of those that a rule tells.
      valid += type(of: rule).adjustableOptions.filter {
        rule.options[$0] == nil && (try? entry.option($0, reading: "1"))?.value.number != nil
      }
    }
    guard valid.contains(name) else {
      throw .option(SettingError(name, in: .net(net), .unknown(valid: valid.sorted())))
    }
    var options = rule.options
    guard options[name] != .number(value) else { return }
    options[name] = .number(value)
    let next = try entry.make(options: options)
    let sample: [Shape] = shapes.map { Shape($0.dimensions.map { min($0, 1) }) }
    guard next.weights.map(\.shape) == rule.weights.map(\.shape),
      next.requirement(unmetBy: shapes[0]) == nil,
      rule is any RowwiseOptimizer
        || next.initialState(of: sample).map(\.shape) == rule.initialState(of: sample).map(\.shape)
    else {
      throw .option(
        SettingError(
          name, in: .net(net), .invalid(value: "\(value)", expected: "what the weights are for")))
    }
    rule = next
    engine = next.makeEngine()
    engine.load(weights)
  }

  // MARK: - Saving and restoring

  /// The state as a file, as `OptimizerStepper` has it.
  package var savedState: SafetensorsFile {
    let parts = states.map { engine.export($0) }
    guard states.count > 1, rule is any RowwiseOptimizer else {
      return rule.stateFile(parts.flatMap { $0 }, step: stepCount)
    }
    // The rows of all tensors are joined in the file.
    let joined = parts[0].indices.map { index in
      Tensor.concatenated(parts.map { $0[index] }, axis: 0)
    }
    return rule.stateFile(joined, step: stepCount)
  }

  /// Goes on from what `savedState` gave.
  ///
  /// - Throws: `OptimizerError.unfitState`; the stepper is then as it was.
  package func restore(_ file: SafetensorsFile) throws(OptimizerError) {
    let (tensors, step) = try rule.stateTensors(in: file, of: shapes)
    var row = 0
    var rest = tensors[...]
    states = states.map { state in
      var own = Array(rest)
      if states.count > 1, let rule = rule as? any RowwiseOptimizer {
        let rows = state.elementCount / rule.rowWidth
        own = tensors.map { $0.slice(axis: 0, from: row, count: rows) }
        row += rows
      } else if states.count > 1 {
        own = Array(rest.prefix(rule.initialState(of: state.shapes).count))
        rest = rest.dropFirst(own.count)
      }
      return engine.restore(own, step: step, shapes: state.shapes)
    }
    stepCount = step
  }
}

extension LearnedOptimizer {
  /// Whether what happens to a tensor does not depend on the others, to the last bit.
  fileprivate func stepsEachTensorAlone(with engine: any OptimizerEngine) -> Bool {
    // A matrix product of OpenBLAS rounds a row by where it stands among the others.
    let mixesRows = engine is RowEngine && isTrained
    return (self is any RowwiseOptimizer && !mixesRows) || self is any TensorwiseOptimizer
  }

  /// Checks that a tensor can be stepped: that it has a shape for the rule, and that its state can be
  /// counted.
  fileprivate func requireFit(_ shape: Shape) throws(OptimizerError) {
    if let expected = requirement(unmetBy: shape) {
      throw .unfitShape(net: Self.name, shape: shape, expected: expected)
    }
    let perElement: Int
    if let rule = self as? any RowwiseOptimizer {
      let floats = rule.rowStateShapes.reduce(0) { $0 + $1.count }
      perElement = (floats + rule.rowWidth - 1) / rule.rowWidth
    } else {
      let sample = Shape(shape.dimensions.map { _ in 1 })
      perElement = initialState(of: [sample]).reduce(0) { $0 + $1.count }
    }
    // Kernels pad a state's end by less than that.
    let padding = 1 << 20
    let limit = (Int(Int32.max) - padding) / max(perElement, 1)
    guard shape.count <= limit else {
      throw .unfitShape(net: Self.name, shape: shape, expected: "at most \(limit) elements")
    }
  }
}
