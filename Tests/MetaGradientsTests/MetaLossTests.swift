import Foundation
import MetaGradients
import Testing

@Suite("MetaLoss")
struct MetaLossTests {
  private let losses: [Double] = [3, 0.5, 2, 0.25, 1]

  /// All kinds, and logarithms of losses below and above a floor.
  private static let kinds =
    MetaLoss.allCases + [
      MetaLoss(.log, floor: 0.7), MetaLoss(.final, floor: 5),
    ]

  /// The meta-loss by its definition.
  private func definition(_ kind: MetaLoss, _ losses: [Double]) -> Double {
    switch kind.kind {
    case .sum: losses.reduce(0, +)
    case .log: losses.reduce(0) { $0 + log($1 + kind.floor) }
    case .final: log((losses.last ?? 0) + kind.floor)
    case .minimum: losses.min() ?? 0
    }
  }

  @Test("values and derivatives are those of the definition", arguments: kinds)
  func derivatives(kind: MetaLoss) {
    let single = losses.map { Float($0) }
    #expect(abs(kind.value(single) - definition(kind, losses)) < 1e-12)
    for (index, weight) in kind.weights(single).enumerated() {
      var (above, below) = (losses, losses)
      above[index] += 1e-6
      below[index] -= 1e-6
      let difference = (definition(kind, above) - definition(kind, below)) / 2e-6
      // Weights are float32.
      #expect(abs(Double(weight) - difference) < 1e-6 * max(1, abs(difference)), "\(index)")
    }
  }

  @Test(
    "contributions add up to the meta-loss, the mean where it is a sum",
    arguments: kinds)
  func contributions(kind: MetaLoss) {
    let isMean = kind.kind == .sum || kind.kind == .log
    let expected = definition(kind, losses) / (isMean ? Double(losses.count) : 1)
    let found = kind.contributions(losses)
    #expect(found.count == losses.count)
    #expect(abs(found.reduce(0, +) - expected) < 1e-12)
    #expect(kind.contributions([]).isEmpty)
  }

  @Test(
    "contributions see changes far below float32's rounding", arguments: kinds)
  func fineContributions(kind: MetaLoss) {
    // Evolution strategies compare two nearly equal losses, of which only one differs here.
    var other = losses
    let changed = kind == .minimum ? 3 : 4
    other[changed] += 1e-10
    let difference = zip(kind.contributions(other), kind.contributions(losses))
      .reduce(0) { $0 + $1.0 - $1.1 }
    // Of the loss 1 that changes; the smallest one is itself.
    let slope = kind.kind == .log || kind.kind == .final ? 1 / (1 + kind.floor) : 1
    let scale = (kind.kind == .sum || kind.kind == .log ? 0.2 : 1) * slope
    #expect(abs(difference / (scale * 1e-10) - 1) < 1e-4)
  }

  @Test("a loss that appears twice as the smallest counts once")
  func ties() {
    #expect(MetaLoss.minimum.weights([2, 1, 1]) == [0, 1, 0])
    #expect(MetaLoss.minimum.contributions([2, 1, 1]) == [0, 1, 0])
  }

  @Test("the logarithm of a loss of 0 is finite, and so is its derivative")
  func logarithmOfZero() {
    #expect(MetaLoss.log.value([0, 1]).isFinite)
    #expect(abs(MetaLoss.log.value([2, 3]) - MetaLoss.log.value([6, 1])) < 1e-7)
    #expect(MetaLoss.log.weights([0, -1]).allSatisfy { $0.isFinite && $0 > 0 })
    #expect(MetaLoss.log.contributions([0, -1]).allSatisfy { $0.isFinite })
  }
}
