import Foundation
import TestSupport
import Testing

@Suite("evaluate")
struct EvaluationTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private struct Row {
    let epoch: Int
    let step: Int
    let loss: Double
  }

  /// Evaluates and reads the table that it writes.
  private func table(_ arguments: [String]) throws -> [Row] {
    unlink(folder.file("t.csv"))
    let result = try run(["evaluate", "--output=t.csv"] + arguments, in: folder.path)
    try #require(result.code == 0, "\(result.errors)")
    let text = String(decoding: try contents(folder.file("t.csv")), as: UTF8.self)
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.first == "epoch,step,loss")
    #expect(lines.last == "")
    return try lines.dropFirst().dropLast().map { line in
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      try #require(fields.count == 3)
      return Row(
        epoch: try #require(Int(fields[0])), step: try #require(Int(fields[1])),
        loss: try #require(Double(fields[2])))
    }
  }

  static let optimizers = ["L2L", "Adam", "SGD", "Momentum", "NAG", "RMSprop"]

  @Test("standard output has the reference's lines", arguments: optimizers)
  func lines(optimizer: String) throws {
    let result = try run([
      "evaluate", "--problem=quadratic", "--problem_option=batch_size=2",
      "--optimizer=\(optimizer)", "--num_epochs=3", "--num_steps=5",
    ])
    #expect(result.code == 0)
    let lines = result.lines
    try #require(lines.count == 3)
    #expect(lines[0] == "Epoch 3")
    #expect(lines[1].wholeMatch(of: /Log Mean Final Error: -?\d+\.\d\d/) != nil)
    #expect(lines[2].wholeMatch(of: /Mean epoch time: \d+\.\d\d s/) != nil)
    #expect(result.errors.contains("untrained") == (optimizer == "L2L"))
  }

  @Test(
    "the optimizers that come with the program learn",
    arguments: [("quadratic", 0.2), ("mnist", 0.5)])
  func pretrained(problem: String, limit: Double) throws {
    let rows = try table(["--problem=\(problem)", "--path=pretrained", "--num_epochs=3"])
    let final = rows.filter { $0.step == 100 }.map(\.loss)
    #expect(final.count == 3)
    #expect(final.allSatisfy { $0 < limit }, "\(final)")
  }

  @Test("a problem without an optimizer of its own is stepped by the general one, at any rate")
  func generalPretrained() throws {
    let perceptron = ["--problem=perceptron", "--num_epochs=2", "--num_steps=300"]
    func final(_ options: [String]) throws -> Double {
      let rows = try table(perceptron + options)
      return rows.filter { $0.step == 300 }.map(\.loss).reduce(0, +) / 2
    }
    let own = try final(["--path=pretrained"])
    let slow = try final(["--path=pretrained:celo2", "--net_option=learning_rate=0.0004"])
    let steady = try final(["--path=pretrained:celo2", "--net_option=schedule=constant"])
    #expect(own < 0.2 && own < slow && steady != own, "\(own), \(slow), \(steady)")
  }

  @Test("every epoch has an optimizee of each problem, whose means are told one by one")
  func severalProblems() throws {
    let common = ["evaluate", "--optimizer=Adam", "--num_epochs=2", "--num_steps=20"]
    func means(_ errors: String) -> [String] {
      errors.split(separator: "\n").map(String.init).filter { $0.contains("mean final loss") }
    }
    let both = try run(common + ["--problem=simple,quadratic"])
    #expect(both.code == 0)
    let lines = means(both.errors)
    try #require(lines.count == 3, "\(both.errors)")
    #expect(lines[0].hasPrefix("l2l: mean final loss of simple: "))
    #expect(lines[1].hasPrefix("l2l: mean final loss of quadratic: "))
    func number(_ line: String) -> Double? {
      line.split(separator: " ").last.flatMap { Double($0) }
    }
    let parts = try lines.map { try #require(number($0)) }
    #expect(abs((parts[0] + parts[1]) / 2 - parts[2]) <= 1e-12 * parts[2])
    let alone = means(try run(common + ["--problem=simple"]).errors)
    #expect(try number(#require(alone.first)) == parts[0])
    #expect(alone.count == 1)
  }

  @Test("a pretrained optimizer brings its problem unless another is named")
  func pretrainedProblem() throws {
    let path = ["--path=pretrained:quadratic", "--num_epochs=2"]
    let own = try table(path)
    let named = try table(path + ["--problem=quadratic"])
    let other = try table(path + ["--problem=simple"])
    #expect(own.map(\.loss) == named.map(\.loss) && own.map(\.loss) != other.map(\.loss))
  }

  @Test("what has no effect is refused")
  func withoutEffect() throws {
    try expectFailure(
      ["evaluate", "--problem=simple", "--optimizer=Adam", "--net_option=beta1=0.1"], code: 64,
      saying: ["--net_option", "Adam"])
    for (options, word) in [
      (["--sigma=1"], "--sigma"), (["--estimator=es", "--sign"], "--sign"),
      (["--estimator=es", "--second_derivatives"], "--second_derivatives"),
      (["--perturbation_steps=4"], "--perturbation_steps"),
    ] as [([String], String)] {
      try expectFailure(["unroll", "--problem=simple"] + options, code: 64, saying: [word])
    }
    try expectFailure(
      ["train", "--problem=simple", "--num_epochs=1", "--accumulate=100"], code: 64,
      saying: ["--accumulate", "5 windows"])
    try expectFailure(
      ["train", "--problem=simple", "--net_option=layers=", "--freeze=linear/w,linear/b"], code: 64,
      saying: ["--freeze"])
  }

  @Test("names that none has, and options that are not the user's, are errors that say what can be")
  func wrongPretrained() throws {
    for (options, code, words) in [
      (["--path=pretrained:best"], 66, ["pretrained:best", "pretrained:celo2"]),
      (["--path=pretrained", "--net_option=layers=3"], 64, ["options of its own", "layers"]),
      (
        ["--path=pretrained", "--net_option=learning_rate=x"], 64, ["learning_rate", "can't be x"]
      ),
    ] as [([String], Int, [String])] {
      let result = try run(["evaluate", "--problem=perceptron"] + options)
      #expect(result.code.map(Int.init) == code, "\(result)")
      for word in words { #expect(result.errors.contains(word), "\(result.errors)") }
    }
  }

  @Test(
    "every optimizer starts from the same losses; the table has a row a step",
    arguments: [
      ["--problem=quadratic", "--problem_option=batch_size=3"],
      ["--problem=mnist", "--problem_option=batch_size=16"],
    ])
  func sameStart(problem: [String]) throws {
    var first: [Double] = []
    for optimizer in Self.optimizers {
      let rows = try table(
        problem + [
          "--optimizer=\(optimizer)", "--num_epochs=3", "--num_steps=4", "--seed=5",
          "--learning_rate=0.01",
        ])
      #expect(rows.map(\.epoch) == (0..<3).flatMap { epoch in (0...4).map { _ in epoch } })
      #expect(rows.map(\.step) == (0..<3).flatMap { _ in Array(0...4) })
      let starts = rows.filter { $0.step == 0 }.map(\.loss)
      if first.isEmpty { first = starts }
      #expect(starts == first, "\(optimizer)")
      #expect(Set(starts).count == 3, "epochs differ")
    }
    let other = try table(problem + ["--num_epochs=3", "--num_steps=4", "--seed=6"])
    #expect(other.filter { $0.step == 0 }.map(\.loss) != first)
  }

  @Test("classic optimizers step as their formulas say, afresh in every epoch")
  func formulas() throws {
    // f = x^2 from x = 1, so the gradient is 2x.
    let rate = 0.1
    var rules: [String: (inout [Double], Double, Int) -> Double] = [:]
    rules["SGD"] = { _, g, _ in -rate * g }
    rules["Momentum"] = { state, g, _ in
      state[0] = 0.9 * state[0] + g
      return -rate * state[0]
    }
    rules["NAG"] = { state, g, _ in
      state[0] = 0.9 * state[0] + g
      return -rate * (g + 0.9 * state[0])
    }
    rules["RMSprop"] = { state, g, _ in
      state[0] = 0.9 * state[0] + 0.1 * g * g
      return -rate * g / (state[0].squareRoot() + 1e-8)
    }
    rules["Adam"] = { state, g, n in
      state[0] = 0.9 * state[0] + 0.1 * g
      state[1] = 0.999 * state[1] + 0.001 * g * g
      let corrected = rate * (1 - pow(0.999, Double(n))).squareRoot() / (1 - pow(0.9, Double(n)))
      return -corrected * state[0] / (state[1].squareRoot() + 1e-8)
    }
    for (name, rule) in rules {
      var losses: [Double] = []
      for _ in 0..<2 {
        var x = 1.0
        var state = [0.0, 0.0]
        losses.append(1)
        for step in 1...10 {
          x += rule(&state, 2 * x, step)
          losses.append(x * x)
        }
      }
      let rows = try table([
        "--optimizer=\(name)", "--learning_rate=\(rate)", "--num_epochs=2", "--num_steps=10",
      ])
      try #require(rows.count == losses.count)
      // Ten steps in float32, each with a few roundings of 6e-8 of numbers up to 1.
      for (row, loss) in zip(rows, losses) { #expect(abs(row.loss - loss) < 1e-5, "\(name)") }
    }
  }

  @Test("the test split is the default, and train is another one")
  func splits() throws {
    let mnist = ["--problem=mnist", "--optimizer=SGD", "--num_epochs=1", "--num_steps=2"]
    let standard = try table(mnist).map(\.loss)
    #expect(try table(mnist + ["--split=test"]).map(\.loss) == standard)
    #expect(try table(mnist + ["--split", "train"]).map(\.loss) != standard)
  }

  @Test("the summary is that of the table's last losses")
  func summary() throws {
    let arguments = ["--problem=quadratic", "--problem_option=batch_size=2", "--num_epochs=4"]
    let rows = try table(arguments)
    let finals = rows.filter { $0.step == 100 }.map(\.loss)
    let mean = finals.reduce(0, +) / Double(finals.count)
    let result = try run(["evaluate"] + arguments)
    #expect(result.lines[1] == "Log Mean Final Error: " + String(format: "%.2f", log10(mean)))
  }

  @Test("a trained optimizer is better than an untrained one, from its folder and its file")
  func trained() throws {
    let training = try run(
      [
        "train", "--problem=simple", "--num_epochs=200", "--learning_rate=0.01",
        "--evaluation_period=100", "--evaluation_epochs=1", "--save_path=t",
      ], in: folder.path)
    #expect(training.code == 0)
    let fromFolder = try table(["--path=t", "--num_epochs=2"])
    let fromFile = try table(["--path", "t/cw.safetensors", "--num_epochs=2"])
    #expect(fromFolder.map(\.loss) == fromFile.map(\.loss))
    #expect(fromFile.last.map { $0.loss < 0.01 } == true)
    #expect(try table(["--num_epochs=2"]).last?.loss == 1, "untrained, from zero weights")
  }

  @Test("epochs that diverge are told and counted, and the mean is infinite")
  func divergence() throws {
    let result = try run([
      "evaluate", "--optimizer=SGD", "--learning_rate=1e30", "--num_epochs=2", "--num_steps=5",
    ])
    #expect(result.code == 0)
    #expect(result.lines[1] == "Log Mean Final Error: inf")
    #expect(result.errors.contains("2 of 2 epochs diverged"))
  }
}
