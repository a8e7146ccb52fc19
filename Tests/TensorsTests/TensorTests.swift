import Tensors
import TestSupport
import Testing

@Suite("Tensor")
struct TensorTests {
  private func address(_ tensor: Tensor) -> Int {
    tensor.withUnsafeFloats { Int(bitPattern: $0) }
  }

  @Test("elements stay in the order in which they were given")
  func elements() {
    let tensor = Tensor([1, 2, 3, 4, 5, 6], shape: [2, 3])
    #expect(tensor.shape == [2, 3])
    #expect(tensor.elements == [1, 2, 3, 4, 5, 6])
    #expect(Tensor([1, 2]).shape == [2])
    #expect(Tensor(7).scalar == 7)
    #expect(Tensor([[3]].flatMap { $0 }, shape: [1, 1]).scalar == 3)
    #expect(Tensor.zeros([2, 0]).elements == [])
    #expect(Tensor(repeating: 2, shape: [3]).elements == [2, 2, 2])
  }

  @Test("elements start on a cache line, in tensors of any size", arguments: 0...70)
  func alignment(count: Int) {
    #expect(address(.zeros(Shape(vector: count))).isMultiple(of: 64))
  }

  @Test("writing to a copy leaves the original as it was, and the other way around")
  func copyOnWrite() {
    var original = Tensor([1, 2, 3])
    var copy = original
    #expect(address(original) == address(copy))
    copy.withUnsafeMutableFloats { $0[0] = 10 }
    #expect(original.elements == [1, 2, 3])
    #expect(copy.elements == [10, 2, 3])
    let second = original
    original.withUnsafeMutableFloats { $0[2] = 30 }
    #expect(second.elements == [1, 2, 3])
    #expect(original.elements == [1, 2, 30])
  }

  @Test("a tensor with storage of its own is written to in place")
  func writesInPlace() {
    var tensor = Tensor([1, 2, 3])
    let before = address(tensor)
    tensor.withUnsafeMutableFloats { $0[1] = 5 }
    tensor += Tensor([1, 1, 1])
    #expect(address(tensor) == before)
    #expect(tensor.elements == [2, 6, 4])
  }

  @Test("a view shares storage until one side is written to")
  func views() {
    var base = Tensor((0..<6).map(Float.init))
    var view = base.view(from: 2, shape: [2, 2])
    #expect(address(view) == address(base) + 8)
    #expect(view.elements == [2, 3, 4, 5])
    base.withUnsafeMutableFloats { $0[3] = -1 }
    #expect(view.elements == [2, 3, 4, 5])
    view.withUnsafeMutableFloats { $0[0] = 9 }
    #expect(view.elements == [9, 3, 4, 5])
    #expect(base.elements == [0, 1, 2, -1, 4, 5])
  }

  @Test("a view that outlives its base is written to where it lies")
  func orphanedView() {
    func makeView() -> Tensor { Tensor((0..<6).map(Float.init)).view(from: 3, shape: [3]) }
    var view = makeView()
    view.withUnsafeMutableFloats { $0[2] = 50 }
    #expect(view.elements == [3, 4, 50])
    #expect(view.view(from: 1, shape: [1]).elements == [4])
  }

  @Test("adding a tensor to itself in place doubles it")
  func addsItself() {
    var tensor = Tensor([1, 2, 3])
    tensor += tensor
    #expect(tensor.elements == [2, 4, 6])
  }

  @Test("reshaping keeps elements and storage")
  func reshaping() {
    let tensor = Tensor((0..<12).map(Float.init), shape: [3, 4])
    let other = tensor.reshaped(to: [2, 1, 6])
    #expect(other.shape == [2, 1, 6])
    #expect(address(other) == address(tensor))
    #expect(other.elements == tensor.elements)
    #expect(Tensor(4).reshaped(to: [1, 1]).shape == [1, 1])
  }

  #if compiler(>=6.2)
    @Test("shapes that don't fit end the program")
    func refused() async {
      await #expect(processExitsWith: .failure) { _ = Tensor([1, 2], shape: [3]) }
      await #expect(processExitsWith: .failure) { _ = Tensor([1, 2]).reshaped(to: [3]) }
      await #expect(processExitsWith: .failure) { _ = Tensor([1, 2]) + Tensor([1, 2, 3]) }
      await #expect(processExitsWith: .failure) { _ = Tensor([1, 2]).view(from: 1, shape: [2]) }
      await #expect(processExitsWith: .failure) {
        _ = Tensor.product(.zeros([2, 3]), .zeros([2, 3]))
      }
    }
  #endif

  @Test("overwriting takes memory of one's own again, and leaves what others have alone")
  func overwriting() {
    func address(_ tensor: Tensor) -> Int { tensor.withUnsafeFloats { Int(bitPattern: $0) } }
    func fill(_ tensor: inout Tensor, _ shape: Shape, _ value: Float) {
      tensor.overwrite(shape: shape) { $0.update(repeating: value, count: shape.count) }
    }
    var tensor = Tensor.zeros([6])
    let first = address(tensor)
    fill(&tensor, [6], 1)
    #expect(address(tensor) == first && tensor.elements == [1, 1, 1, 1, 1, 1])
    let kept = tensor
    let view = tensor.view(from: 2, shape: [3])
    fill(&tensor, [6], 2)
    #expect(address(tensor) != first && tensor.elements.allSatisfy { $0 == 2 })
    #expect(kept.elements.allSatisfy { $0 == 1 } && view.elements == [1, 1, 1])
    fill(&tensor, [2, 2], 3)
    #expect(tensor.shape == [2, 2] && tensor.elements == [3, 3, 3, 3])
    var part = Tensor([1, 2, 3]).view(from: 1, shape: [2])
    fill(&part, [2], 4)
    #expect(part.elements == [4, 4])
    withExtendedLifetime(kept) {}
    var theirs: [Float] = [5, 6]
    theirs.withUnsafeMutableBufferPointer { theirs in
      guard let memory = theirs.baseAddress else { return }
      var borrowed = Tensor(borrowing: memory, shape: [2])
      fill(&borrowed, [2], 7)
      #expect(borrowed.elements == [7, 7])
    }
    #expect(theirs == [5, 6])
  }
}
