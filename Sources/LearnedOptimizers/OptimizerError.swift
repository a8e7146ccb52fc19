public import Settings
public import Tensors

/// What can be wrong with a learned optimizer's description, weights, or use.
public enum OptimizerError: Error, Equatable, Sendable {
  /// No optimizer class has this name.
  case unknownNet(String, valid: [String])
  /// An option that the class does not have, that is out of range, or that contradicts others.
  case option(SettingError)
  /// A saved optimizer is of a format that this version does not know.
  case unknownFormat(version: String)
  /// A weight is missing from a saved optimizer.
  case missingWeight(name: String, found: [String])
  /// A weight has another shape than the options ask for.
  case wrongWeightShape(name: String, found: Shape, expected: Shape)
  /// A saved optimizer holds a weight that the net does not have.
  case unexpectedWeight(name: String, expected: [String])
  /// A weight is not a number or infinite.
  case weightNotFinite(name: String)
  /// A tensor of a file has too many axes or elements to be a weight.
  case unfitTensor(name: String, dimensions: [Int])
  /// A tensor of this shape can't be stepped by this rule.
  case unfitShape(net: String, shape: Shape, expected: String)
  /// A saved state of a stepper does not fit its rule and tensors.
  case unfitState(reason: String)
  /// The gradient given to a step has another length than the parameters.
  case wrongGradientCount(found: Int, expected: Int)
  /// A gradient or an update is not a number or infinite.
  case notFinite(step: Int)
}

extension OptimizerError: CustomStringConvertible {
  /// The error as a sentence.
  public var description: String {
    switch self {
    case .unknownNet(let name, let valid):
      "there is no optimizer class '\(name)'; the classes are \(valid.joined(separator: ", "))"
    case .option(let error): error.description
    case .unknownFormat(let version):
      "it says that it has format '\(version)'; this program reads version 1: take the program that wrote it"
    case .missingWeight(let name, let found):
      "weight '\(name)' is missing; there are \(found.joined(separator: ", "))"
    case .wrongWeightShape(let name, let found, let expected):
      "weight '\(name)' has shape \(found), not \(expected)"
    case .unexpectedWeight(let name, let expected):
      "weight '\(name)' is nothing of the net, which has \(expected.joined(separator: ", "))"
    case .weightNotFinite(let name):
      "weight '\(name)' holds NaN or infinity: it comes from a training that diverged"
    case .unfitTensor(let name, let dimensions):
      "'\(name)' of shape \(dimensions) is no weight: those have at most \(Shape.maximumRank) axes"
        + " and \(Int32.max) elements"
    case .unfitShape(let net, let shape, let expected):
      "\(net) can't step a tensor of shape \(shape): it needs \(expected)"
    case .unfitState(let reason):
      "the saved state does not fit: \(reason)"
    case .wrongGradientCount(let found, let expected):
      "there are \(found) numbers for \(expected) parameters"
    case .notFinite(let step):
      "a gradient, loss or update is not finite at step \(step); nothing was changed"
    }
  }
}
