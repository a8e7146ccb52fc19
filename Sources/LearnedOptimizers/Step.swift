public import Autodiff

/// What a rule looks at besides gradients and the step's index.
public struct StepInputs: OptionSet, Sendable {
  /// A bit an input.
  public let rawValue: Int
  /// The inputs of these bits.
  public init(rawValue: Int) { self.rawValue = rawValue }

  /// The parameters' values.
  public static let parameter = StepInputs(rawValue: 1)
  /// The loss before the step.
  public static let loss = StepInputs(rawValue: 2)
  /// How many steps there will be.
  public static let progress = StepInputs(rawValue: 4)
}

/// What a rule sees of one step.
///
/// One value that grows instead of growing parameter lists.
public struct Step {
  /// The gradient of each tensor.
  public var gradients: [Variable]
  /// The value of each tensor, before the step.
  public var parameters: [Variable]
  /// The loss at these values.
  public var loss: Variable
  /// How many steps were taken before.
  public var index: Int
  /// How many steps there will be; nil when that is not known.
  public var count: Int?

  /// One step of one or more tensors.
  public init(
    gradients: [Variable], parameters: [Variable], loss: Variable, index: Int, count: Int? = nil
  ) {
    self.gradients = gradients
    self.parameters = parameters
    self.loss = loss
    self.index = index
    self.count = count
  }

  /// What is seen of one of the tensors.
  public func tensor(_ position: Int) -> TensorStep {
    TensorStep(
      gradient: gradients[position], parameter: parameters[position], loss: loss, index: index,
      count: count)
  }
}

/// What a rule that steps each tensor by itself sees of one step of it.
public struct TensorStep {
  /// The gradient.
  public var gradient: Variable
  /// The value, before the step.
  public var parameter: Variable
  /// The loss at all values.
  public var loss: Variable
  /// How many steps were taken before.
  public var index: Int
  /// How many steps there will be; nil when that is not known.
  public var count: Int?

  /// One step of one tensor.
  public init(
    gradient: Variable, parameter: Variable, loss: Variable, index: Int, count: Int? = nil
  ) {
    self.gradient = gradient
    self.parameter = parameter
    self.loss = loss
    self.index = index
    self.count = count
  }
}
