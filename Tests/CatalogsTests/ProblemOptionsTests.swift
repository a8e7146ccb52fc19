import Catalogs
import Datasets
import Layers
import Problems
import Settings
import Tensors
import Testing

@Suite("Problem options")
struct OptionsTests {
  private let data = ProblemData(split: .train)

  private func make(_ problem: String, _ options: [String: String]) throws {
    _ = try Catalog.standard.problem(named: problem).make(options: options, data: data)
  }

  @Test("an unknown problem is an error that lists the known ones")
  func unknownProblem() {
    #expect(
      throws: ProblemError.unknownProblem(
        "quadratik", valid: Catalog.standard.problems.map(\.name))
    ) { try Catalog.standard.problem(named: "quadratik") }
  }

  @Test(
    "an unknown option is an error that lists the problem's own",
    arguments: Catalog.standard.problems.map(\.name))
  func unknownOption(problem: String) throws {
    let valid = try Catalog.standard.problem(named: problem).options.map(\.name)
    let error = SettingError("depth", in: .problem(problem), .unknown(valid: valid))
    #expect(throws: error) {
      try make(problem, ["depth": "3"])
    }
  }

  @Test(
    "a value that can't be used is an error that names option and value",
    arguments: [
      ("quadratic", "batch_size", "0"), ("quadratic", "batch_size", "ten"),
      ("quadratic", "batch_size", "1.5"), ("quadratic", "batch_size", ""),
      ("quadratic", "num_dims", "-1"), ("quadratic", "num_dims", "4097"),
      ("quadratic", "stddev", "nan"), ("quadratic", "stddev", "inf"), ("quadratic", "stddev", "-1"),
      ("quadratic", "distribution", "normal"), ("simple-multi", "num_dims", "0"),
      ("mnist", "layers", "20,x"), ("mnist", "layers", "20,,20"), ("mnist", "layers", ","),
      ("mnist", "layers", "(20"),
      ("mnist", "layers", "20)x"), ("mnist", "layers", "2 0"), ("mnist", "layers", "0"),
      ("mnist", "layers", "-3"), ("mnist", "activation", "step"), ("mnist", "batch_size", "0"),
      ("mnist", "batch_size", "99999999999999999999"), ("cifar", "conv_channels", "16,x"),
      ("cifar", "conv_channels", "0"), ("cifar", "linear_layers", "-1"),
      ("cifar", "batch_norm", "1"), ("cifar", "batch_norm", ""), ("cifar", "batch_size", "0"),
      ("cifar-multi", "batch_norm", "perhaps"),
    ])
  func invalidValue(problem: String, option: String, value: String) {
    let error = #expect(throws: SettingError.self) { try make(problem, [option: value]) }
    #expect(error?.name == option)
    #expect(error?.place == .problem(problem))
    guard case .invalid(value, let expected)? = error?.fault else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(!expected.isEmpty)
  }

  @Test(
    "sizes that no memory holds are an error",
    arguments: [
      ("conv_channels", "65536,65536"), ("conv_channels", "1,65536,65536"),
      ("linear_layers", "65536,65536"), ("linear_layers", "1,65536,65536"),
      ("batch_size", "100000"),
    ])
  func absurdSizes(option: String, value: String) {
    let error = #expect(throws: SettingError.self) {
      try Catalog.standard.problem(named: "cifar").make(
        options: [option: value], data: ProblemData(split: .test, directory: "synthetic"))
    }
    #expect(error?.name == option)
    #expect(error?.place == .problem("cifar"))
    guard case .invalid(value, let expected)? = error?.fault else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(expected.hasPrefix("less: this makes "))
  }

  @Test("options are checked before data are looked for")
  func orderOfChecks() {
    let nowhere = ProblemData(split: .train, directory: "/nonexistent/data")
    #expect(throws: SettingError.self) {
      try Catalog.standard.problem(named: "mnist").make(options: ["layers": "x"], data: nowhere)
    }
    #expect(throws: DatasetError.self) {
      try Catalog.standard.problem(named: "mnist").make(data: nowhere)
    }
  }

  @Test("options set sizes, with dashes or underscores, others keep their defaults")
  func sizes() throws {
    let quadratic = try Catalog.standard.problem(named: "quadratic")
      .make(options: ["batch-size": "3", "num_dims": "2"], data: data).problem
    #expect(quadratic.parameters[0].shape == [3, 2])
    let standard = try Catalog.standard.problem(named: "quadratic").make(data: data).problem
    #expect(standard.parameters[0].shape == [128, 10])
    let many = try Catalog.standard.problem(named: "simple-multi")
      .make(options: ["num_dims": "4"], data: data).problem
    #expect(many.parameters.count == 4)
  }

  @Test("layers of a perceptron are given as sizes between commas, none for a linear one")
  func layers() throws {
    func shapes(_ layers: String) throws -> [[Int]] {
      try Catalog.standard.problem(named: "mnist").make(options: ["layers": layers], data: data)
        .problem.parameters.map(\.shape.dimensions)
    }
    #expect(try shapes("20") == [[784, 20], [20], [20, 10], [10]])
    #expect(try shapes("30,5") == [[784, 30], [30], [30, 5], [5], [5, 10], [10]])
    for linear in ["", "()"] { #expect(try shapes(linear) == [[784, 10], [10]]) }
    for twenty in ["(20,)", "(20)", "20,", " 20 "] {
      #expect(try shapes(twenty) == [[784, 20], [20], [20, 10], [10]])
    }
    #expect(try shapes("(20, 20)").count == 6)
  }
}
