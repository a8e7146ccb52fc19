public import Datasets
public import Tensors

/// Turned bowls whose number of axes and condition number are drawn, each so that every octave comes
/// as often as any other.
public struct QuadraticFamily: ProblemFamily {
  private let dimensions: ClosedRange<Int>
  private let conditions: ClosedRange<Float>

  /// Bowls of so many axes, whose longest is so many times flatter than the shortest.
  ///
  /// - Precondition: one axis at least, condition numbers of 1 or more.
  public init(dimensions: ClosedRange<Int> = 5...100, conditions: ClosedRange<Float> = 1...1000) {
    precondition(
      dimensions.lowerBound >= 1 && conditions.lowerBound >= 1,
      "\(dimensions) axes, condition \(conditions)")
    self.dimensions = dimensions
    self.conditions = conditions
  }

  /// None.
  public var datasets: [ImageDataset] { [] }

  /// One of the bowls.
  public func member(_ stream: inout RandomStream) -> any Problem {
    let count = stream.nextLogUniform(in: dimensions)
    let condition = stream.nextLogUniform(in: conditions)
    return ConditionedQuadratic(dimensions: count, condition: max(condition, 1))
  }

  /// The loss in units of what the bowl starts with on average.
  public func normalized(_ loss: Double, of member: any Problem) -> Double {
    (member as? ConditionedQuadratic).map { loss / $0.meanInitialLoss } ?? loss
  }
}
