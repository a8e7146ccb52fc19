internal import Platform

/// Adds vectors of several optimizees so that the result does not depend on who adds what when.
///
/// All agree on one power of two above every element (a maximum: any reduction tree finds the same),
/// round each element to a multiple of 2^(e - bits), and add these multiples as 64-bit integers:
/// integer addition is associative, so any order, grouping and tree gives the same bits.
///
/// With N summands, bits = 62 - ceil(log2 N), so no sum overflows. The rounding error of the sum is
/// at most N 2^(e - bits - 1): for 1,024 optimizees 2^-43 of the largest element (a float32 holds
/// 2^-24 of each element, so elements down to 2^-19 of the largest keep full float32 precision and
/// smaller ones a known absolute error).
public struct ReproducibleSum: Sendable {
  /// How many bits below the common exponent are kept.
  public let bits: Int

  /// A sum of at most `summands` vectors.
  public init(summands: Int) {
    var log = 0
    while (1 << log) < summands { log += 1 }
    bits = 62 - log
  }

  /// The smallest e such that all |values| < 2^e; nil when all are 0.
  ///
  /// - Precondition: finite values.
  public static func exponent(of values: some Sequence<Double>) -> Int? {
    var largest = 0.0
    for value in values { largest = max(largest, abs(value)) }
    return largest == 0 ? nil : Int(largest.exponent) + 1
  }

  /// Adds the rounded values, as multiples of 2^(exponent - bits), to `sums`.
  public func add(
    _ values: some Collection<Double>, exponent: Int, to sums: inout ArraySlice<Int64>
  ) {
    // 2^shift may be out of double's range while the product is not: scale in two halves.
    let shift = bits - exponent
    let first = scalbn(1.0, shift / 2)
    let second = scalbn(1.0, shift - shift / 2)
    var position = sums.startIndex
    for value in values {
      sums[position] &+= Int64((value * first * second).rounded())
      position += 1
    }
  }

  /// The sum as a number.
  public func value(_ sum: Int64, exponent: Int) -> Double {
    scalbn(Double(sum), exponent - bits)
  }
}
