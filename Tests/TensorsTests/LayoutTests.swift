import Tensors
import TestSupport
import Testing

/// Layout moves numbers and never changes them: all comparisons are exact.
@Suite("Layout of tensors")
struct LayoutTests {
  static let shapes: [[Int]] = [
    [], [1], [5], [0], [2, 3], [1, 4], [3, 1], [0, 3], [3, 0], [2, 3, 4], [1, 1, 2], [2, 0, 2],
    [2, 3, 1, 4],
  ]

  private func counting(_ shape: [Int]) -> Tensor {
    Tensor((0..<shape.reduce(1, *)).map { Float($0 + 1) }, shape: Shape(shape))
  }

  private func expectEqual(
    _ result: Tensor, _ expected: NaiveTensor, _ comment: Comment,
    sourceLocation: SourceLocation = #_sourceLocation
  ) {
    #expect(result.shape.dimensions == expected.shape, comment, sourceLocation: sourceLocation)
    #expect(
      result.elements.map(Double.init) == expected.elements, comment,
      sourceLocation: sourceLocation)
  }

  private func permutations(_ items: [Int]) -> [[Int]] {
    items.isEmpty
      ? [[]]
      : items.flatMap { first in permutations(items.filter { $0 != first }).map { [first] + $0 } }
  }

  @Test("transposing moves every element where the order of axes says", arguments: shapes)
  func transposing(shape: [Int]) {
    let tensor = counting(shape)
    for order in permutations(Array(shape.indices)) {
      expectEqual(tensor.transposed(order), tensor.naive.transposed(order), "order \(order)")
    }
  }

  @Test("every slice along every axis holds the elements of its range", arguments: shapes)
  func slicing(shape: [Int]) {
    let tensor = counting(shape)
    for (axis, extent) in shape.enumerated() {
      for start in 0...extent {
        for count in 0...extent - start {
          let expected = tensor.naive.slice(axis: axis, from: start, count: count)
          let comment: Comment = "axis \(axis), \(start) ..< \(start + count)"
          expectEqual(tensor.slice(axis: axis, from: start, count: count), expected, comment)
          expectEqual(
            tensor.slice(axis: axis - shape.count, from: start, count: count), expected, comment)
        }
      }
    }
  }

  @Test("padding surrounds with zeros along every axis", arguments: shapes)
  func padding(shape: [Int]) {
    let tensor = counting(shape)
    for (axis, extent) in shape.enumerated() {
      for start in 0...2 {
        for end in 0...2 {
          let to = start + extent + end
          expectEqual(
            tensor.padded(axis: axis, from: start, to: to),
            tensor.naive.padded(axis: axis, from: start, to: to), "axis \(axis) to \(to)")
        }
      }
    }
  }

  @Test("concatenating joins tensors of different extents along every axis", arguments: shapes)
  func concatenating(shape: [Int]) {
    for axis in shape.indices {
      for extents in [[1], [2, 3], [0, 2], [2, 0, 1]] {
        let parts = extents.map { extent in
          var part = shape
          part[axis] = extent
          return counting(part)
        }
        expectEqual(
          Tensor.concatenated(parts, axis: axis),
          NaiveTensor.concatenated(parts.map(\.naive), axis: axis), "\(extents) along \(axis)")
        #expect(
          Tensor.concatenated(parts, axis: axis - shape.count).elements
            == Tensor.concatenated(parts, axis: axis).elements)
      }
    }
  }

  @Test("broadcasting repeats elements for every pair of small shapes that fit")
  func broadcasting() {
    for shape in ShapeTests.small {
      for target in ShapeTests.small where NaiveTensor.broadcast(shape, target) == target {
        let tensor = counting(shape)
        expectEqual(
          tensor.broadcast(to: Shape(target)), tensor.naive.broadcast(to: target),
          "\(shape) to \(target)")
      }
    }
  }

  @Test("summing to a shape adds what broadcasting would repeat, for every pair of small shapes")
  func summing() {
    // Whole numbers below 2^24: sums are exact in any order.
    for target in ShapeTests.small {
      for shape in ShapeTests.small where NaiveTensor.broadcast(target, shape) == shape {
        let tensor = counting(shape)
        expectEqual(
          tensor.sum(to: Shape(target)), tensor.naive.sum(to: target), "\(shape) to \(target)")
      }
    }
  }

  @Test("a slice along the first axis shares storage, others are copies")
  func sharing() {
    let tensor = counting([4, 3])
    let rows = tensor.slice(axis: 0, from: 1, count: 2)
    #expect(
      rows.withUnsafeFloats { Int(bitPattern: $0) }
        == tensor.withUnsafeFloats { Int(bitPattern: $0) } + 3 * 4)
  }

  @Test("one-hot rows have a 1 at their label")
  func oneHot() {
    let rows = Tensor.oneHot([2, 0, 1, 2], classes: 3)
    #expect(rows.shape == [4, 3])
    #expect(rows.elements == [0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 0, 1])
    #expect(Tensor.oneHot([], classes: 3).shape == [0, 3])
  }
}
