public import Autodiff
public import Layers
public import Settings
public import Tensors

/// A rule that turns gradients into updates: a description, without weights and state, which are
/// passed in.
///
/// A rule sees all tensors that its net steps. Most don't mix them: conform to `TensorwiseOptimizer`
/// where each tensor is stepped by itself (statistics over a tensor), to `RowwiseOptimizer` where
/// rows of a tensor don't see each other either (the LSTMs, Adam), which is computed block by block.
///
///     struct NormalizedDescent: TensorwiseOptimizer {
///       static let name = "NormalizedDescent"
///       var options: [String: JSONValue] { [:] }
///       var weights: [VariableSpecification] { [.init("rate", .scalar, .constant(0.01))] }
///       func initialState(of shape: Shape) -> [Tensor] { [] }
///       func update(_ step: TensorStep, state: [Variable], weights: [Variable])
///         -> (update: Variable, state: [Variable])
///       {
///         let norm = (step.gradient.squared().sum() + 1e-12).squareRoot()
///         return (step.gradient * weights[0] / norm * -1, [])
///       }
///     }
public protocol LearnedOptimizer: Sendable {
  /// The class's name in saved optimizers, as `CoordinateWiseDeepLSTM`.
  static var name: String { get }

  /// The options that the user may choose anew for saved weights, as a learning rate; none unless a
  /// class says so.
  static var adjustableOptions: Set<String> { get }

  /// The options that make this rule, by name, as saved under `net_options`.
  var options: [String: JSONValue] { get }

  /// Names, shapes and initial values of the trainable weights; none for classic optimizers.
  var weights: [VariableSpecification] { get }

  /// What the rule looks at besides gradients and the step's index; nothing keeps the fast way to
  /// first-order meta-gradients.
  var inputs: StepInputs { get }

  /// Whether what is remembered follows from gradients alone, as averages of them with fixed decays do:
  /// neither from weights nor from parameters. First-order meta-gradients then go back through nothing
  /// but the updates.
  var stateFollowsGradientsAlone: Bool { get }

  /// What is expected of a parameter when this shape can't be stepped; nil when it can.
  func requirement(unmetBy shape: Shape) -> String?

  /// What the rule remembers of tensors of these shapes before the first step.
  func initialState(of shapes: [Shape]) -> [Tensor]

  /// One step of all tensors.
  ///
  /// - Parameters:
  ///   - step: gradients, and what `inputs` asks for.
  ///   - state: of the shapes of `initialState(of:)`.
  ///   - weights: values of `weights`, in order.
  /// - Returns: what is added to each tensor, and the next state.
  func update(_ step: Step, state: [Variable], weights: [Variable])
    -> (updates: [Variable], state: [Variable])

  /// What runs this rule over whole parameter vectors; has no weights before it is given some.
  func makeEngine() -> any OptimizerEngine
}

extension LearnedOptimizer {
  /// None.
  public static var adjustableOptions: Set<String> { [] }

  /// Gradients alone.
  public var inputs: StepInputs { [] }

  /// Not unless a class says so.
  public var stateFollowsGradientsAlone: Bool { false }

  /// Any shape fits.
  public func requirement(unmetBy shape: Shape) -> String? { nil }

  /// The engine that works for every rule.
  public func makeEngine() -> any OptimizerEngine { TensorEngine(self) }

  /// Whether there is anything to train.
  public var isTrained: Bool { !weights.isEmpty }

  /// The number of weights.
  public var weightCount: Int { weights.reduce(0) { $0 + $1.shape.count } }

  /// Weights drawn anew, in order, from `stream`.
  public func initialWeights(_ stream: inout RandomStream) -> NamedTensors {
    let specifications = weights
    return NamedTensors(
      names: specifications.map(\.name),
      tensors: specifications.map { $0.initializer($0.shape, &stream) })
  }

  /// Weights from elsewhere, which must have the rule's names and shapes and be finite, in the
  /// rule's order.
  ///
  /// - Throws: `OptimizerError.missingWeight`, `.wrongWeightShape`, `.unexpectedWeight`,
  ///   `.weightNotFinite`.
  public func checked(_ given: NamedTensors) throws(OptimizerError) -> NamedTensors {
    let specifications = weights
    let names = specifications.map(\.name)
    var tensors: [Tensor] = []
    for weight in specifications {
      guard let tensor = given[weight.name] else {
        throw .missingWeight(name: weight.name, found: given.names)
      }
      guard tensor.shape == weight.shape else {
        throw .wrongWeightShape(name: weight.name, found: tensor.shape, expected: weight.shape)
      }
      guard tensor.isFinite else { throw .weightNotFinite(name: weight.name) }
      tensors.append(tensor)
    }
    if let name = given.names.first(where: { !names.contains($0) }) {
      throw .unexpectedWeight(name: name, expected: names)
    }
    return NamedTensors(names: names, tensors: tensors)
  }
}
