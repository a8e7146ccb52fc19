internal import Autodiff
internal import Layers
public import Problems
internal import Tensors

/// Checks that a problem is what learned optimizers can be trained on.
///
/// - There are parameters; names are unique; initial values have the stated shapes and are finite.
/// - The loss is a finite scalar, the same for the same random numbers, recorded or not.
/// - Its gradient is that of differences of the loss, and where the loss is smooth the product of its
///   Hessian with a direction is that of differences of the gradient. A part of the loss that is lost to
///   derivatives, as one computed from a variable's value, is found so.
///
/// ```swift
/// @Test func banana() throws { try checkProblem(Rosenbrock(), step: 0.005) }
/// ```
///
/// - Parameters:
///   - seed: of all random numbers.
///   - step: how far differences step in the space of all parameters, along directions of a length
///     near 1; less where the loss bends more. Losses are float32: below 1e-3 rounding is all one sees.
///   - isSmooth: whether the loss has second derivatives at that scale; with ReLU and the like it has
///     not, and its gradient is asked to agree ten times less well.
/// - Throws: `ConformanceFault` that says what does not hold, with the numbers.
public func checkProblem(
  _ problem: any Problem, seed: UInt64 = 4, step: Float = 0.02, isSmooth: Bool = true
) throws(ConformanceFault) {
  let subject = "\(type(of: problem))"
  let point = try ProblemPoint(problem, seed: seed, subject)
  try point.checkLoss()
  let start = point.slope(point.direction(0), step: 0)
  let norm = start.gradient.reduce(0) { $0 + $1 * $1 }.squareRoot()
  for trial in 1...3 {
    // Half along the gradient, so that there is a slope to see.
    let direction = point.direction(trial, beside: start.gradient, norm: norm)
    let slope = zip(start.gradient, direction.flatMap(\.elements)).reduce(0) {
      $0 + $1.0 * Double($1.1)
    }
    let losses = [step, -step, 2 * step, -2 * step].map { point.slope(direction, step: $0).loss }
    // To the fourth order; what float32 rounds off the losses is the floor.
    let found = (8 * (losses[0] - losses[1]) - (losses[2] - losses[3])) / (12 * Double(step))
    let rounding = 1e-6 * abs(start.loss) / Double(step)
    try require(
      abs(slope - found) <= (isSmooth ? 2e-3 : 2e-2) * abs(slope) + rounding, subject,
      "the gradient along a direction is \(slope), differences say \(found)")
  }
  guard isSmooth else { return }
  let direction = point.direction(7)
  func difference(_ step: Float) -> [Double] {
    zip(
      point.slope(direction, step: step).gradient, point.slope(direction, step: -step).gradient
    ).map { ($0 - $1) / (2 * Double(step)) }
  }
  let found = zip(difference(step), difference(2 * step)).map { Float((4 * $0 - $1) / 3) }
  let product = point.hessianProduct(direction)
  let size = product.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
  let distance = zip(found, product).reduce(0) { $0 + Double(($1.0 - $1.1) * ($1.0 - $1.1)) }
    .squareRoot()
  try require(
    distance <= 2e-3 * size + 1e-6 * norm / Double(step), subject,
    "the Hessian's product with a direction, of length \(size), is off by \(distance) from"
      + " differences of the gradient")
}

/// Checks that a family deals problems: the same one for the same random numbers, each of them a
/// problem as `checkProblem` has it, with losses on a scale that members share.
///
/// - Parameters:
///   - members: how many are drawn and checked.
///   - step: see `checkProblem`.
///   - isSmooth: see `checkProblem`.
/// - Throws: `ConformanceFault`.
public func checkFamily(
  _ family: any ProblemFamily, members: Int = 3, seed: UInt64 = 4, step: Float = 0.02,
  isSmooth: Bool = true
) throws(ConformanceFault) {
  let subject = "\(type(of: family))"
  for draw in 0..<members {
    func member() -> any Problem {
      var stream = RandomStream(seed: seed, purpose: .problem, epoch: draw)
      return family.member(&stream)
    }
    let problem = member()
    let twin = try ProblemPoint(member(), seed: seed, subject)
    let point = try ProblemPoint(problem, seed: seed, subject)
    try require(
      twin.values.map(\.shape) == point.values.map(\.shape)
        && zip(twin.values, point.values).allSatisfy { $0.elements == $1.elements }, subject,
      "the same random numbers give another member the second time")
    let loss = point.slope(point.direction(0), step: 0).loss
    try require(
      family.normalized(loss, of: problem).isFinite, subject,
      "a loss of \(loss) is normalized to"
        + " \(family.normalized(loss, of: problem))")
    try checkProblem(problem, seed: seed, step: step, isSmooth: isSmooth)
  }
}

