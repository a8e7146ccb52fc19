internal import Essentials
internal import Platform

/// The marks of a logarithmic axis.
///
/// Over many decades they are powers of ten, over a few 1, 2 and 5 of each, and over less than one
/// equal steps, of which there are always at least three.
package struct LossAxis {
  private let low: Double
  private let high: Double

  /// An axis between two positive numbers.
  ///
  /// - Precondition: 0 < low < high, both finite.
  package init(_ range: (low: Double, high: Double)) {
    (low, high) = range
    precondition(0 < low && low < high && high.isFinite, "no axis from \(low) to \(high)")
  }

  /// The marks as gnuplot's `set ytics` takes them: texts and places.
  package var ticks: String {
    marks.map { "'\($0.text)' \(Self.decimal($0.value))" }.joined(separator: ", ")
  }

  /// The marks, from the lowest.
  package var marks: [(value: Double, text: String)] {
    let decades = log10(high / low)
    guard decades >= 1 else { return linear }
    let steps: [Double] = decades < 2.5 ? [1, 2, 5] : [1]
    let every = max(1, Int((decades / 8).rounded(.up)))
    let exponents = Int(log10(low).rounded(.down))...Int(log10(high).rounded(.up))
    return exponents.filter { $0 % every == 0 }.flatMap { exponent in
      steps.map { $0 * pow(10, Double(exponent)) }
    }.filter { low <= $0 && $0 <= high }.map { ($0, String(format: "%.6g", $0)) }
  }

  /// Multiples of 1, 2 or 5 times a power of ten: the finest that are at most eight.
  private var linear: [(value: Double, text: String)] {
    var exponent = Int(log10(high - low).rounded(.down)) - 1
    while true {
      for factor in [1.0, 2.0, 5.0] {
        let step = factor * pow(10, Double(exponent))
        let (first, last) = ((low / step).rounded(.up), (high / step).rounded(.down))
        guard last - first < 8 else { continue }
        let digits = max(0, -exponent)
        return (0...max(0, Int(last - first))).map { index in
          let value = (first + Double(index)) * step
          return (
            value,
            digits <= 6 ? String(format: "%.\(digits)f", value) : String(format: "%.9g", value)
          )
        }
      }
      exponent += 1
    }
  }

  /// A number as a script has it.
  package static func decimal(_ value: Double) -> String { String(format: "%.9g", value) }
}
