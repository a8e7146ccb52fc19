public import Tensors

/// What can be wrong with a learned optimizer's description, weights, or use.
public enum OptimizerError: Error, Equatable, Sendable {
  /// No optimizer class has this name.
  case unknownNet(String, valid: [String])
  /// The class has no such option.
  case unknownOption(net: String, option: String, valid: [String])
  /// The option's value is of the wrong kind or out of range.
  case invalidOption(net: String, option: String, value: String, expected: String)
  /// A weight is missing from a saved optimizer.
  case missingWeight(name: String, found: [String])
  /// A weight has another shape than the options ask for.
  case wrongWeightShape(name: String, found: Shape, expected: Shape)
  /// A saved optimizer holds a weight that the net does not have.
  case unexpectedWeight(name: String, expected: [String])
  /// A parameter of this shape can't be stepped by this net.
  case unfitParameter(net: String, parameter: String, shape: Shape, expected: String)
  /// The gradient given to a step has another length than the parameters.
  case wrongGradientCount(found: Int, expected: Int)
  /// A gradient or an update is not a number or infinite.
  case notFinite(step: Int)
}