/// A problem at its start, on one minibatch.
private struct ProblemPoint {
  let subject: String
  let problem: any Problem
  let values: [Tensor]
  let constants: [Tensor]
  let seed: UInt64

  init(
    _ problem: any Problem, seed: UInt64, _ subject: String
  ) throws(ConformanceFault) {
    self.subject = subject
    self.problem = problem
    self.seed = seed
    let specifications = problem.parameters
    try require(!specifications.isEmpty, subject, "it has no parameters")
    var stream = RandomStream(seed: seed, purpose: .problem)
    values = specifications.map { $0.initializer($0.shape, &stream) }
    constants = problem.constants.map { $0.initializer($0.shape, &stream) }
    let variables = specifications + problem.constants
    try require(
      Set(variables.map(\.name)).count == variables.count, subject,
      "a name is given twice among \(variables.map(\.name))")
    for (value, specification) in zip(values + constants, variables) {
      try require(
        value.isFinite && value.shape == specification.shape, subject,
        "the initial value of \(specification.name) is not finite or of another shape")
    }
  }

  private func loss(_ parameters: [Variable]) -> Variable {
    var minibatch = RandomStream(seed: seed, purpose: .minibatch)
    return problem.loss(parameters: parameters, constants: constants, minibatch: &minibatch)
  }

  func checkLoss() throws(ConformanceFault) {
    let plain = loss(values.map { Variable($0) })
    try require(
      plain.shape.count == 1 && plain.value.isFinite, subject,
      "the loss at the start, of shape \(plain.shape), is no finite number")
    try require(
      loss(values.map { Variable($0) }).value.elements == plain.value.elements, subject,
      "the same random numbers give another loss the second time")
    let tape = Tape()
    try require(
      loss(values.map { tape.variable($0) }).value.elements == plain.value.elements, subject,
      "the loss is another one when it is recorded")
  }

  /// A direction of length 1.
  func direction(_ trial: Int) -> [Tensor] {
    var random = RandomStream(seed: seed, purpose: .test, instance: trial)
    let raw = values.map { random.normal($0.shape, standardDeviation: 1) }
    let length = raw.reduce(0) { $0 + $1.dot($1) }.squareRoot()
    return raw.map { $0.affine(scale: Float(1 / max(length, 1e-12)), offset: 0) }
  }

  /// A unit along the gradient, and half a unit of another direction.
  func direction(_ trial: Int, beside gradient: [Double], norm: Double) -> [Tensor] {
    guard norm > 0 else { return direction(trial) }
    var offset = 0
    return direction(trial).map { tensor in
      defer { offset += tensor.count }
      return tensor.affine(scale: 0.5, offset: 0)
        + Tensor(
          gradient[offset..<offset + tensor.count].map { Float($0 / norm) }, shape: tensor.shape)
    }
  }

  /// Loss and gradient at the start plus `step` times a direction.
  func slope(_ direction: [Tensor], step: Float) -> (loss: Double, gradient: [Double]) {
    let tape = Tape()
    let parameters = zip(values, direction).map {
      tape.variable($0 + $1.affine(scale: step, offset: 0))
    }
    let loss = loss(parameters)
    let gradient = Autodiff.gradient(of: loss, withRespectTo: parameters)
    return (Double(loss.value.elements[0]), gradient.flatMap { $0.value.elements.map(Double.init) })
  }

  func hessianProduct(_ direction: [Tensor]) -> [Float] {
    let tape = Tape()
    let parameters = values.map { tape.variable($0) }
    return hessianVectorProduct(of: loss(parameters), at: parameters, direction: direction)
      .product.flatMap(\.elements)
  }
}
