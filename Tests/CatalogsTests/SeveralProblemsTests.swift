import Autodiff
import Catalogs
import Datasets
import Layers
import Problems
import Settings
import Tensors
import Testing
import Unrolling

@Suite("Several problems together")
struct SeveralProblemsTests {
  private let data = ProblemData(split: .train)

  private func entry(_ names: String) throws -> ProblemEntry {
    try Catalog.standard.problem(named: names)
  }

  @Test("each is a task with options of its own, and an option of all reaches those that have it")
  func options() throws {
    let built = try entry("quadratic,mnist,perceptron").make(
      options: [
        "batch_size": "4", "mnist.batch_size": "7", "mnist.layers": "3", "num_dims": "6",
      ], data: data)
    #expect(built.tasks.map(\.name) == ["quadratic", "mnist", "perceptron"])
    var stream = RandomStream(seed: 1, purpose: .problem)
    let members = built.tasks.map { $0.family.member(&stream) }
    #expect(members[0].parameters[0].shape == [4, 6])
    #expect(members[1].parameters[0].shape == [784, 3])
    #expect(members[2].parameters[0].shape == [64, 32])
  }

  @Test("a family keeps its tasks")
  func families() throws {
    let built = try entry("simple,small-images").make(data: data)
    #expect(built.tasks.count == 5)
    #expect(built.tasks[0].name == "simple")
    #expect(built.tasks[1].name == "small-images/mnist")
  }

  @Test(
    "an option that none has is refused with those that there are",
    arguments: ["foo", "mnist.num_dims"])
  func unknown(name: String) throws {
    let entry = try entry("quadratic,mnist")
    let error = #expect(throws: SettingError.self) {
      try entry.make(options: [name: "1"], data: data)
    }
    #expect(error.map { "\($0)".contains(name) } == true)
  }

  @Test("losses count in units of what each task starts with")
  func units() throws {
    let built = try entry("quadratic,simple").make(options: ["quadratic.stddev": "0.5"], data: data)
    for task in built.tasks {
      var sum = 0.0
      for draw in 0..<8 {
        var stream = RandomStream(seed: 0, purpose: .problem, epoch: draw)
        let member = task.family.member(&stream)
        let parameters = member.parameters.map { Variable($0.initializer($0.shape, &stream)) }
        let constants = member.constants.map { $0.initializer($0.shape, &stream) }
        let loss = member.loss(parameters: parameters, constants: constants, minibatch: &stream)
        sum += task.family.normalized(Double(loss.value.scalar), of: member)
      }
      #expect(abs(sum / 8 - 1) < 1e-6)
    }
  }

  @Test("names are given one by one or with commas, each once")
  func names() {
    #expect(ProblemNames(settingTexts: ["a", "b,c"])?.names == ["a", "b", "c"])
    #expect(ProblemNames(settingTexts: ["a", "a"]) == nil)
    #expect(ProblemNames.complaint(["a,b", "b"])?.contains("'b'") == true)
    for text in ["", "a,", ",a", "a,,b"] { #expect(ProblemNames(settingTexts: [text]) == nil) }
  }

  @Test("an unknown name among them is named")
  func unknownProblem() {
    #expect(throws: ProblemError.self) { try entry("quadratic,nothing") }
  }
}
