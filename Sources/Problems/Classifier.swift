internal import Platform
internal import Tensors

/// A problem whose loss is a cross-entropy over classes.
public protocol Classifier: Problem {
  /// The number of classes, 2 at least.
  var classCount: Int { get }
}

extension Classifier {
  /// The loss on a scale that all numbers of classes share: see `normalizedCrossEntropy`.
  public func normalized(_ loss: Double, of member: any Problem) -> Double {
    normalizedCrossEntropy(loss, classes: classCount)
  }
}

/// (clip(l, 0, ln 2C) - ln(C/5)) 10 / ln C for a cross-entropy l over C classes.
///
/// Guessing, ln C, becomes 10 ln 5 / ln C, 7 for ten classes; what is worse than ln 2C, or no number,
/// counts as ln 2C: a diverged training is as bad as any.
///
/// - Precondition: two classes at least.
public func normalizedCrossEntropy(_ loss: Double, classes: Int) -> Double {
  precondition(classes >= 2, "a cross-entropy over \(classes) classes")
  let count = Double(classes)
  let worst = log(2 * count)
  let clipped = loss.isNaN ? worst : min(max(loss, 0), worst)
  return (clipped - log(count / 5)) * 10 / log(count)
}
