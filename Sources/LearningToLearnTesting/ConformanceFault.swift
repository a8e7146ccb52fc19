/// What a conformance check found wrong.
public struct ConformanceFault: Error, Equatable, CustomStringConvertible, Sendable {
  /// The problem, optimizer or estimator.
  public let subject: String
  /// The demand that it does not meet, with the numbers.
  public let description: String

  init(_ subject: String, _ what: String) {
    self.subject = subject
    description = "\(subject): \(what)"
  }
}

/// Throws unless a demand is met.
func require(
  _ isMet: Bool, _ subject: String, _ what: @autoclosure () -> String
) throws(ConformanceFault) {
  guard isMet else { throw ConformanceFault(subject, what()) }
}

/// |a - b| beside the larger of them and a floor.
func relativeError(_ a: Double, _ b: Double, floor: Double = 1e-12) -> Double {
  abs(a - b) / max(abs(a), abs(b), floor)
}

/// The Euclidean norm of a - b beside b's.
func relativeError(_ a: [Float], _ b: [Float]) -> Double {
  var difference = 0.0
  var size = 0.0
  for (a, b) in zip(a, b) {
    difference += (Double(a) - Double(b)) * (Double(a) - Double(b))
    size += Double(b) * Double(b)
  }
  return difference.squareRoot() / max(size.squareRoot(), 1e-12)
}
