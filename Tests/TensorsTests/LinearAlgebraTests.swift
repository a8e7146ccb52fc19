import Tensors
import Testing

@Suite("LinearAlgebra")
struct LinearAlgebraTests {
  @Test("the kernels are named, the same at every call")
  func kernels() {
    #expect(LinearAlgebra.kernels.contains(/^OpenBLAS \w+, (baseline|AVX2|AVX-512)$/))
    #expect(LinearAlgebra.kernels == LinearAlgebra.kernels)
  }

  @Test("products after the work space was taken need no more of it")
  func workSpace() {
    LinearAlgebra.takeWorkSpace()
    let ones = Tensor([Float](repeating: 1, count: 64 * 64), shape: Shape(rows: 64, columns: 64))
    #expect(Tensor.product(ones, ones).elements == [Float](repeating: 64, count: 64 * 64))
  }
}
