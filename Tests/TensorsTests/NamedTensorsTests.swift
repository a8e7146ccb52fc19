import Tensors
import Testing

@Suite("NamedTensors")
struct NamedTensorsTests {
  private let tensors = NamedTensors(
    names: ["w", "none", "b"],
    tensors: [Tensor([1, 2, 3, 4], shape: [2, 2]), .zeros([0, 3]), Tensor(5)])

  @Test("tensors are found by their names")
  func lookUp() {
    #expect(tensors["w"]?.elements == [1, 2, 3, 4])
    #expect(tensors["b"]?.scalar == 5)
    #expect(tensors["x"] == nil)
    #expect(tensors.count == 3)
    #expect(tensors.elementCount == 5)
  }

  @Test("flattening joins all elements in order, unflattening takes them apart again")
  func flattening() {
    #expect(tensors.flattened.elements == [1, 2, 3, 4, 5])
    let other = tensors.unflattening(Tensor([6, 7, 8, 9, 10]))
    #expect(other.names == tensors.names)
    #expect(other.tensors.map(\.shape) == tensors.tensors.map(\.shape))
    #expect(other.tensors.map(\.elements) == [[6, 7, 8, 9], [], [10]])
  }

  @Test("no tensors flatten to an empty vector")
  func empty() {
    #expect(NamedTensors().flattened.shape == [0])
    #expect(NamedTensors().unflattening(Tensor([])).count == 0)
  }

  #if compiler(>=6.2)
    @Test("a name given twice ends the program")
    func refused() async {
      await #expect(processExitsWith: .failure) {
        _ = NamedTensors(names: ["w", "w"], tensors: [Tensor(1), Tensor(2)])
      }
    }
  #endif
}
