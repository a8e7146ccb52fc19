import Catalogs
import Datasets
import Layers
import Problems
import Settings
import Tensors
import TestSupport
import Testing

/// Options of the problems that came after those of the paper's program.
@Suite("Options of networks, functions and families")
struct NetworkOptionsTests {
  private let data = ProblemData(split: .train)

  private func make(_ problem: String, _ options: [String: String]) throws -> BuiltProblem {
    try Catalog.standard.problem(named: problem).make(options: options, data: data)
  }

  private func shapes(_ problem: String, _ options: [String: String]) throws -> [[Int]] {
    try make(problem, options).problem.parameters.map(\.shape.dimensions)
  }

  @Test("options decide the networks' sizes")
  func sizes() throws {
    #expect(try shapes("perceptron", [:]) == [[64, 32], [32], [32, 10], [10]])
    #expect(
      try shapes("perceptron", ["size": "0", "layers": "5,4"])
        == [[784, 5], [5], [5, 4], [4], [4, 10], [10]])
    #expect(try shapes("softmax-regression", ["size": "12"]) == [[144, 10], [10]])
    #expect(
      try shapes("autoencoder", ["layers": "7"]) == [[64, 7], [7], [7, 64], [64]])
    #expect(
      try shapes("conv-net", ["channels": "3,5"])
        == [[3, 3, 1, 3], [3], [3, 3, 3, 5], [5], [5, 10], [10]])
    #expect(try shapes("rosenbrock", ["num_dims": "7"]) == [[7]])
    #expect(try shapes("logistic-regression", ["num_dims": "4"]) == [[4, 1], [1]])
    let hidden = try shapes("char-gru", ["hidden": "8", "embedding": "3"])
    #expect(hidden[1] == [11, 16] && hidden[3] == [11, 8])
    #expect(try shapes("char-transformer", ["width": "12", "blocks": "2"]).count == 30)
  }

  @Test(
    "a value that can't be used is an error that names option and value",
    arguments: [
      ("perceptron", "set", "imagenet"), ("perceptron", "size", "-1"),
      ("perceptron", "activation", "step"), ("perceptron", "initialization", "zeros"),
      ("perceptron", "layers", "65536,65536"), ("autoencoder", "layers", "65536,65536"),
      ("conv-net", "stride", "0"), ("char-lstm", "length", "0"), ("char-lstm", "hidden", "5000"),
      ("char-transformer", "width", "33"), ("char-transformer", "heads", "0"),
      ("rosenbrock", "num_dims", "1"), ("conditioned-quadratic", "condition", "0.5"),
      ("lasso", "penalty", "-1"), ("lasso", "rows", "100000"),
      ("logistic-regression", "rows", "1000000"), ("small-images", "reparametrize", "all"),
      ("small-images", "scale", "0.5"), ("perceptrons", "widths", "8"),
      ("perceptrons", "widths", "128,8"), ("perceptrons", "depths", "-1,3"),
      ("perceptrons", "batch_sizes", "0,5"), ("perceptrons", "activations", "relu,step"),
      ("perceptrons", "activations", ""), ("perceptrons", "initializations", "small,small"),
      ("quadratics", "num_dims", "5,2"), ("quadratics", "conditions", "0.5,2"),
      ("perceptrons", "sets", "imagenet"), ("perceptrons", "images", "-1"),
    ])
  func invalidValue(problem: String, option: String, value: String) throws {
    var options = [option: value]
    if problem == "lasso", option == "rows" { options["num_dims"] = "100000" }
    if problem == "logistic-regression" { options["num_dims"] = "10000" }
    let error = #expect(throws: SettingError.self) { try make(problem, options) }
    #expect(error?.name == option)
    #expect(error?.place == .problem(problem))
  }

  @Test("a text and a table of the user's are read, and their faults are told")
  func files() throws {
    let folder = try TemporaryFolder()
    let text = try folder.write(
      (0..<2000).map { UInt8(ascii: "a") + UInt8($0 % 7) }, named: "text")
    let built = try make("char-lstm", ["text": text, "length": "8"])
    #expect((built.problem as? CharacterModel)?.classCount == 7)
    #expect(built.dataHash != (try make("char-lstm", [:]).dataHash))
    let short = try folder.write(Array("too short".utf8), named: "short")
    #expect(throws: DatasetError.self) { try make("char-gru", ["text": short]) }
    let table = try folder.write(Array("1,2,a\n3,4,b\n5,5,c\n".utf8), named: "table.csv")
    #expect(try shapes("logistic-regression", ["table": table]) == [[2, 3], [3]])
    #expect(try make("logistic-regression", ["table": table]).dataHash != "none")
    #expect(try make("logistic-regression", [:]).dataHash == "none")
    #expect(throws: DatasetError.self) {
      try make("logistic-regression", ["table": folder.file("none.csv")])
    }
  }

  @Test("families deal their tasks, announce stand-ins, and give each optimizee its own problem")
  func families() throws {
    let empty = try TemporaryFolder()
    let data = ProblemData(split: .test, directory: empty.path)
    let small = try Catalog.standard.problem(named: "small-images").make(data: data)
    #expect(small.hasSeveralProblems && small.tasks.count == 4)
    #expect(small.tasks.compactMap(\.name) == ImageSet.allCases.map(\.rawValue))
    #expect(small.datasets.count == 4)
    #expect(small.notices.count >= 3)
    #expect(small.dataHash.split(separator: " ").count == 4)
    var stream = RandomStream(seed: 1, purpose: .test)
    for task in small.tasks {
      let first = task.family.member(&stream)
      let second = task.family.member(&stream)
      #expect(first.parameters.map(\.shape) == [[64, 32], [32], [32, 10], [10]])
      var (a, b) = (
        RandomStream(seed: 2, purpose: .problem), RandomStream(seed: 2, purpose: .problem)
      )
      // Other scales, so other starts.
      #expect(
        first.parameters[0].initializer([64, 32], &a).elements
          != second.parameters[0].initializer([64, 32], &b).elements)
    }
    let plain = try Catalog.standard.problem(named: "small-images").make(
      options: ["reparametrize": "none"], data: data)
    #expect(!(plain.tasks[0].family is Reparametrization))
    let many = try Catalog.standard.problem(named: "perceptrons").make(
      options: ["widths": "3,3", "depths": "2,2"], data: data)
    #expect(many.hasSeveralProblems)
    #expect(
      many.problem.parameters.map(\.shape)
        == [[64, 3], [3], [3, 3], [3], [3, 10], [10]])
    #expect(many.datasets.count == 4)
    let digits = try Catalog.standard.problem(named: "perceptrons").make(
      options: [
        "sets": "mnist", "activations": "sigmoid,relu", "initializations": "small",
        "images": "100", "size": "14", "depths": "1,1",
      ], data: data)
    #expect(digits.datasets.map(\.width) == [14])
    #expect(digits.problem.constants.map(\.name) == ["first_image"])
    // Biases start at 0 where weights are scaled by inputs.
    let biases = digits.problem.parameters[1].initializer([8], &stream)
    #expect(biases.elements.allSatisfy { $0 != 0 })
  }
}
