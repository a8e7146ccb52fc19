internal import Platform
internal import Tensors

// Numbers whose logarithm is uniform: each octave comes as often as any other.
extension RandomStream {
  /// A whole number of a range, the logarithm of which is uniform: each octave comes as often.
  mutating func nextLogUniform(in range: ClosedRange<Int>) -> Int {
    let low = log(Double(range.lowerBound))
    let high = log(Double(range.upperBound) + 1)
    let value = exp(low + (high - low) * Double(nextUniform()))
    return min(max(Int(value), range.lowerBound), range.upperBound)
  }

  /// A number of a range above 0, the logarithm of which is uniform.
  mutating func nextLogUniform(in range: ClosedRange<Float>) -> Float {
    let (low, high) = (log(range.lowerBound), log(range.upperBound))
    return exp(low + (high - low) * nextUniform())
  }
}
