public import Autodiff
public import Datasets
public import Layers
public import Tensors

/// A family's problems in other units: f'(w) = f(w s) from w_0 / s, with s = exp U(ln low, ln high).
///
/// The gradient is s times as long and the way to the minimum 1 / s times: an optimizer trained on all
/// of them can't rely on the size of either (task augmentation of Metz et al., 2022,
/// https://arxiv.org/abs/2203.11860).
public struct Reparametrization: ProblemFamily {
  /// What has an s of its own.
  public enum Scope: String, Sendable, CaseIterable {
    /// All parameters of a problem share one.
    case global
    /// Each tensor.
    case tensor
    /// Each number.
    case parameter
  }

  private let base: any ProblemFamily
  private let scope: Scope
  private let range: ClosedRange<Float>

  /// Problems of `base`, whose s lies in `range`.
  ///
  /// - Precondition: bounds above 0.
  public init(
    _ base: any ProblemFamily, scope: Scope = .global, range: ClosedRange<Float> = 1e-3...1e3
  ) {
    precondition(range.lowerBound > 0, "scales in \(range)")
    self.base = base
    self.scope = scope
    self.range = range
  }

  /// The base's data sets.
  public var datasets: [ImageDataset] { base.datasets }

  /// A problem of the base, then its scales.
  public func member(_ stream: inout RandomStream) -> any Problem {
    let problem = base.member(&stream)
    func scale() -> Float { stream.nextLogUniform(in: range) }
    let shared = scope == .global ? scale() : 1
    let scales = problem.parameters.map { parameter in
      switch scope {
      case .global: Tensor(shared)
      case .tensor: Tensor(scale())
      case .parameter:
        Tensor((0..<parameter.shape.count).map { _ in scale() }, shape: parameter.shape)
      }
    }
    return ScaledProblem(problem, scales: scales)
  }

  /// What the base makes of the loss.
  public func normalized(_ loss: Double, of member: any Problem) -> Double {
    base.normalized(loss, of: (member as? ScaledProblem)?.base ?? member)
  }
}

/// A problem whose parameters are multiplied by given numbers: f'(w) = f(w s), from w_0 / s.
public struct ScaledProblem: Problem {
  /// The problem in its own units.
  public let base: any Problem
  /// The base's parameters, which start at s times less.
  public let parameters: [VariableSpecification]
  private let scales: [Tensor]
  private let directBase: (any DirectGradient)?

  /// The problem with a scale a parameter, each a scalar or of the parameter's shape.
  ///
  /// - Precondition: as many scales as parameters, of these shapes, none of them 0.
  public init(_ base: any Problem, scales: [Tensor]) {
    precondition(scales.count == base.parameters.count, "\(scales.count) scales")
    self.base = base
    self.scales = scales
    directBase = base.withDirectGradient
    parameters = zip(base.parameters, scales).map { parameter, scale in
      precondition(
        scale.count == 1 || scale.shape == parameter.shape,
        "scales of \(scale.shape) for \(parameter.name)")
      return VariableSpecification(
        parameter.name, parameter.shape, .scaled(parameter.initializer, by: scale.reciprocal()))
    }
  }

  /// The base's constants.
  public var constants: [VariableSpecification] { base.constants }

  /// The base's data sets.
  public var datasets: [ImageDataset] { base.datasets }

  /// What the base makes of the loss.
  public func normalized(_ loss: Double, of member: any Problem) -> Double {
    base.normalized(loss, of: (member as? ScaledProblem)?.base ?? member)
  }

  /// The base's loss at the scaled parameters.
  public func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    let scaled = zip(parameters, scales).map { parameter, scale in
      scale.count == 1 ? parameter * scale.scalar : parameter * Variable(scale)
    }
    return base.loss(parameters: scaled, constants: constants, minibatch: &minibatch)
  }
}

extension ScaledProblem: DirectGradient {
  /// If the base does.
  package var findsGradients: Bool { directBase != nil }

  /// The base's at the scaled parameters, scaled.
  package func lossAndGradient(
    at parameters: UnsafePointer<Float>, offsets: [Int], constants: [Tensor],
    minibatch: inout RandomStream, memory: inout Tensor,
    into gradient: UnsafeMutablePointer<Float>
  ) -> Float {
    guard let base = directBase else { preconditionFailure("a base that needs a tape") }
    let end = zip(offsets, self.parameters).reduce(0) { max($0, $1.0 + $1.1.shape.count) }
    let scaled = Tensor(uninitialized: Shape(vector: end)) { scale(parameters, offsets, into: $0) }
    let loss = scaled.withUnsafeFloats {
      base.lossAndGradient(
        at: $0, offsets: offsets, constants: constants, minibatch: &minibatch, memory: &memory,
        into: gradient)
    }
    if loss.isFinite { scale(UnsafePointer(gradient), offsets, into: gradient) }
    return loss
  }

  /// The parameters' places of a vector, each times its scale; `target` may be `source`.
  private func scale(
    _ source: UnsafePointer<Float>, _ offsets: [Int], into target: UnsafeMutablePointer<Float>
  ) {
    for (position, offset) in offsets.enumerated() {
      let places = offset..<offset + parameters[position].shape.count
      scales[position].withUnsafeFloats { scale in
        if scales[position].count == 1 {
          // As `affine` does it: -0 becomes 0.
          for place in places { target[place] = source[place] * scale[0] + 0 }
        } else {
          for place in places { target[place] = source[place] * scale[place - offset] }
        }
      }
    }
  }
}
