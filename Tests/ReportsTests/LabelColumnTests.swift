import Reports
import Testing

@Suite("places of labels")
struct LabelColumnTests {
  private func expectApart(_ heights: [Double], _ gap: Double) {
    let sorted = heights.sorted()
    for (low, high) in zip(sorted, sorted.dropFirst()) { #expect(high - low >= gap - 1e-12) }
  }

  @Test("labels that are apart stay where they are")
  func apart() {
    let wanted = [0.5, 0.1, 0.9]
    let heights = LabelColumn.heights(wanted: wanted, gap: 0.1, range: 0...1)
    for (a, b) in zip(heights, wanted) { #expect(abs(a - b) < 1e-12) }
  }

  @Test("labels at one height are spread around it, the first on top")
  func equal() {
    let heights = LabelColumn.heights(wanted: [0.5, 0.5, 0.5], gap: 0.1, range: 0...1)
    for (a, b) in zip(heights, [0.6, 0.5, 0.4]) { #expect(abs(a - b) < 1e-12) }
  }

  @Test("labels stay in the range and never overlap, whatever is wanted")
  func bounds() {
    var state: UInt64 = 1
    for _ in 0..<500 {
      let count = Int(state >> 40 % 16) + 1
      let wanted = (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return [0, 1, 0.5, Double(state >> 11) * 0x1p-53][Int(state >> 60) % 4]
      }
      let heights = LabelColumn.heights(wanted: wanted, gap: 0.05, range: 0...1)
      expectApart(heights, 0.05)
      #expect(heights.allSatisfy { $0 >= -1e-12 && $0 <= 1 + 1e-12 })
      for i in wanted.indices {
        for j in wanted.indices where wanted[i] < wanted[j] { #expect(heights[i] < heights[j]) }
      }
    }
  }
}
