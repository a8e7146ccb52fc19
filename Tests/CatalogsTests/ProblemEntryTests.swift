import Autodiff
import Catalogs
import Datasets
import Layers
import Problems
import Settings
import Tensors
import Testing

/// A parabola with options of its own.
private struct Parabola: Problem {
  struct Options: Configurable {
    var scale = 1.0
    var name = "plain"
    static let settings = [
      Setting("scale", \Options.scale, in: .above(0), "how steep"),
      Setting("name", \Options.name, "what it is called"),
    ]
    func check() throws(SettingError) {
      if name == "bad" { throw refuse("name", expected: "a good one") }
    }
  }
  struct Fault: Error, CustomStringConvertible { let description = "the moon is full" }

  let options: Options
  var parameters: [VariableSpecification] { [VariableSpecification("x", .scalar, .constant(3))] }

  func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable { parameters[0].squared() * Float(options.scale) }
}

@Suite("ProblemEntry")
struct ProblemEntryTests {
  private let entry = ProblemEntry("parabola", "a parabola", nets: [.linear]) {
    (options: Parabola.Options, _) in
    guard options.scale < 100 else { throw Parabola.Fault() }
    return Parabola(options: options)
  }
  private let data = ProblemData(split: .train)

  @Test("a problem from elsewhere is built from its typed options")
  func built() throws {
    let problem = try entry.make(options: ["scale": "2.5"], data: data).problem
    #expect((problem as? Parabola)?.options.scale == 2.5)
    #expect(entry.options.map(\.name) == ["scale", "name"])
    #expect(entry.options.map(\.standard) == ["1", "plain"])
    #expect(entry.nets.map(\.key) == ["cw"])
  }

  @Test("wrong options are errors of the problem's, with what to give")
  func wrong() {
    let unknown = #expect(throws: SettingError.self) {
      try entry.make(options: ["sale": "2"], data: data)
    }
    #expect(
      unknown?.description
        == "problem parabola has no option 'sale'; did you mean 'scale'? (all: scale, name)")
    let invalid = #expect(throws: SettingError.self) {
      try entry.make(options: ["scale": "0"], data: data)
    }
    #expect(
      invalid?.description
        == "option scale of problem parabola can't be '0': give a finite number above 0")
    let checked = #expect(throws: SettingError.self) {
      try entry.make(options: ["name": "bad"], data: data)
    }
    #expect(
      checked?.description
        == "option name of problem parabola can't be 'bad': give a good one")
  }

  @Test("an error of the problem's own is told under its name")
  func fault() {
    #expect(throws: ProblemFault(problem: "parabola", reason: "the moon is full")) {
      try entry.make(options: ["scale": "100"], data: data)
    }
  }

  @Test("a catalog finds names that are used twice")
  func repeated() {
    var catalog = Catalog.standard
    #expect(catalog.firstRepeatedName == nil)
    catalog.problems.append(entry)
    #expect(catalog.firstRepeatedName == nil)
    catalog.problems.append(entry)
    #expect(catalog.firstRepeatedName == "parabola")
    #expect(throws: ProblemError.self) { try Catalog().problem(named: "simple") }
  }
}
