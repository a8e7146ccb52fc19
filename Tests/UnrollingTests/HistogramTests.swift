import Foundation
import Tensors
import Testing
import Unrolling

@Suite("Histogram")
struct HistogramTests {
  private func tensor(_ values: [Float]) -> Tensor {
    Tensor(values, shape: Shape(vector: values.count))
  }

  /// Numbers of both signs over all magnitudes, borders among them.
  private var numbers: [Float] {
    var stream = RandomStream(seed: 1, purpose: .test)
    let random = (0..<2000).map { _ -> Float in
      let magnitude = scalbn(1 + stream.nextUniform(), stream.nextInteger(below: 60) - 50)
      return stream.nextUniform() < 0.5 ? magnitude : -magnitude
    }
    return random + [1, 1.25, 1.5, 1.75, 2, -1, -1.25, .leastNormalMagnitude]
  }

  @Test("bins are the quarters of powers of two, told by the upper border, in order")
  func bins() {
    var expected: [Double: Int] = [:]
    for x in numbers.map(Double.init) {
      let size = scalbn(1.0, Int(x.exponent))
      let quarter = ((x.significand - 1) * 4).rounded(.down)
      expected[x < 0 ? -size * (1 + quarter / 4) : size * (1 + (quarter + 1) / 4), default: 0] += 1
    }
    var histogram = Histogram()
    histogram.add(tensor(numbers))
    let bins = histogram.bins
    let full = bins.filter { $0.count > 0 }
    #expect(full.map(\.upperBorder) == expected.keys.sorted())
    #expect(full.map(\.count) == expected.sorted { $0.key < $1.key }.map(\.value))
    for (bin, next) in zip(bins, bins.dropFirst()) {
      #expect(bin.upperBorder < next.upperBorder)
      #expect(bin.count > 0 || next.count > 0, "neighbours without numbers are one")
    }
  }

  @Test("zeros are around 0, and the largest numbers have a finite border")
  func ends() {
    var histogram = Histogram()
    let largest = Float.greatestFiniteMagnitude
    histogram.add(tensor([0, -0.0, -0.0, largest, -largest]))
    let bins = histogram.bins
    #expect(bins.map(\.count) == [1, 0, 2, 1, 0, 1])
    #expect(bins[2].upperBorder == 0)
    #expect(bins[3].upperBorder > 0 && bins[3].upperBorder < 1e-38)
    #expect(bins[5].upperBorder == Double(largest))
  }

  @Test("count, extremes and sums are those of the numbers")
  func figures() {
    let values: [Float] = [3, -1, 0.5, 0.5, -8]
    var histogram = Histogram()
    histogram.add(tensor(values))
    #expect((histogram.count, histogram.minimum, histogram.maximum) == (5, -8, 3))
    #expect((histogram.sum, histogram.sumOfSquares) == (-5, 74.5))
  }

  @Test("numbers that are not finite are left out")
  func notFinite() {
    var histogram = Histogram()
    histogram.add(tensor([.nan, .infinity, -.infinity]))
    #expect(histogram == Histogram())
    #expect(histogram.bins.isEmpty)
  }

  @Test("the sum of histograms, each through JSON, counts what all have counted")
  func merging() throws {
    let parts = [Array(numbers[..<700]), Array(numbers[700...]), []]
    var sum = Histogram()
    var whole = Histogram()
    for part in parts {
      var histogram = Histogram()
      histogram.add(tensor(part))
      whole.add(tensor(part))
      let back = try JSONDecoder().decode(
        Histogram.self, from: try JSONEncoder().encode(histogram))
      #expect(back == histogram)
      sum.add(back)
    }
    #expect(sum.bins.map(\.count) == whole.bins.map(\.count))
    #expect((sum.count, sum.minimum, sum.maximum) == (whole.count, whole.minimum, whole.maximum))
    // Added in another order.
    #expect(abs(sum.sum - whole.sum) <= 1e-12 * whole.sumOfSquares.squareRoot())
  }

  @Test("JSON that no histogram wrote is an error")
  func malformed() {
    for text in [
      "{}", #"{"bins":[2048],"counts":[1],"extremes":[0,1],"sums":[1,1]}"#,
      #"{"bins":[1],"counts":[],"extremes":[0,1],"sums":[1,1]}"#,
    ] {
      #expect(throws: DecodingError.self) {
        try JSONDecoder().decode(Histogram.self, from: Data(text.utf8))
      }
    }
  }
}
