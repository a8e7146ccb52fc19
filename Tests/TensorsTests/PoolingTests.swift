import Tensors
import TestSupport
import Testing

@Suite("Max pooling")
struct PoolingTests {
  @Test("maxima and places agree with loops", arguments: [1, 2, 3, 15, 16, 17])
  func agreement(channels: Int) {
    for (height, width) in [(1, 1), (4, 4), (5, 7), (8, 3)] {
      for (window, stride) in [(1, 1), (2, 2), (2, 1), (3, 2), (2, 3), (4, 3)] {
        for padding in Padding.allCases
        where padding == .same || window <= min(height, width) {
          // Few different values: many ties.
          let x = Tensor.random([3, height, width, channels], seed: channels + width)
          let tied = Tensor(x.elements.map { ($0 * 2).rounded() }, shape: x.shape)
          for images in [x, tied] {
            let (maxima, indices) = images.maxPool2D(
              window: window, stride: stride, padding: padding)
            let truth = images.naive.maxPool2D(window: window, stride: stride, padding: padding)
            #expect(maxima.shape.dimensions == truth.maxima.shape)
            #expect(maxima.naive.elements == truth.maxima.elements)
            let places = Tensor((0..<images.count).map { Float($0) }, shape: images.shape)
              .gathered(at: indices)
            #expect(places.elements.map { Int($0) } == truth.places, "\(images.shape) \(window)")
          }
        }
      }
    }
  }

  @Test("padding is never the maximum, and the first of equal numbers is")
  func edges() {
    let x = Tensor([-3, -2, -1], shape: [1, 1, 3, 1])
    let (maxima, indices) = x.maxPool2D(window: 2, stride: 2, padding: .same)
    #expect(maxima.elements == [-2, -1])
    #expect(
      Tensor([1, 1]).reshaped(to: maxima.shape).scattered(to: indices).elements == [0, 1, 1])
    let ties = Tensor([5, 5, 5, 5], shape: [1, 2, 2, 1]).maxPool2D(
      window: 2, stride: 2, padding: .same)
    #expect(
      Tensor(repeating: 3, shape: [1, 1, 1, 1]).scattered(to: ties.indices).elements == [
        3, 0, 0, 0,
      ]
    )
    let lowest = Tensor(repeating: -.infinity, shape: [1, 3, 3, 1]).maxPool2D(
      window: 3, stride: 1, padding: .same)
    #expect(lowest.maxima.elements == [Float](repeating: -.infinity, count: 9))
  }

  @Test("a NaN is the maximum of its windows, wherever it stands")
  func notANumber() {
    for place in 0..<4 {
      var elements: [Float] = [1, 2, 3, 4]
      elements[place] = .nan
      let x = Tensor(elements, shape: [1, 2, 2, 1])
      #expect(x.maxPool2D(window: 2, stride: 2, padding: .same).maxima.scalar.isNaN)
    }
  }

  @Test("overlapping windows add up where they share a maximum")
  func overlaps() {
    let x = Tensor([0, 9, 0], shape: [1, 1, 3, 1])
    let (maxima, indices) = x.maxPool2D(window: 2, stride: 1, padding: .same)
    #expect(maxima.elements == [9, 9, 0])
    let weights = Tensor([1, 10, 100], shape: maxima.shape)
    #expect(weights.scattered(to: indices).elements == [0, 11, 100])
  }
}
