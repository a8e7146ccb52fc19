/// What can be wrong with the choice of a problem.
public enum ProblemError: Error, Equatable, Sendable {
  /// No problem has this name.
  case unknownProblem(String, valid: [String])
  /// An ensemble needs one weight a problem.
  case wrongNumberOfWeights(problems: Int, weights: Int)
  /// Given data don't fit together or don't fit the problem.
  case invalidBatch(reason: String)
}
