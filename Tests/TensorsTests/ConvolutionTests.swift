import Tensors
import TestSupport
import Testing

/// A convolution of some shape that the kernels are compared on with loops in double precision.
struct ConvolutionCase: Sendable, CustomTestStringConvertible {
  let input: [Int]
  let filters: [Int]
  let stride: Int
  let padding: Padding

  var testDescription: String { "\(input) with \(filters), stride \(stride), \(padding)" }

  /// Odd extents of everything, around the sizes of registers and of blocks.
  static let all: [ConvolutionCase] = {
    var shapes: [([Int], [Int], [Int])] = []
    // Channels and filters.
    for channels in [1, 2, 3, 5, 8, 16, 17] {
      for filters in [1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 33] {
        shapes.append(([2, 5, 6, channels], [3, 3, channels, filters], [1]))
      }
    }
    // Widths around a block of outputs, and windows of all kinds.
    for width in 1...19 { shapes.append(([1, 3, width, 3], [5, 5, 3, 16], [1, 2])) }
    for width in [1, 7, 31, 32, 33] { shapes.append(([1, 2, width, 16], [5, 5, 16, 16], [1])) }
    for window in [(1, 1), (1, 4), (4, 1), (2, 3), (6, 6), (7, 7)] {
      shapes.append(([3, 7, 8, 2], [window.0, window.1, 2, 5], [1, 2, 3, 4]))
    }
    // One pixel, windows larger than the image, an empty batch, many images.
    shapes.append(([1, 1, 1, 1], [1, 1, 1, 1], [1, 5]))
    shapes.append(([2, 2, 2, 3], [5, 5, 3, 16], [1, 2, 3]))
    shapes.append(([0, 4, 4, 2], [3, 3, 2, 4], [1]))
    shapes.append(([37, 4, 5, 4], [3, 3, 4, 3], [1]))
    return shapes.flatMap { input, filters, strides in
      strides.flatMap { stride in
        Padding.allCases.compactMap { padding in
          let fits = filters[0] <= input[1] && filters[1] <= input[2]
          return padding == .same || fits
            ? ConvolutionCase(input: input, filters: filters, stride: stride, padding: padding)
            : nil
        }
      }
    }
  }()

  /// The products that differ from the loops' by more than float32 sums may, in words.
  func differences() -> [String] {
    let seed = input[3] * 100 + filters[3]
    let geometry = ConvolutionGeometry(
      input: Shape(input), filters: Shape(filters), stride: stride, padding: padding)
    let x = Tensor.random(geometry.input, seed: seed)
    let w = Tensor.random(geometry.filters, seed: seed + 1)
    let g = Tensor.random(geometry.output, seed: seed + 2)
    let window = (filters[0], filters[1])
    func both(_ map: (Double) -> Double) -> [NaiveTensor] {
      let (x, w, g) = (x.naive.map(map), w.naive.map(map), g.naive.map(map))
      return [
        x.convolution2D(w, stride: stride, padding: padding),
        g.convolution2DInputGradient(w, input: input, stride: stride, padding: padding),
        x.convolution2DFilterGradient(g, window: window, stride: stride, padding: padding),
      ]
    }
    let results = [
      x.convolution2D(w, stride: stride, padding: padding),
      g.convolution2DInputGradient(w, geometry), x.convolution2DFilterGradient(g, geometry),
    ]
    let truths = both { $0 }
    let magnitudes = both { abs($0) }
    let terms = [
      filters[0] * filters[1] * filters[2], filters[0] * filters[1] * filters[3],
      input[0] * geometry.output[1] * geometry.output[2],
    ]
    return zip(["convolution", "input gradient", "filter gradient"], results.indices).compactMap {
      name, product in
      let (result, truth) = (results[product], truths[product])
      guard result.shape.dimensions == truth.shape else {
        return "\(testDescription): the \(name) has shape \(result.shape)"
      }
      // Each of n additions and products rounds once: the classic bound n 2^-24 |a| |b|.
      let slack = Double(terms[product] + 1) * 0x1p-24
      let wrong = result.elements.indices.first {
        !(abs(Double(result.elements[$0]) - truth.elements[$0])
          <= slack * magnitudes[product].elements[$0])
      }
      return wrong.map {
        "\(testDescription): element \($0) of the \(name) is \(result.elements[$0]), "
          + "not \(truth.elements[$0])"
      }
    }
  }
}

