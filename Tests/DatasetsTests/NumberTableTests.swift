import Datasets
import TestSupport
import Testing

@Suite("NumberTable")
struct NumberTableTests {
  private func table(_ text: String) throws -> NumberTable {
    try NumberTable(Array(text.utf8), source: "table.csv")
  }

  @Test(
    "headers, spaces, quotes, carriage returns, empty lines and a missing last line feed are read",
    arguments: [
      "1,2.5,a\n-3,4e1,b\n", "1,2.5,a\n-3,4e1,b", "x,y,kind\n1,2.5,a\n-3,4e1,b\n",
      "\u{FEFF}1,2.5,a\n-3,4e1,b\n", " 1 ,\t2.5, a \r\n-3,4e1,b\r\n",
      "\"x\",\"y\",\"z\"\n\"1\",2.5,\"a\"\n\n-3,40,b\n\n",
    ])
  func forms(text: String) throws {
    let table = try table(text)
    #expect(table.columnCount == 2 && table.rowCount == 2)
    #expect(table.values == [1, 2.5, -3, 40])
    #expect(table.classes == ["a", "b"] && table.labels == [0, 1])
  }

  @Test("classes that are whole numbers come in the order of their values, others in that of words")
  func classes() throws {
    #expect(try table("1,10\n1,9\n1,-1\n1,9\n").classes == ["-1", "9", "10"])
    #expect(try table("1,10\n1,9\n1,-1\n1,9\n").labels == [2, 1, 0, 1])
    #expect(try table("1,b10\n1,b9\n1,a\n").classes == ["a", "b10", "b9"])
    #expect(try table("1,\"a, \"\"b\"\"\"\n2,c\n").classes == ["a, \"b\"", "c"])
  }

  @Test(
    "what can't be used is an error with its row and column",
    arguments: [
      ("", 0, 0), ("\n\n", 0, 0), ("x,y\n", 0, 0), ("1,2,a\n1,b\n", 2, 0), ("1\n2\n", 1, 0),
      ("1,2,a\n1,two,b\n", 2, 2), ("1,2,a\nnan,2,b\n", 2, 1), ("1,2,a\n1,inf,b\n", 2, 2),
      ("1,2,a\n1,,b\n", 2, 2), ("1,2,a\n1,2,\n", 2, 3), ("1,2,a\n1,2,a\n", 0, 3),
      ("1,2,a\n1,\"2,b\n", 2, 2), ("1,2,a\n1,\"2\"3,b\n", 2, 2), ("1,2,a\n1,2\"3\",b\n", 2, 2),
      ("1,1e99,a\n1,2,b\n", 1, 2),
      // The first row names columns only where nothing in it is a number.
      ("1,,a\n1,2,b\n3,4,a\n", 1, 2), ("x,2,a\n1,2,b\n3,4,a\n", 1, 1),
      ("1;5,2,a\n1,2,b\n3,4,a\n", 1, 1), ("1,2\u{0}x,a\n1,2,b\n", 1, 2), ("1,0x2,a\n1,2,b\n", 1, 2),
    ])
  func errors(text: String, row: Int, column: Int) {
    let error = #expect(throws: DatasetError.self) { try table(text) }
    guard case .malformedTable("table.csv", row, column, let reason) = error else {
      Issue.record("\(String(describing: error)) for \(text)")
      return
    }
    #expect(!reason.isEmpty)
    #expect(error?.description.contains("table.csv") == true)
  }

  @Test("standardized columns have mean 0 and deviation 1, equal numbers become 0")
  func standardizing() throws {
    let table = try table("1,5,7,a\n2,5,-7,b\n3,5,7,a\n6,5,-7,b\n")
    let values = table.standardized()
    for column in [0, 2] {
      let numbers = (0..<4).map { Double(values[3 * $0 + column]) }
      #expect(abs(numbers.reduce(0, +)) < 1e-6)
      #expect(abs(numbers.reduce(0) { $0 + $1 * $1 } - 4) < 1e-5)
    }
    #expect((0..<4).allSatisfy { values[3 * $0 + 1] == 0 })
  }

  @Test("a file is read as its bytes are")
  func files() throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(Array("1,a\n2,b\n".utf8), named: "t.csv")
    let table = try NumberTable(contentsOf: path)
    #expect(table.values == [1, 2] && table.source == path)
    #expect(throws: DatasetError.self) { try NumberTable(contentsOf: folder.file("none")) }
  }
}
