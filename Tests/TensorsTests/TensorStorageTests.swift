import CKernels
import Tensors
import TestSupport
import Testing

@Suite("Storage of large tensors")
struct TensorStorageTests {
  /// Counts around the size from which blocks are reused.
  private static let counts = [
    CK_STORAGE_LARGE / 4 - 1, CK_STORAGE_LARGE / 4, CK_STORAGE_LARGE / 4 + 1, 100_003, 1 << 20,
  ]

  @Test("tensors that live together share no memory", arguments: counts)
  func separate(count: Int) {
    var tensors: [Tensor] = []
    for round in 0..<40 {
      // Half of them go away, and their blocks come back.
      if round % 4 == 3 { tensors.removeFirst(2) }
      tensors.append(Tensor(repeating: Float(round), shape: [count]))
    }
    for tensor in tensors {
      let first = tensor.elements[0]
      #expect(tensor.elements.allSatisfy { $0 == first })
    }
    #expect(Set(tensors.map { $0.elements[0] }).count == tensors.count)
  }

  @Test("elements start on a 64-byte boundary", arguments: counts)
  func alignment(count: Int) {
    let tensors = (0..<3).map { _ in Tensor.zeros([count]) }
    for tensor in tensors {
      #expect(tensor.withUnsafeFloats { Int(bitPattern: $0) } % 64 == 0)
    }
  }

  @Test("a block that was freed is given out again")
  func reuse() {
    func address(_ value: Float) -> Int {
      Tensor(repeating: value, shape: [3_000_017]).withUnsafeFloats { Int(bitPattern: $0) }
    }
    // Another test may take the block in between, but not every time.
    #expect((0..<20).contains { _ in address(1) == address(2) })
  }

  @Test("from several threads")
  func threads() async {
    await withTaskGroup(of: Bool.self) { group in
      for task in 0..<8 {
        group.addTask {
          var last = Tensor(repeating: Float(task), shape: [70_000])
          for round in 0..<50 {
            let next = last.affine(scale: 1, offset: 1)
            guard last.elements.allSatisfy({ $0 == Float(task + round) }) else { return false }
            last = next
          }
          return true
        }
      }
      for await result in group { #expect(result) }
    }
  }

  @Test("more than is kept can be used and freed")
  func beyondTheLimit() {
    // 100 blocks of 4 MB.
    var tensors = (0..<100).map { Tensor(repeating: Float($0), shape: [1 << 20]) }
    #expect(tensors.map { $0.withUnsafeFloats { $0[1000] } } == (0..<100).map { Float($0) })
    tensors.removeAll()
    #expect(Tensor(repeating: 7, shape: [1 << 20]).elements[5] == 7)
  }
}
