/// How far the meta-gradients of a log period can be trusted, and how many were made.
public struct MetaGauge: Equatable, Sendable {
  /// Sum over meta-steps of the signal-to-noise ratio of the mean meta-gradient.
  public var signalToNoiseSum = 0.0
  /// Meta-steps with two or more particles, for which there is one.
  public var signalCount = 0
  /// Sum over meta-steps of the cosine between the means of even and odd particles.
  public var cosineSum = 0.0
  /// Meta-steps in which both halves have a gradient.
  public var cosineCount = 0
  /// Windows that were walked.
  public var windows = 0
  /// Of these, how many were dropped because something was not finite.
  public var dropped = 0

  /// Nothing so far.
  public init() {}

  /// The mean ratio of the squared length of the true meta-gradient to the variance of the particles'
  /// mean G; nil where there is none.
  ///
  /// Both are estimated from N particles' gradients g_i: with S the mean of ||g_i||^2, the variance of
  /// the mean is V = (S - ||G||^2) / (N - 1), and the ratio (||G||^2 - V) / V. Around 0 there is
  /// nothing but noise; 1 says that half of the step is noise.
  public var signalToNoise: Double? {
    signalCount > 0 ? signalToNoiseSum / Double(signalCount) : nil
  }
  /// The mean cosine; near 1 when every particle says the same, near 0 when they are noise.
  public var cosine: Double? { cosineCount > 0 ? cosineSum / Double(cosineCount) : nil }
  /// The share of windows that were dropped; nil without windows.
  public var droppedShare: Double? { windows > 0 ? Double(dropped) / Double(windows) : nil }

  /// Adds a meta-step.
  ///
  /// - Parameters:
  ///   - mean: the mean gradient of the particles that have one, all nets in one.
  ///   - squaredNorms: ||g_i||^2 of each of them.
  ///   - halves: the sums over even and odd particles.
  ///   - dropped: windows without a gradient.
  mutating func add(
    mean: [Double], squaredNorms: [Double], halves: (even: [Double], odd: [Double]), dropped: Int
  ) {
    windows += squaredNorms.count + dropped
    self.dropped += dropped
    func product(_ a: [Double], _ b: [Double]) -> Double {
      var sum = 0.0
      for index in a.indices { sum += a[index] * b[index] }
      return sum
    }
    let count = Double(squaredNorms.count)
    if count >= 2 {
      let signal = product(mean, mean)
      let noise = (squaredNorms.reduce(0, +) / count - signal) / (count - 1)
      if noise > 0, signal.isFinite {
        signalToNoiseSum += (signal - noise) / noise
        signalCount += 1
      }
    }
    let lengths = product(halves.even, halves.even) * product(halves.odd, halves.odd)
    if lengths > 0, lengths.isFinite {
      cosineSum += product(halves.even, halves.odd) / lengths.squareRoot()
      cosineCount += 1
    }
  }

  /// The numbers as words, for the state.
  var numbers: [Double] {
    [
      signalToNoiseSum, Double(signalCount), cosineSum, Double(cosineCount), Double(windows),
      Double(dropped),
    ]
  }

  /// The inverse of `numbers`; nil when they are no gauge.
  init?(numbers: [Double]) {
    guard numbers.count == 6, numbers.allSatisfy(\.isFinite),
      [1, 3, 4, 5].allSatisfy({ (0..<0x1p40).contains(numbers[$0]) })
    else { return nil }
    signalToNoiseSum = numbers[0]
    signalCount = Int(numbers[1])
    cosineSum = numbers[2]
    cosineCount = Int(numbers[3])
    windows = Int(numbers[4])
    dropped = Int(numbers[5])
  }
}
