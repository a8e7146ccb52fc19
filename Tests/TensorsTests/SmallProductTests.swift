import CKernels
import Tensors
import TestSupport
import Testing

@Suite("Products of small matrices", .serialized)
struct SmallProductTests {
  private static let flags = [(false, false), (true, false), (false, true), (true, true)]
  private static let sets = [CK_ISA_BASELINE, CK_ISA_AVX2, CK_ISA_AVX512].map { Int32($0) }

  /// One after the other: the instruction set is the process's.
  private func withEverySet(_ body: () -> Void) {
    defer { ck_force_isa(Int32(CK_ISA_AUTOMATIC)) }
    for isa in Self.sets where ck_supports_isa(isa) != 0 {
      ck_force_isa(isa)
      #expect(ck_isa_in_use() == isa)
      body()
    }
  }

  private func check(_ m: Int, _ k: Int, _ n: Int) {
    for (transposeA, transposeB) in Self.flags {
      let x = Tensor.random(transposeA ? [k, m] : [m, k], seed: m)
      let y = Tensor.random(transposeB ? [n, k] : [k, n], seed: n + 1)
      let c = Tensor.product(
        x, y, transposeA: transposeA, transposeB: transposeB, kernel: .small)
      expectProduct(
        c, of: x, y, transposeA: transposeA, transposeB: transposeB, terms: k,
        "\(m), \(k), \(n), \(transposeA), \(transposeB)")
    }
  }

  @Test("all sizes around those of tiles and panels agree with loops, with every instruction set")
  func sizes() {
    withEverySet {
      for m in [0, 1, 2, 5, 6, 7, 11, 12, 13, 25] {
        for k in [0, 1, 3, 16] { for n in [0, 1, 7, 8, 15, 16, 17, 33] { check(m, k, n) } }
      }
    }
  }

  @Test("sums longer than a panel is deep agree with loops")
  func depth() {
    withEverySet { for k in [255, 256, 257, 600] { check(3, k, 18) } }
  }

  @Test("batches are products one by one")
  func batches() {
    let a = Tensor.random([3, 5, 4], seed: 1)
    let b = Tensor.random([3, 4, 7], seed: 2)
    let c = Tensor.product(a, b, kernel: .small)
    for i in 0..<3 {
      let single = Tensor.product(
        a.view(from: 20 * i, shape: [5, 4]), b.view(from: 28 * i, shape: [4, 7]), kernel: .small)
      #expect(haveSameBits(single.elements, c.view(from: 35 * i, shape: [5, 7]).elements))
    }
  }
}
