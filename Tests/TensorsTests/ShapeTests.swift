import Tensors
import TestSupport
import Testing

@Suite("Shape")
struct ShapeTests {
  /// All shapes of rank 0 to 3 with extents 0 to 3.
  static let small: [[Int]] = (0...3).flatMap { rank in
    NaiveTensor.indices(of: Array(repeating: 4, count: rank))
  }

  @Test("a scalar has no axes and one element")
  func scalar() {
    #expect(Shape.scalar.rank == 0)
    #expect(Shape.scalar.count == 1)
    #expect(Shape.scalar.dimensions == [])
    #expect("\(Shape.scalar)" == "[]")
  }

  @Test("the count is the product of the extents, 0 with an empty axis")
  func count() {
    #expect(Shape([2, 3, 4]).count == 24)
    #expect(Shape([2, 0, 4]).count == 0)
    #expect(Shape([1, 1, 1, 1, 1, 1, 1, 2]).count == 2)
    #expect(Shape(vector: 0).count == 0)
  }

  @Test("negative axes count from the last")
  func negativeAxes() {
    let shape: Shape = [2, 3, 5]
    #expect((0..<3).map { shape[$0] } == [2, 3, 5])
    #expect((1...3).map { shape[-$0] } == [5, 3, 2])
    #expect(shape.replacing(axis: -2, with: 7) == [2, 7, 5])
    #expect(shape.replacing(axis: 0, with: 0) == [0, 3, 5])
  }

  @Test("the same extents make the same shape, however it was made")
  func equality() {
    #expect(Shape(vector: 3) == [3])
    #expect(Shape(rows: 2, columns: 3) == [2, 3])
    #expect(Shape([2, 3]) != [2, 3, 1])
    #expect(Shape([1]) != .scalar)
    #expect(Set([Shape(rows: 4, columns: 1), [4, 1], Shape([4, 1])]).count == 1)
    #expect("\(Shape([128, 10]))" == "[128, 10]")
  }

  @Test("broadcasting follows NumPy's rule for every pair of small shapes")
  func broadcasting() {
    for a in Self.small {
      for b in Self.small {
        let expected = NaiveTensor.broadcast(a, b)
        #expect(Shape(a).broadcast(with: Shape(b))?.dimensions == expected, "\(a) with \(b)")
      }
    }
  }

  @Test("an axis of extent 0 takes part in broadcasting as any other")
  func emptyBroadcasting() {
    #expect(Shape([0]).broadcast(with: [1]) == [0])
    #expect(Shape([0]).broadcast(with: [3]) == nil)
    #expect(Shape([2, 1]).broadcast(with: [0]) == [2, 0])
  }

  @Test("a suffix is the last axes of a shape, the scalar included")
  func suffixes() {
    for a in Self.small {
      for b in Self.small {
        #expect(
          Shape(a).isSuffix(of: Shape(b)) == (a.count <= b.count && b.suffix(a.count) == a[...]),
          "\(a) of \(b)")
      }
    }
  }

  #if compiler(>=6.2)
    @Test("too many axes and negative extents end the program")
    func refused() async {
      await #expect(processExitsWith: .failure) { _ = Shape(Array(repeating: 1, count: 9)) }
      await #expect(processExitsWith: .failure) { _ = Shape([2, -1]) }
      await #expect(processExitsWith: .failure) { _ = Shape.scalar[0] }
    }
  #endif
}
