import CKernels
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

  private var geometry: ConvolutionGeometry {
    ConvolutionGeometry(
      input: Shape(input), filters: Shape(filters), stride: stride, padding: padding)
  }

  private var operands: (x: Tensor, w: Tensor, g: Tensor) {
    let seed = input[3] * 100 + filters[3]
    return (
      .random(geometry.input, seed: seed), .random(geometry.filters, seed: seed + 1),
      .random(geometry.output, seed: seed + 2)
    )
  }

  /// The convolution and its gradients in the images and in the filters.
  func products() -> [Tensor] {
    let (x, w, g) = operands
    return [
      x.convolution2D(w, stride: stride, padding: padding),
      g.convolution2DInputGradient(w, geometry), x.convolution2DFilterGradient(g, geometry),
    ]
  }

  /// The products in double precision, and the sums of the magnitudes of their terms.
  struct Truth {
    let values: [NaiveTensor]
    let magnitudes: [NaiveTensor]
  }

  /// What loops compute.
  func truth() -> Truth {
    let (x, w, g) = operands
    func products(_ map: (Double) -> Double) -> [NaiveTensor] {
      let (x, w, g) = (x.naive.map(map), w.naive.map(map), g.naive.map(map))
      return [
        x.convolution2D(w, stride: stride, padding: padding),
        g.convolution2DInputGradient(w, input: input, stride: stride, padding: padding),
        x.convolution2DFilterGradient(
          g, window: (filters[0], filters[1]), stride: stride, padding: padding),
      ]
    }
    return Truth(values: products { $0 }, magnitudes: products { abs($0) })
  }

  /// The products that differ from the loops' by more than float32 sums may, in words.
  func differences(from truth: Truth) -> [String] {
    let terms = [
      filters[0] * filters[1] * filters[2], filters[0] * filters[1] * filters[3],
      input[0] * geometry.output[1] * geometry.output[2],
    ]
    let names = ["convolution", "input gradient", "filter gradient"]
    return products().enumerated().compactMap { product, result in
      let (values, magnitudes) = (truth.values[product], truth.magnitudes[product].elements)
      guard result.shape.dimensions == values.shape else {
        return "\(testDescription): the \(names[product]) has shape \(result.shape)"
      }
      // Each of n additions and products rounds once: the classic bound n 2^-24 |a| |b|.
      let slack = Double(terms[product] + 1) * 0x1p-24
      let found = result.elements
      let wrong = found.indices.first {
        !(abs(Double(found[$0]) - values.elements[$0]) <= slack * magnitudes[$0])
      }
      return wrong.map {
        "\(testDescription): element \($0) of the \(names[product]) is \(found[$0]), "
          + "not \(values.elements[$0])"
      }
    }
  }
}

@Suite("Convolution")
struct ConvolutionTests {
  @Test("all three products agree with loops", arguments: ConvolutionCase.all)
  func agreement(convolution: ConvolutionCase) {
    #expect(convolution.differences(from: convolution.truth()) == [])
  }

  #if compiler(>=6.2)
    // In a process of its own: the choice of the instruction set is the process's.
    @Test("they do so with every instruction set that the machine can run")
    func instructionSets() async {
      await #expect(processExitsWith: .success) {
        let sets = [CK_ISA_BASELINE, CK_ISA_AVX2, CK_ISA_AVX512].map { Int32($0) }
          .filter { ck_supports_isa($0) == 1 }
        #expect(sets.contains(Int32(CK_ISA_BASELINE)))
        for convolution in ConvolutionCase.all {
          let truth = convolution.truth()
          for set in sets {
            ck_convolution_force_isa(set)
            #expect(ck_convolution_isa() == set)
            #expect(convolution.differences(from: truth) == [], "instruction set \(set)")
          }
        }
      }
    }

    @Test("instruction sets that fuse multiply-adds give the same bits")
    func sameBits() async {
      await #expect(processExitsWith: .success) {
        let sets = [CK_ISA_AVX2, CK_ISA_AVX512].map { Int32($0) }
          .filter { ck_supports_isa($0) == 1 }
        for convolution in ConvolutionCase.all {
          let results = sets.map { set in
            ck_convolution_force_isa(set)
            return convolution.products().flatMap(\.elements)
          }
          for other in results.dropFirst() {
            #expect(haveSameBits(results[0], other), "\(convolution)")
          }
        }
      }
    }
  #endif

  @Test("a bias is added to each filter's outputs", arguments: [1, 5, 8, 9, 16, 17])
  func bias(filters: Int) {
    let x = Tensor.random([2, 3, 4, 2], seed: 1)
    let w = Tensor.random([3, 3, 2, filters], seed: 2)
    let bias = Tensor.random([filters], seed: 3)
    // The bias comes first in the sum or last: two roundings.
    #expect(
      relativeError(
        x.convolution2D(w, bias: bias).elements, (x.convolution2D(w) + bias).elements) < 1e-6)
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
