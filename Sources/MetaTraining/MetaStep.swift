internal import Layers
internal import MetaGradients
internal import ProcessGroups
internal import Tensors
internal import Unrolling

/// What one particle tells the others of its window.
struct WindowReport: WordCodable {
  static let wordCount = 7
  /// The last loss; not a number when there is no gradient.
  var finalLoss = Double.nan
  var metaLoss = 0.0
  /// The length of the meta-gradient before it was shortened.
  var norm = 0.0
  /// The square of its length.
  var squaredNorm = 0.0
  /// The sum of the last losses of the trajectories that ended.
  var endedSum = 0.0
  var endedCount = 0.0
  /// A divergence as one number: 0 for none, and for those already reported.
  var divergence: Int64 = 0

  init() {}

  init(_ estimate: MetaGradient) {
    finalLoss = estimate.finalLoss
    metaLoss = estimate.metaLoss
    norm = estimate.norm
    squaredNorm = estimate.gradients.joined().reduce(0) { $0 + $1 * $1 }
    endedSum = estimate.finalLosses.reduce(0, +)
    endedCount = Double(estimate.finalLosses.count)
  }

  var words: [Int64] {
    [
      finalLoss.word, metaLoss.word, norm.word, squaredNorm.word, endedSum.word, endedCount.word,
      divergence,
    ]
  }

  init(words: ArraySlice<Int64>) {
    let start = words.startIndex
    func number(_ index: Int) -> Double { Double(word: words[start + index]) }
    (finalLoss, metaLoss, norm) = (number(0), number(1), number(2))
    (squaredNorm, endedSum, endedCount) = (number(3), number(4), number(5))
    divergence = words[start + 6]
  }

  var hasGradient: Bool { finalLoss.isFinite }
}

/// What all particles of all processes together tell.
struct MetaStep {
  /// For each net, the mean gradient over the particles that have one; nil when none has.
  let gradients: [[Double]]?
  /// One a particle.
  let reports: [WindowReport]
  /// For each net, the sums over even and odd particles.
  let halves: [(even: [Double], odd: [Double])]
  /// Whether any process wants to stop.
  let stops: Bool
  /// Whether any process has given its window up, so that none counts.
  let isGivenUp: Bool
  /// Seconds.
  let timing: Exchange.Timing

  /// Exchanges what this process's particles have found.
  ///
  /// - Parameters:
  ///   - estimates: one a particle of this process; nil where it has diverged.
  ///   - divergences: as codes, one a particle of this process.
  init(
    _ estimates: [MetaGradient?], divergences: [Int64], weightCounts: [Int], particles: Int,
    wantsToStop: Bool, hasGivenUp: Bool = false, group: any ProcessGroup
  ) throws {
    let share = group.share(of: particles)
    var exchange = Exchange(summands: particles)
    let sums = weightCounts.indices.map { net in
      exchange.sum(
        estimates.map { $0?.gradients[net] }, count: weightCounts[net],
        parts: particles > 1 ? 2 : 1, first: share.lowerBound)
    }
    let mine = zip(estimates, divergences).map { estimate, divergence in
      var report = estimate.map(WindowReport.init) ?? WindowReport()
      report.divergence = divergence
      return report
    }
    let gathering = exchange.gather(mine, share: share, of: particles)
    let vote = exchange.vote(wantsToStop || hasGivenUp)
    let givingUp = exchange.vote(hasGivenUp)
    timing = try exchange.run(on: group)
    reports = exchange[gathering]
    stops = exchange[vote]
    isGivenUp = exchange[givingUp]
    let contributors = reports.count { $0.hasGradient }
    gradients =
      contributors == 0
      ? nil : sums.map { exchange[$0].map { $0 / Double(contributors) } }
    halves =
      particles > 1
      ? sums.map { (exchange[$0, part: 0], exchange[$0, part: 1]) } : []
  }
}

/// Divergences as numbers that travel in a sum of integers.
struct DivergenceCode {
  let unroller: Unroller
  let seed: UInt64

  private func names(of key: OptimizeeKey) -> [String] {
    unroller.makeOptimizee(key).layout.parameters.map(\.specification.name)
  }

  /// Above 0: trajectory, step and quantity.
  func code(_ divergence: Divergence) -> Int64 {
    let parameters = names(of: divergence.key)
    let quantity: Int =
      switch divergence.quantity {
      case .loss: 0
      case .gradient(let name): 1 + (parameters.firstIndex(of: name) ?? 0)
      case .metaGradient(let net):
        1 + parameters.count
          + (unroller.experiment.nets.firstIndex { $0.key == net } ?? 0)
      }
    return 1 + Int64(quantity & 0xFFF) + Int64(divergence.step & 0x7FF_FFFF) << 12
      + Int64(divergence.key.epoch & 0xFF_FFFF) << 39
  }

  /// The divergence of a code, of the particle of this number.
  func divergence(_ code: Int64, particle: Int) -> Divergence {
    let code = code - 1
    let key = OptimizeeKey(
      seed: seed, phase: .training, epoch: Int(code >> 39), instance: particle)
    let parameters = names(of: key)
    let quantity = Int(code & 0xFFF)
    let nets = unroller.experiment.nets
    return Divergence(
      key: key, step: Int(code >> 12 & 0x7FF_FFFF),
      quantity: quantity == 0
        ? .loss
        : quantity <= parameters.count
          ? .gradient(parameter: parameters[quantity - 1])
          : .metaGradient(net: nets[min(quantity - 1 - parameters.count, nets.count - 1)].key))
  }
}
