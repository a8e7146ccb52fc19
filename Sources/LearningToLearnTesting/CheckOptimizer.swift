internal import Layers
public import LearnedOptimizers
internal import MetaGradients
internal import Problems
internal import Safetensors
public import Tensors
internal import Unrolling

/// Checks that a rule is an optimizer that can be trained, saved and resumed.
///
/// Its engine agrees with `TensorEngine` (updates, states, adjoints); adding in place gives the bits of
/// adding the update; a zero gradient gives finite updates; states survive export and restoring;
/// weights survive a file; and its meta-gradient with second derivatives is that of central differences
/// along random directions, where it has weights.
///
/// ```swift
/// @Test func trust() throws {
///   try checkOptimizer(Trust(), catalog: OptimizerEntry.standard + [Trust.entry])
/// }
/// ```
///
/// - Parameters:
///   - shapes: tensors to step; those that the rule refuses are left out.
///   - catalog: the classes that its file may name; the rule's own must be among them.
///   - tolerance: of engines beside each other.
/// - Throws: `ConformanceFault`.
public func checkOptimizer(
  _ rule: any LearnedOptimizer, catalog: [OptimizerEntry] = OptimizerEntry.standard,
  shapes: [Shape] = [[5, 3], [7], .scalar, [1, 1], [3, 1, 2], [2, 2, 3, 4]],
  tolerance: Double = 1e-4
) throws {
  let subject = type(of: rule).name
  let names = rule.weights.map(\.name)
  try require(Set(names).count == names.count, subject, "a weight's name is given twice")
  let shapes = shapes.filter { rule.requirement(unmetBy: $0) == nil }
  try require(!shapes.isEmpty, subject, "it steps none of the shapes")
  var stream = RandomStream(seed: 1, purpose: .weights)
  // Moved off zeros, so that every weight has a part in what follows.
  let drawn = rule.initialWeights(&stream)
  let weights = NamedTensors(
    names: drawn.names,
    tensors: drawn.tensors.map { $0 + stream.normal($0.shape, standardDeviation: 0.02) })
  try checkFile(rule, weights, catalog, subject)
  try checkEngines(rule, weights, shapes, subject, tolerance)
  if rule.isTrained { try checkMetaGradient(rule, weights, subject) }
}

private func checkFile(
  _ rule: any LearnedOptimizer, _ weights: NamedTensors, _ catalog: [OptimizerEntry],
  _ subject: String
) throws {
  let bytes = try TrainedOptimizer(rule, weights: weights).file.serialized()
  let read = try TrainedOptimizer(file: SafetensorsFile(bytes: bytes), catalog: catalog)
  try require(read.rule.options == rule.options, subject, "its options don't survive a file")
  for (a, b) in zip(read.weights.tensors, weights.tensors) {
    try require(a.elements == b.elements, subject, "its weights don't survive a file")
  }
}

private func checkEngines(
  _ rule: any LearnedOptimizer, _ weights: NamedTensors, _ shapes: [Shape], _ subject: String,
  _ tolerance: Double
) throws {
  let fast = rule.makeEngine()
  let slow = TensorEngine(rule)
  fast.load(weights)
  slow.load(weights)
  let count = shapes.reduce(0) { $0 + $1.count }
  var random = RandomStream(seed: 2, purpose: .test)
  var parameters = random.normal(Shape(vector: count), standardDeviation: 0.5)
  var (a, b) = (fast.initialState(of: shapes), slow.initialState(of: shapes))
  for step in 0..<4 {
    // The last gradient is 0.
    let gradient = random.normal(
      Shape(vector: count), standardDeviation: step == 3 ? 0 : 0.3)
    let input = StepInput(
      gradient: gradient, parameters: parameters, loss: 1 / Float(step + 1), count: 10)
    let before = (a, b)
    var inPlace = (state: a, parameters: parameters)
    let update = fast.step(input, state: &a)
    let expected = slow.step(input, state: &b)
    try require(update.isFinite, subject, "the update of step \(step) is not finite")
    try require(
      relativeError(update.elements, expected.elements) < tolerance, subject,
      "its engine's update of step \(step) is not TensorEngine's")
    fast.apply(input, state: &inPlace.state, to: &inPlace.parameters, at: 0)
    try require(
      inPlace.parameters.elements == (parameters + update).elements, subject,
      "adding in place differs from adding the update at step \(step)")
    let restored = fast.restore(fast.export(a), step: a.step, shapes: shapes)
    for (x, y) in zip(fast.export(restored), fast.export(a)) {
      try require(x.elements == y.elements, subject, "its state does not survive export")
    }
    for (x, y) in zip(fast.export(a), slow.export(b)) where !y.elements.isEmpty {
      try require(
        x.shape == y.shape && relativeError(x.elements, y.elements) < 10 * tolerance, subject,
        "its engine's state after step \(step) is not TensorEngine's")
    }
    try checkAdjoints(
      (fast, slow), before, input, weights, &random, subject, tolerance: 10 * tolerance)
    parameters = parameters + update
  }
}

