import Autodiff
import Catalogs
import Datasets
import Layers
import Problems
import Tensors
import TestSupport
import Testing

/// What every problem of the catalog must do besides what `checkProblem` asks of all.
@Suite("Catalog")
struct CatalogTests {
  /// A problem at its start.
  private struct Start {
    let problem: any Problem
    let parameters: [Tensor]
    let constants: [Tensor]
    let minibatch = RandomStream(seed: 4, purpose: .minibatch)

    init(_ name: String, options: [String: String]? = nil) throws {
      problem = try CatalogTests.make(name, options: options).problem
      var stream = RandomStream(seed: 4, purpose: .problem)
      parameters = problem.parameters.map { $0.initializer($0.shape, &stream) }
      constants = problem.constants.map { $0.initializer($0.shape, &stream) }
    }

    func loss(_ parameters: [Variable], minibatch: RandomStream? = nil) -> Variable {
      var minibatch = minibatch ?? self.minibatch
      return problem.loss(parameters: parameters, constants: constants, minibatch: &minibatch)
    }
  }

  static let names = Catalog.standard.problems.map(\.name)

  /// A problem on data that are always there, by default of a size that takes no time.
  static func make(_ name: String, options: [String: String]? = nil) throws -> BuiltProblem {
    let isCIFAR = name.hasPrefix("cifar")
    let small = isCIFAR ? ["conv_channels": "2,3", "linear_layers": "4", "batch_size": "4"] : [:]
    return try Catalog.standard.problem(named: name).make(
      options: options ?? small,
      data: ProblemData(split: .train, directory: isCIFAR ? "synthetic" : nil))
  }

  @Test("names of problems and of their options are unique and written for the command line")
  func uniqueNames() {
    #expect(Set(Self.names).count == Self.names.count)
    for entry in Catalog.standard.problems {
      let options = entry.options.map(\.name)
      #expect(Set(options).count == options.count)
      #expect(!entry.summary.isEmpty)
      #expect(entry.name.wholeMatch(of: /[a-z0-9]+(-[a-z0-9]+)*/) != nil)
    }
  }

  @Test("defaults are what they say: giving them changes nothing", arguments: names)
  func defaults(name: String) throws {
    let options = try Catalog.standard.problem(named: name).options
    // Where no file is given, the default is told in words.
    let given = Dictionary(
      uniqueKeysWithValues: options.filter { !["text", "table"].contains($0.name) }
        .map { ($0.name, $0.standard) })
    let plain = try Start(name, options: [:])
    let written = try Start(name, options: given)
    #expect(plain.problem.parameters.map(\.shape) == written.problem.parameters.map(\.shape))
    #expect(plain.parameters.map(\.elements) == written.parameters.map(\.elements))
    #expect(plain.constants.map(\.elements) == written.constants.map(\.elements))
  }

  @Test("only problems on data depend on the minibatch stream", arguments: names)
  func minibatches(name: String) throws {
    let start = try Start(name)
    let other = RandomStream(seed: 4, purpose: .minibatch, step: 1)
    let constants = start.parameters.map { Variable($0) }
    let built = try Self.make(name)
    let same =
      start.loss(constants).value.scalar == start.loss(constants, minibatch: other).value.scalar
    #expect(same == (built.dataset == nil && !name.hasPrefix("char-")))
  }

  @Test(
    "a loss and its gradient record no more values than the budget",
    arguments: [
      ("simple", 2), ("simple-multi", 5), ("quadratic", 9), ("mnist", 11), ("cifar", 23),
    ])
  func budget(name: String, count: Int) throws {
    // Parameters, constants that meet them, and one value an operation.
    let start = try Start(name)
    let tape = Tape()
    let point = start.parameters.map(tape.variable)
    let loss = start.loss(point)
    #expect(tape.count == count)
    _ = gradient(of: loss, withRespectTo: point)
    #expect(tape.count == count)
  }
}