@Suite("Convolution")
struct ConvolutionTests {
  @Test("all three products agree with loops", arguments: ConvolutionCase.all)
  func agreement(convolution: ConvolutionCase) {
    #expect(convolution.differences() == [])
  }

  @Test("SAME pads evenly, and once more after where the number is odd")
  func samePadding() {
    // TensorFlow's definition, worked out by hand.
    let cases: [(extent: Int, window: Int, stride: Int, count: Int, before: Int)] = [
      (5, 3, 1, 5, 1), (5, 2, 1, 5, 0), (6, 4, 1, 6, 1), (5, 3, 2, 3, 1), (6, 3, 2, 3, 0),
      (10, 5, 1, 10, 2), (5, 2, 2, 3, 0), (4, 1, 3, 2, 0), (1, 5, 1, 1, 2), (7, 5, 3, 3, 2),
    ]
    for (extent, window, stride, count, before) in cases {
      let placement = WindowPlacement(
        extent: extent, window: window, stride: stride, padding: .same)
      #expect(placement.count == count && placement.before == before, "\(extent), \(window)")
    }
  }

  @Test("VALID has as many windows as fit")
  func validPadding() {
    for (extent, window, stride, count) in [
      (5, 3, 1, 3), (5, 3, 2, 2), (6, 3, 2, 2), (5, 5, 1, 1), (7, 2, 3, 2),
    ] {
      let placement = WindowPlacement(
        extent: extent, window: window, stride: stride, padding: .valid)
      #expect(placement.count == count && placement.before == 0, "\(extent), \(window)")
    }
  }

  @Test("a filter is not mirrored")
  func orientation() {
    let x = Tensor([1, 2, 3, 4], shape: [1, 1, 4, 1])
    let w = Tensor([1, 10, 100], shape: [1, 3, 1, 1])
    #expect(x.convolution2D(w).elements == [210, 321, 432, 43])
    #expect(x.convolution2D(w, padding: .valid).elements == [321, 432])
  }

  @Test("the results do not depend on where the operands lie in memory")
  func alignment() {
    let geometry = ConvolutionGeometry(
      input: [2, 5, 7, 3], filters: [5, 5, 3, 16], stride: 1, padding: .same)
    func shifted(_ tensor: Tensor, _ by: Int) -> Tensor {
      let padding = Tensor(repeating: .nan, shape: [by])
      let flat = tensor.reshaped(to: [tensor.count])
      return Tensor.concatenated([padding, flat], axis: 0).view(from: by, shape: tensor.shape)
    }
    let x = Tensor.random(geometry.input, seed: 1)
    let w = Tensor.random(geometry.filters, seed: 2)
    let g = Tensor.random(geometry.output, seed: 3)
    func products(_ by: Int) -> [Float] {
      let (x, w, g) = (shifted(x, by), shifted(w, by + 1), shifted(g, by + 2))
      return x.convolution2D(w).elements + g.convolution2DInputGradient(w, geometry).elements
        + x.convolution2DFilterGradient(g, geometry).elements
    }
    for by in 1..<16 { #expect(haveSameBits(products(by), products(0))) }
  }

  @Test("NaN in a pixel shows where its windows are, and nowhere else")
  func notANumber() {
    var x = Tensor.random([1, 5, 5, 2], seed: 1)
    x.withUnsafeMutableFloats { $0[(2 * 5 + 1) * 2] = .nan }
    let y = x.convolution2D(.random([3, 3, 2, 16], seed: 2))
    for (position, value) in y.elements.enumerated() {
      let (row, column) = (position / 16 / 5, position / 16 % 5)
      #expect(value.isNaN == ((1...3).contains(row) && (0...2).contains(column)))
    }
  }

  #if compiler(>=6.2)
    @Test("shapes that do not fit end the program")
    func refused() async {
      await #expect(processExitsWith: .failure) {
        _ = Tensor.zeros([1, 4, 4, 2]).convolution2D(.zeros([3, 3, 3, 1]))
      }
      await #expect(processExitsWith: .failure) {
        _ = Tensor.zeros([1, 4, 4, 2]).convolution2D(.zeros([5, 5, 2, 1]), padding: .valid)
      }
      await #expect(processExitsWith: .failure) {
        _ = Tensor.zeros([1, 4, 4, 2]).convolution2D(.zeros([3, 3, 2, 1]), stride: 0)
      }
    }
  #endif
}