private func checkAdjoints(
  _ engines: (any OptimizerEngine, any OptimizerEngine),
  _ states: (OptimizerState, OptimizerState), _ input: StepInput, _ weights: NamedTensors,
  _ random: inout RandomStream, _ subject: String, tolerance: Double
) throws {
  let adjoint = random.normal(input.gradient.shape, standardDeviation: 1)
  func backward(_ engine: any OptimizerEngine, _ state: OptimizerState)
    -> (StepAdjoint, [Double])
  {
    var after = state
    _ = engine.step(input, state: &after)
    var stateAdjoint = engine.zeroAdjoint(of: after)
    var sum = [Double](repeating: 0, count: weights.elementCount)
    let result = engine.backwardStep(
      input, state: state, updateAdjoint: adjoint, stateAdjoint: &stateAdjoint, into: &sum)
    return (result, sum)
  }
  let (a, weightsOfA) = backward(engines.0, states.0)
  let (b, weightsOfB) = backward(engines.1, states.1)
  try require(
    relativeError(a.gradient.elements, b.gradient.elements) < tolerance
      || b.gradient.elements.allSatisfy { abs($0) < 1e-6 },
    subject, "its engine's adjoint of the gradient is not TensorEngine's")
  let (x, y) = (weightsOfA.map { Float($0) }, weightsOfB.map { Float($0) })
  try require(
    relativeError(x, y) < tolerance || y.allSatisfy { abs($0) < 1e-6 }, subject,
    "its engine's adjoint of the weights is not TensorEngine's")
}

/// Unrolls a small quadratic and compares the meta-gradient with differences of the meta-loss.
private func checkMetaGradient(
  _ rule: any LearnedOptimizer, _ weights: NamedTensors, _ subject: String
) throws {
  let problem = Quadratic(batchSize: 4, dimensions: 3, standardDeviation: 1)
  guard problem.parameters.allSatisfy({ rule.requirement(unmetBy: $0.shape) == nil }) else {
    return
  }
  let experiment = try Experiment(
    problem: problem, nets: [NetAssignment(key: "net", optimizer: rule)])
  let unroller = Unroller(experiment)
  let key = OptimizeeKey(seed: 3, phase: .test, epoch: 0, instance: 0)
  let estimator = TruncatedBackpropagation(order: .second())
  func unrolled(_ weights: NamedTensors) throws -> MetaGradient {
    unroller.load([weights])
    var optimizee = unroller.makeOptimizee(key, plannedSteps: 6)
    return try estimator.unrolled(&optimizee, steps: 6, metaLoss: .sum, on: unroller)
  }
  let gradient = try unrolled(weights).gradients[0]
  let size = gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
  var best = Double.infinity
  // Kinks of ReLU and clipping spoil a difference now and then.
  for trial in 0..<4 where best > 0.02 {
    var random = RandomStream(seed: 4, purpose: .test, instance: trial)
    let direction = weights.tensors.map { random.normal($0.shape, standardDeviation: 1) }
    let along = zip(gradient, direction.flatMap(\.elements)).reduce(0) { $0 + $1.0 * Double($1.1) }
    let scale = 2e-3
    func moved(_ sign: Double) -> NamedTensors {
      NamedTensors(
        names: weights.names,
        tensors: zip(weights.tensors, direction).map {
          $0 + $1.affine(scale: Float(sign * scale), offset: 0)
        })
    }
    let difference =
      (try unrolled(moved(1)).metaLoss - (try unrolled(moved(-1)).metaLoss)) / (2 * scale)
    best = min(best, relativeError(along, difference, floor: 0.05 * size))
  }
  try require(
    best < 0.05, subject, "its meta-gradient is off from differences by \(best) of its size")
}
