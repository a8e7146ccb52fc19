import Reports
import Testing

@Suite("LossAxis")
struct LossAxisTests {
  @Test(
    "every range has marks enough to read it, each with a text of its own",
    arguments: [
      (1.13, 2.36), (2.30, 2.36), (0.0231, 0.0232), (1.0, 1.002), (0.9, 1.1), (99.9, 100.1),
      (1234.0, 1250.0), (1.0, 9.0), (0.5, 20.0), (1e-15, 1.0), (3.0, 1e12), (4e-7, 5e-7),
      (9.5, 10.5),
    ])
  func marks(low: Double, high: Double) {
    let marks = LossAxis((low, high)).marks
    #expect((2...25).contains(marks.count))
    #expect(high / low > 10 || marks.count >= 3)
    #expect(marks.allSatisfy { low <= $0.value && $0.value <= high })
    #expect(Set(marks.map(\.text)).count == marks.count)
    for mark in marks {
      #expect(abs((Double(mark.text) ?? 0) / mark.value - 1) < 1e-6, "\(mark)")
    }
  }

  @Test("marks of a narrow range are round numbers at equal steps")
  func narrow() {
    #expect(
      LossAxis((1.13, 2.36)).marks.map(\.text) == ["1.2", "1.4", "1.6", "1.8", "2.0", "2.2"])
    #expect(LossAxis((0.5, 20)).marks.map(\.text) == ["0.5", "1", "2", "5", "10", "20"])
  }
}
