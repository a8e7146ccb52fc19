internal import Autodiff
internal import Layers
public import Problems
internal import Tensors

/// Checks that a problem is what learned optimizers can be trained on.
///
/// Names are unique; initial values and loss are finite; the same random numbers give the same loss;
/// the gradient is that of central differences along random directions, and so is the product of the
/// Hessian with one, where `isSmooth`.
///
///     @Test func banana() throws { try checkProblem(Rosenbrock()) }
///
/// - Parameters:
///   - seed: of all random numbers.
///   - isSmooth: whether the loss has second derivatives nearly everywhere on the scale of `step`;
///     ReLU and the like have not.
///   - step: the relative length of differences; float32 losses allow no less than 1e-3.
///   - tolerance: of the relative error of derivatives.
/// - Throws: `ConformanceFault`.
public func checkProblem(
  _ problem: any Problem, seed: UInt64 = 0, isSmooth: Bool = true, step: Double = 1e-2,
  tolerance: Double = 0.02
) throws(ConformanceFault) {
  let subject = "\(type(of: problem))"
  let specifications = problem.parameters
  try require(!specifications.isEmpty, subject, "it has no parameters")
  for variables in [specifications, problem.constants] {
    try require(
      Set(variables.map(\.name)).count == variables.count, subject, "a name is given twice")
  }
  var stream = RandomStream(seed: seed, purpose: .problem)
  let values = specifications.map { $0.initializer($0.shape, &stream) }
  let constants = problem.constants.map { $0.initializer($0.shape, &stream) }
  for (value, specification) in zip(values, specifications) {
    try require(
      value.isFinite && value.shape == specification.shape, subject,
      "the initial value of \(specification.name) is not finite or of another shape")
  }
  let point = ProblemPoint(problem: problem, constants: constants, seed: seed)
  let (loss, gradient) = point.lossAndGradient(values)
  try require(loss.isFinite, subject, "the loss at the start is \(loss)")
  try require(
    loss == point.lossAndGradient(values).loss, subject,
    "the same random numbers give another loss the second time")

  for trial in 0..<3 {
    var random = RandomStream(seed: seed, purpose: .test, instance: trial)
    let direction = values.map { random.normal($0.shape, standardDeviation: 1) }
    let scale = step * max(length(values), 1) / max(length(direction), 1e-12)
    func moved(_ sign: Double) -> [Tensor] {
      zip(values, direction).map {
        $0 + $1.affine(scale: Float(sign * scale), offset: 0)
      }
    }
    let (above, gradientAbove) = point.lossAndGradient(moved(1))
    let (below, gradientBelow) = point.lossAndGradient(moved(-1))
    let expected = product(gradient, direction)
    let found = (above - below) / (2 * scale)
    let floor = 1e-3 * length(gradient) * length(direction)
    try require(
      relativeError(found, expected, floor: floor) < tolerance, subject,
      "the gradient along a direction is \(expected), differences say \(found)")
    guard isSmooth else { continue }
    let hessian = point.hessianProduct(values, direction)
    let difference = zip(gradientAbove, gradientBelow).map {
      ($0 - $1).affine(scale: Float(1 / (2 * scale)), offset: 0)
    }
    let error = length(zip(hessian, difference).map { $0 - $1 })
    let size = max(
      length(hessian), length(difference), 1e-3 * length(gradient) * length(direction))
    try require(
      error < 5 * tolerance * size + 1e-6, subject,
      "the Hessian's product with a direction is off by \(error) of \(size)")
  }
}

private func product(_ a: [Tensor], _ b: [Tensor]) -> Double {
  zip(a, b).reduce(0) { $0 + $1.0.dot($1.1) }
}

private func length(_ a: [Tensor]) -> Double { product(a, a).squareRoot() }

/// A problem on one minibatch.
private struct ProblemPoint {
  let problem: any Problem
  let constants: [Tensor]
  let seed: UInt64

  private func record(_ values: [Tensor], _ tape: Tape) -> (Variable, [Variable]) {
    let parameters = values.map { tape.variable($0) }
    var minibatch = RandomStream(seed: seed, purpose: .minibatch)
    let loss = problem.loss(parameters: parameters, constants: constants, minibatch: &minibatch)
    return (loss, parameters)
  }

  func lossAndGradient(_ values: [Tensor]) -> (loss: Double, gradient: [Tensor]) {
    let (loss, parameters) = record(values, Tape())
    let gradient = Autodiff.gradient(of: loss, withRespectTo: parameters).map(\.value)
    return (Double(loss.value.scalar), gradient)
  }

  func hessianProduct(_ values: [Tensor], _ direction: [Tensor]) -> [Tensor] {
    let (loss, parameters) = record(values, Tape())
    return hessianVectorProduct(of: loss, at: parameters, direction: direction).product
  }
}
