internal import Platform

/// A stream of random numbers that depends on what it is for, never on when or where it is drawn.
///
/// Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel random numbers: as easy as 1, 2, 3",
/// 2011): block i of a stream is a keyed bijection of the counter (i, step, instance, epoch), so
/// any process can draw any stream without the others. The key is the seed mixed with the purpose.
///
/// ```swift
/// var stream = RandomStream(seed: 7, purpose: .minibatch, epoch: 2, step: 5)
/// let rows = (0..<32).map { _ in stream.nextInteger(below: 1000) }
/// ```
public struct RandomStream: Sendable {
  /// What a stream's numbers are used for; streams of different purposes are independent.
  public enum Purpose: UInt64, Sendable, CaseIterable {
    /// Initial weights of a learned optimizer.
    case weights = 1
    /// A training optimizee's initial parameters and constants.
    case problem = 2
    /// A training optimizee's minibatches.
    case minibatch = 3
    /// Parameters and constants of the optimizees that select the best optimizer while training.
    case validationProblem = 6
    /// Their minibatches.
    case validationMinibatch = 7
    /// Parameters and constants of the optimizees that the final figures are measured on.
    case testProblem = 8
    /// Their minibatches.
    case testMinibatch = 9
    /// Parameters and constants of the optimizees that learning rates are chosen with.
    case tuningProblem = 10
    /// Their minibatches.
    case tuningMinibatch = 11
    /// Perturbations of weights, of evolution strategies.
    case perturbation = 12
    /// The lengths of trajectories.
    case horizon = 13
    /// Resamples of a bootstrap.
    case bootstrap = 14
    /// Settings that a search tries.
    case search = 15
    /// Which windows are imitated, and whom.
    case imitation = 16
    /// Synthetic data sets.
    case data = 4
    /// Choices that tests make.
    case test = 5
  }

  private var key: (UInt32, UInt32)
  private var counter: (UInt32, UInt32, UInt32, UInt32)
  private var block: (UInt32, UInt32, UInt32, UInt32) = (0, 0, 0, 0)
  private var used = 4
  private var spareNormal: Float?

  /// The stream of one seed, purpose, epoch, optimizee instance and step.
  public init(seed: UInt64, purpose: Purpose, epoch: Int = 0, instance: Int = 0, step: Int = 0) {
    // One round of SplitMix64 (Steele, Lea, Flood, 2014) separates nearby seeds and purposes.
    // Seeds count from 1 here: what would be seed 0 starts mnist with one of the longest plateaus of
    // the first few seeds, a poor default. It stays so, because the numbers of every published seed
    // follow from it.
    var z = seed &+ 1 &+ purpose.rawValue &* 0x9E37_79B9_7F4A_7C15
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    z ^= z >> 31
    key = (UInt32(truncatingIfNeeded: z), UInt32(truncatingIfNeeded: z >> 32))
    counter = (
      0, UInt32(truncatingIfNeeded: step), UInt32(truncatingIfNeeded: instance),
      UInt32(truncatingIfNeeded: epoch)
    )
  }

  /// The next 32 random bits.
  public mutating func nextBits() -> UInt32 {
    if used == 4 {
      block = Self.philox(counter, key)
      counter.0 &+= 1
      used = 0
    }
    defer { used += 1 }
    switch used {
    case 0: return block.0
    case 1: return block.1
    case 2: return block.2
    default: return block.3
    }
  }

  /// A number drawn uniformly from [0, 1), a multiple of 2^-24.
  public mutating func nextUniform() -> Float { Float(nextBits() >> 8) * 0x1p-24 }

  /// An integer drawn uniformly from 0 ..< bound, without bias (Lemire, 2019).
  public mutating func nextInteger(below bound: Int) -> Int {
    demand(bound > 0 && bound <= Int(UInt32.max), "no integer below \(bound)")
    let range = UInt64(bound)
    while true {
      let product = UInt64(nextBits()) &* range
      let low = product & 0xFFFF_FFFF
      // The threshold is below the range: most draws pass without the division.
      if low >= range || low >= (UInt64(1) << 32) % range { return Int(product >> 32) }
    }
  }

  /// A number drawn from the standard normal distribution (Box and Muller, 1958).
  public mutating func nextNormal() -> Float {
    if let spare = spareNormal {
      spareNormal = nil
      return spare
    }
    let u = (Double(nextBits()) + 0.5) * 0x1p-32
    let angle = Double(nextBits()) * (2 * .pi * 0x1p-32)
    let radius = (-2 * log(u)).squareRoot()
    spareNormal = Float(radius * sin(angle))
    return Float(radius * cos(angle))
  }

  /// A number drawn from the standard normal distribution cut off at two standard deviations.
  public mutating func nextTruncatedNormal() -> Float {
    while true {
      let value = nextNormal()
      if abs(value) < 2 { return value }
    }
  }

  /// A tensor of numbers drawn uniformly from [0, 1).
  public mutating func uniform(_ shape: Shape) -> Tensor { fill(shape) { $0.nextUniform() } }

  /// A tensor of normal numbers with mean 0.
  public mutating func normal(_ shape: Shape, standardDeviation: Float) -> Tensor {
    fill(shape) { $0.nextNormal() * standardDeviation }
  }

  /// A tensor of normal numbers with mean 0, redrawn beyond two standard deviations.
  public mutating func truncatedNormal(_ shape: Shape, standardDeviation: Float) -> Tensor {
    fill(shape) { $0.nextTruncatedNormal() * standardDeviation }
  }

  private mutating func fill(_ shape: Shape, _ draw: (inout RandomStream) -> Float) -> Tensor {
    Tensor(uninitialized: shape) { target in
      for index in 0..<shape.count { target[index] = draw(&self) }
    }
  }

  /// Philox4x32-10: ten rounds, with the constants of the paper.
  package static func philox(
    _ counter: (UInt32, UInt32, UInt32, UInt32), _ key: (UInt32, UInt32)
  ) -> (UInt32, UInt32, UInt32, UInt32) {
    var c = counter
    var k = key
    for _ in 0..<10 {
      let p = UInt64(c.0) &* 0xD251_1F53
      let q = UInt64(c.2) &* 0xCD9E_8D57
      c = (
        UInt32(truncatingIfNeeded: q >> 32) ^ c.1 ^ k.0, UInt32(truncatingIfNeeded: q),
        UInt32(truncatingIfNeeded: p >> 32) ^ c.3 ^ k.1, UInt32(truncatingIfNeeded: p)
      )
      k = (k.0 &+ 0x9E37_79B9, k.1 &+ 0xBB67_AE85)
    }
    return c
  }
}
