internal import Platform
internal import Tensors
public import Unrolling

/// How long trajectories are: a number of steps, a range drawn from anew for each trajectory, or such
/// choices one after the other as training goes on.
///
/// Written `100`, `100..2000` (log-uniform, both ends included), or `100, 200@1000, 100..2000@5000`:
/// what stands behind `@` is the meta-step from which on a choice holds.
public struct Horizon: Equatable, Sendable {
  /// A choice and the meta-step from which on it holds.
  public struct Stage: Equatable, Sendable {
    /// The first meta-step.
    public let start: Int
    /// The shortest and the longest trajectory.
    public let lengths: ClosedRange<Int>
  }

  /// The choices in the order of their starts, the first from meta-step 0.
  public let stages: [Stage]

  /// Trajectories of one length.
  public init(_ length: Int) { stages = [Stage(start: 0, lengths: length...length)] }

  /// Trajectories of lengths log-uniform in a range.
  public init(_ lengths: ClosedRange<Int>) { stages = [Stage(start: 0, lengths: lengths)] }

  /// Reads what `description` writes, with spaces around numbers; nil when it is malformed.
  public init?(_ text: String) {
    func number(_ text: Substring) -> Int? {
      let digits = text.drop { $0 == " " }.reversed().drop { $0 == " " }.reversed()
      return digits.allSatisfy { ("0"..."9").contains($0) } ? Int(String(digits)) : nil
    }
    var stages: [Stage] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let sides = part.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
      let dots = sides[0].firstRange(of: "..")
      let low = number(dots.map { sides[0][..<$0.lowerBound] } ?? sides[0])
      let high = dots.map { number(sides[0][$0.upperBound...]) } ?? low
      let start = sides.count == 2 ? number(sides[1]) : stages.isEmpty ? 0 : nil
      guard let low, let high, low >= 1, low <= high, high <= 100_000_000, let start,
        stages.isEmpty ? start == 0 : start > stages[stages.count - 1].start
      else { return nil }
      stages.append(Stage(start: start, lengths: low...high))
    }
    self.stages = stages
  }

  /// The shortest trajectory there can be.
  public var shortest: Int { stages.map(\.lengths.lowerBound).min() ?? 1 }
  /// The longest.
  public var longest: Int { stages.map(\.lengths.upperBound).max() ?? 1 }
  /// The one length there is; nil when there are several.
  public var constant: Int? { shortest == longest ? longest : nil }

  /// The steps of a trajectory that starts at a meta-step.
  public func length(of key: OptimizeeKey, metaStep: Int) -> Int {
    let lengths = (stages.last { $0.start <= metaStep } ?? stages[0]).lengths
    guard lengths.count > 1 else { return lengths.lowerBound }
    var stream = RandomStream(
      seed: key.seed, purpose: .horizon, epoch: key.epoch, instance: key.instance)
    // [low, high + 1) in the logarithm, so that both ends are drawn.
    let (low, high) = (log(Double(lengths.lowerBound)), log(Double(lengths.upperBound + 1)))
    let drawn = Int(exp(low + (high - low) * Double(stream.nextUniform())))
    return min(max(drawn, lengths.lowerBound), lengths.upperBound)
  }

  /// How far into its first trajectory a particle starts, a multiple of the window, so that not all
  /// reset together: as a shorter first trajectory.
  package func firstLength(of key: OptimizeeKey, length: Int, window: Int) -> Int {
    let windows = (length + window - 1) / window
    guard windows > 1 else { return length }
    var stream = RandomStream(
      seed: key.seed, purpose: .horizon, epoch: key.epoch, instance: key.instance, step: 1)
    return length - stream.nextInteger(below: windows) * window
  }
}

extension Horizon: CustomStringConvertible {
  /// As it is written on the command line.
  public var description: String {
    stages.map { stage in
      let (low, high) = (stage.lengths.lowerBound, stage.lengths.upperBound)
      return (low == high ? "\(low)" : "\(low)..\(high)")
        + (stage.start == 0 ? "" : "@\(stage.start)")
    }.joined(separator: ",")
  }
}
