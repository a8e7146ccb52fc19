import Foundation
import TestSupport
import Testing

@Suite("compare")
struct CompareTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let small = [
    "--problem=quadratic", "--problem_option=batch_size=2", "--problem_option=num_dims=3",
  ]

  /// Trains for a moment into the folder `net`.
  private func train() throws {
    let result = try run(
      ["train", "--num_epochs=20", "--evaluation_period=10", "--save_path=net"] + Self.small,
      in: folder.path)
    try #require(result.code == 0, "\(result.errors)")
  }

  private func rows(_ file: String) throws -> [[String]] {
    let text = String(decoding: try contents(folder.file(file)), as: UTF8.self)
    return text.split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
  }

  /// The lines of the two tables, split at two or more spaces.
  private func tables(_ output: String) -> [[String]] {
    output.split(separator: "\n").filter { $0.contains("  ") }.map { line in
      line.split(separator: #/ {2,}/#).map(String.init)
    }
  }

  /// Whether a printed number is the rounded one of a number that awk found.
  private func isRounded(_ text: String, from exact: String, digits: Int) -> Bool {
    let text = text.filter { $0 != "%" }
    guard let exact = Double(exact) else { return text == exact }
    if exact > 1e200 { return text == "inf" }
    guard let printed = Double(text) else { return false }
    if exact == 0 { return printed == 0 }
    let unit = pow(10, floor(log10(abs(exact))) - Double(digits - 1))
    // Decimals of float32 losses are off by up to 6e-8 of their size.
    return abs(printed - exact) <= 0.5 * unit + 1e-7 * abs(exact)
  }

  @Test(
    "a short script derives every printed number from the CSV files",
    arguments: [
      // Some runs, most runs and all runs of SGD diverge.
      ["--num_epochs=20", "--num_steps=250", "--seed=3"],
      ["--num_epochs=1", "--num_steps=1", "--seed=0"], ["--num_epochs=7", "--seed=12"],
    ])
  func derivation(sizes: [String]) throws {
    try train()
    let result = try run(
      ["compare", "--optimizers=L2L=net,Adam=0.02,SGD=0.8,SGD=0.9,SGD=1,SGD=9e9,Momentum"]
        + ["--output=out"] + Self.small + sizes, in: folder.path)
    try #require(result.code == 0, "\(result.errors)")
    let script = try #require(
      Bundle.module.url(forResource: "derive", withExtension: "awk", subdirectory: "Fixtures"))
    let seed = try #require(sizes.last?.split(separator: "=").last)
    let awk = try ProgramRun(
      [
        "-F,", "-v", "CONVFMT=%.9g", "-v", "OFMT=%.9g", "-v", "learned=L2L", "-v", "seed=\(seed)",
        "-f", script.path, folder.file("out/curves.csv"), folder.file("out/times.csv"),
      ], executable: "/usr/bin/awk"
    ).result()
    try #require(awk.code == 0, "\(awk.errors)")
    let derived = awk.lines.map { $0.split(separator: ",").map(String.init) }
    let printed = tables(result.output)
    try #require(derived.count == 7 && printed.count == 16)
    for (index, exact) in derived.enumerated() {
      let (first, second) = (printed[1 + index], printed[9 + index])
      #expect(first[0] == exact[0] && second[0] == exact[0])
      let interval = first[3].split(separator: "..", maxSplits: 1).map(String.init)
      let band = second[1].split(separator: "..", maxSplits: 1).map(String.init)
      var pairs = [(first[2], exact[1], 4), (first[4], exact[4], 3), (first[5], exact[5], 9)]
      pairs += [(interval[0], exact[2], 3), (interval[1], exact[3], 3)]
      pairs += [(band[0], exact[6], 3), (band[1], exact[7], 3), (second[2], exact[8], 3)]
      pairs.append((second[3], exact[9], 3))
      // The best baseline has no rate of wins against itself.
      if second[4] != "-" || exact[9] != "1" { pairs.append((second[4], exact[10], 3)) }
      pairs.append((second[5], exact[11], 3))
      pairs += [(second[6], exact[12], 9), (second[7], exact[13], 3)]
      for (text, exact, digits) in pairs {
        #expect(isRounded(text, from: exact, digits: digits), "\(text) and \(exact): \(first[0])")
      }
    }
    // The summary's last rows are what the table is made of.
    let last = try rows("out/summary.csv").dropFirst().filter { $0[1] == "\(steps(sizes))" }
    #expect(last.map { $0[0] } == derived.map { $0[0] })
    for (row, exact) in zip(last, derived) {
      for (text, exact) in zip(row[2...7], [1, 4, 6, 7, 2, 3].map { exact[$0] }) {
        #expect(isRounded(text, from: exact, digits: 6))
      }
    }
  }

  private func steps(_ arguments: [String]) -> Int {
    arguments.compactMap { Int($0.replacing("--num_steps=", with: "")) }.first ?? 100
  }

  @Test("losses are those of evaluate, with the same seed")
  func sameAsEvaluate() throws {
    try train()
    let sizes = ["--num_epochs=3", "--num_steps=12", "--seed=8"] + Self.small
    let comparison = try run(
      ["compare", "--optimizers=L2L=net,Adam=0.02,other=net/cw.safetensors,NAG", "--output=out"]
        + ["--learning_rate=0.3"] + sizes, in: folder.path)
    #expect(comparison.code == 0, "\(comparison.errors)")
    let curves = try rows("out/curves.csv")
    for (label, arguments) in [
      ("L2L", ["--path=net"]), ("other", ["--path=net"]),
      ("Adam=0.02", ["--optimizer=Adam", "--learning_rate=0.02"]),
      ("NAG", ["--optimizer=NAG", "--learning_rate=0.3"]),
    ] {
      unlink(folder.file("e.csv"))
      let evaluation = try run(
        ["evaluate", "--output=e.csv"] + arguments + sizes, in: folder.path)
      #expect(evaluation.code == 0, "\(evaluation.errors)")
      let mine = curves.filter { $0[0] == label }.map { Array($0.dropFirst()) }
      #expect(try mine == Array(rows("e.csv").dropFirst()), "\(label)")
    }
  }

  @Test("tuned rates are the best of 19 trials each, and no line is over 80 columns")
  func tuning() throws {
    let result = try run(
      ["compare", "--optimizers=adam,SGD,Momentum=0.1", "--tune", "--tuning_epochs=2"]
        + ["--num_epochs=3", "--num_steps=8", "--output=out"] + Self.small, in: folder.path)
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.lines.allSatisfy { $0.count <= 80 })
    let trials = try rows("out/tuning.csv").dropFirst()
    for (index, name) in ["Adam", "SGD"].enumerated() {
      let mine = trials.filter { $0[0] == name }
      #expect(mine.count == 19)
      let best = try #require(
        mine.min { (Double($0[2]) ?? .infinity) < (Double($1[2]) ?? .infinity) })
      #expect(isRounded(tables(result.output)[1 + index][1], from: best[1], digits: 3))
    }
    #expect(trials.count == 38)
    #expect(tables(result.output)[3][0...1] == ["Momentum=0.1", "0.1"])
  }

  @Test("the folder has data, figures and a script that draws them again")
  func files() throws {
    let arguments = ["compare", "--optimizers=Adam=0.1,SGD=0.2", "--num_epochs=2", "--num_steps=5"]
    let result = try run(arguments + ["--output=out"], in: folder.path)
    #expect(result.code == 0, "\(result.errors)")
    let data: Set = [
      "curves.csv", "times.csv", "summary.csv", "tuning.csv", "result.json", "figure.gp",
    ]
    let figures: Set = [
      "loss-by-step.svg", "loss-by-step.png", "loss-by-time.svg", "loss-by-time.png",
    ]
    let hasGnuplot = FileManager.default.isExecutableFile(atPath: "/usr/bin/gnuplot")
    var names = Set(try FileManager.default.contentsOfDirectory(atPath: folder.file("out")))
    #expect(names == (hasGnuplot ? data.union(figures) : data))
    let json = try JSONSerialization.jsonObject(
      with: Data(try contents(folder.file("out/result.json"))))
    let members = try #require(json as? [String: Any])
    #expect(members["best_baseline"] as? String == "SGD=0.2")
    #expect((members["optimizers"] as? [Any])?.count == 2)

    // Nothing is ever overwritten.
    let before = try contents(folder.file("out/curves.csv"))
    try expectFailure(
      arguments + ["--output=out", "--seed=1"], code: 73, saying: ["'out'", "--output"],
      in: folder.path)
    #expect(try contents(folder.file("out/curves.csv")) == before)

    // Without gnuplot, and with one that fails.
    let without = try run(
      arguments + ["--output=none"], in: folder.path, environment: ["PATH": folder.file("nowhere")])
    #expect(without.code == 0)
    #expect(
      without.errors.contains("apt install gnuplot-nox")
        && without.errors.contains("none/figure.gp"))
    names = Set(try FileManager.default.contentsOfDirectory(atPath: folder.file("none")))
    #expect(names == data)
    let fake = folder.file("gnuplot")
    try "#!/bin/sh\ntouch failed/loss-by-step.svg\necho 'no such terminal' >&2\nexit 1\n"
      .write(toFile: fake, atomically: false, encoding: .utf8)
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: fake)
    let failing = try run(
      arguments + ["--output=failed"], in: folder.path,
      environment: ["PATH": "\(folder.path):/usr/bin:/bin"])
    #expect(failing.code == 0)
    #expect(failing.errors.contains("no such terminal"))
    // What it has made before it failed is the user's.
    names = Set(try FileManager.default.contentsOfDirectory(atPath: folder.file("failed")))
    #expect(names == data.union(["loss-by-step.svg"]))

    guard hasGnuplot else { return }
    // From another folder, after the figures are gone.
    for name in figures { try FileManager.default.removeItem(atPath: folder.file("out/\(name)")) }
    let again = try ProgramRun(
      [folder.file("out/figure.gp")], in: "/", executable: "/usr/bin/gnuplot"
    ).result()
    #expect(again.code == 0 && again.errors == "")
    names = Set(try FileManager.default.contentsOfDirectory(atPath: folder.file("out")))
    #expect(names == data.union(figures))
  }

  @Test(
    "a signal ends a comparison with code 76 and leaves no folder", arguments: [SIGINT, SIGTERM])
  func stop(signal: Int32) throws {
    for sizes in [["--tune"], ["--num_steps=1000000", "--num_epochs=5"]] {
      let program = try ProgramRun(
        ["compare", "--problem=quadratic", "--optimizers=Adam,SGD", "--output=out"] + sizes,
        in: folder.path)
      #expect(program.wait { FileManager.default.fileExists(atPath: folder.file("out")) })
      Thread.sleep(forTimeInterval: 0.2)
      program.send(signal)
      let result = program.result()
      #expect(result.code == 76)
      #expect(result.error?.contains("nothing is kept") == true, "\(result.errors)")
      #expect(!FileManager.default.fileExists(atPath: folder.file("out")))
    }
  }

  @Test(
    "wrong optimizers are told in a line",
    arguments: [
      ("Adm", 64, "did you mean 'Adam'"), ("L2L", 64, "L2L=PATH"), ("mine=", 64, "mine=PATH"),
      ("Adam=x", 64, "Adam=0.01"), ("Adam=-1", 64, "Adam=0.01"), ("Adam=inf", 64, "Adam=0.01"),
      ("Adam,SGD,adam", 64, "'Adam' twice"), ("SGD=1,SGD=1.0", 64, "'SGD=1' twice"),
      ("Adam,,SGD", 64, "without a name"), ("=x", 64, "without a name"),
      ("L2L=nowhere", 66, "'nowhere'"), ("a'b=x", 64, "can't be the name"),
      ("\(String(repeating: "n", count: 33))=x", 64, "at most 32"),
      ((1...17).map { "SGD=\($0)" }.joined(separator: ","), 64, "at most 16"),
    ])
  func wrongOptimizers(list: String, code: Int32, words: String) throws {
    try expectFailure(["compare", "--optimizers=\(list)"], code: code, saying: [words])
  }

  @Test(
    "wrong options are told in a line",
    arguments: [
      ([], "needs --optimizers"), (["--optimizers=SGD", "--num_epochs=0"], "--num_epochs"),
      (["--optimizers=SGD", "--num_steps=0"], "--num_steps"),
      (["--optimizers=SGD", "--num_epochs=1000000", "--num_steps=1000000"], "losses"),
      (["--optimizers=SGD", "--tune", "--learning_rate=1"], "--tune"),
      (["--optimizers=SGD", "--tuning_epochs=3"], "--tune"),
      (["--optimizers=SGD", "--tune", "--tuning_epochs=0"], "--tuning_epochs"),
      (["--optimizers=SGD", "--split=dev"], "--split"),
      (["--optimizers=SGD", "--problem=quadratik"], "did you mean 'quadratic'"),
    ])
  func wrongOptions(arguments: [String], words: String) throws {
    try expectFailure(["compare"] + arguments, code: 64, saying: [words])
  }

  @Test("a net that does not fit the problem, and a folder that can't be made, are told")
  func unfit() throws {
    try expectFailure(
      ["compare", "--optimizers=SGD", "--output=no/where"], code: 73, saying: ["no/where"])
    try Data("no net".utf8).write(to: URL(fileURLWithPath: folder.file("bad")))
    try expectFailure(["compare", "--optimizers=L2L=bad"], code: 65, in: folder.path)
  }
}
