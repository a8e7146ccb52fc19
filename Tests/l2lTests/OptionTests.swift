import Foundation
import TestSupport
import Testing

@Suite("Options of the program")
struct OptionTests {
  @Test(
    "what is wrong is said with what to give",
    arguments: [
      (["train", "--epochs=3"], ["no option '--epochs'", "'--num_epochs'", "l2l help train"]),
      (["tran", "--problem=simple"], ["no command 'tran'", "did you mean 'train'"]),
      (["help", "tran"], ["no command 'tran'", "did you mean 'train'"]),
      (["--problem=simple"], ["before the command", "l2l train --problem=simple"]),
      (["train", "--num_epochs=abc"], ["a whole number from 0 to", "'abc'"]),
      (["train", "--learning_rate", "-1"], ["of at least 0", "'-1'"]),
      (["train", "--num_epochs", "--seed=1"], ["--num_epochs needs a value"]),
      (["train", "--seed=1", "--seed", "2"], ["--seed is given twice", "'1' and '2'"]),
      (["train", "--resume", "--resume=false"], ["--resume is given twice"]),
      (["train", "--net_option=k=1", "--net_option=k=2"], ["'k' is given twice"]),
      (["evaluate", "--split", "valid"], ["train or test", "'valid'"]),
      (["train", "--meta_loss=mean"], ["sum, log, final or minimum", "'mean'"]),
      (["train", "--num_steps=5..2"], ["--num_steps", "100..2000"]),
      (["train", "--estimator=pess"], ["no estimator 'pess'", "did you mean 'pes'"]),
      (["list", "--options=trian"], ["did you mean 'train'"]),
      (["compare", "--optimizers=Adam", "--tuning_epochs=3"], ["--tune"]),
      (
        ["train", "--net_option", "preprocess=LogAndSign", "--net_option", "k=0"],
        ["option k", "above 0"]
      ),
    ])
  func remedies(arguments: [String], words: [String]) throws {
    try expectFailure(arguments, code: 64, saying: words)
  }

  @Test("values may start with a dash or a combining mark, after a space or =")
  func values() throws {
    let folder = try TemporaryFolder()
    for (index, words) in [
      ["--save_path", "-a"], ["--save_path=-b"], ["--save_path=\u{301}c"],
      ["--save-path", "\u{301}d"],
    ].enumerated() {
      let result = try run(["train", "--num_epochs=0"] + words, in: folder.path)
      #expect(result.code == 0, "\(result.errors)")
      #expect(try folder.names().count == index + 1)
    }
  }

  @Test("options of one of several problems are named with their problem, hyphens and all")
  func problemsOptions() throws {
    let folder = try TemporaryFolder()
    let result = try run(
      [
        "train", "--num_epochs=0", "--save_path=a", "--problem=conv-net", "--problem=small-images",
        "--problem_option=conv-net.batch-size=4", "--problem-option", "small-images.scale=3",
        "--data_dir=synthetic",
      ], in: folder.path)
    #expect(result.code == 0, "\(result.errors)")
    try expectFailure(
      [
        "train", "--problem=conv-net", "--problem=simple", "--problem_option=conv-net.batchsize=4",
      ], code: 64, saying: ["'conv-net.batchsize'", "did you mean 'conv-net.batch_size'"])
  }

  @Test("the parser's own options work", arguments: ["bash", "zsh", "fish"])
  func completions(shell: String) throws {
    let result = try run(["--generate-completion-script", shell])
    #expect(result.code == 0)
    #expect(result.output.contains("adjoint_smoothing"))
    #expect(try run(["--generate-completion-script=\(shell)"]).output == result.output)
    #expect(try run(["train", "--help-hidden"]).output.contains("--adjoint_smoothing"))
  }

  @Test("help wraps evenly and says how a command is used", arguments: ["train", "evaluate"])
  func help(command: String) throws {
    let lines = try run([command, "--help"]).lines
    let usage = try #require(lines.first { $0.hasPrefix("USAGE: ") })
    #expect(usage.count < 90)
    #expect(lines.allSatisfy { $0.count <= 80 })
  }

  @Test("lists of optimizers add up, and --optimizer takes any path")
  func optimizerLists() throws {
    let folder = try TemporaryFolder()
    let path = "a,b=c"
    #expect(try run(["train", "--num_epochs=0", "--save_path=\(path)"], in: folder.path).code == 0)
    let result = try run(
      [
        "compare", "--optimizers=Adam", "--optimizers=SGD,NAG", "--optimizer=net=\(path)",
        "--num_epochs=2", "--num_steps=2",
      ], in: folder.path)
    #expect(result.code == 0, "\(result.errors)")
    for name in ["Adam", "SGD", "NAG", "net"] {
      #expect(result.lines.contains { $0.hasPrefix("\(name) ") }, "\(name)")
    }
  }

  @Test("the article on training has the options as the program prints them")
  func article() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let article = try String(
      contentsOf: root.appendingPathComponent(
        "Sources/LearningToLearn/LearningToLearn.docc/Training.md"), encoding: .utf8)
    let table = try run(["list", "--options=train"]).output
    let isCurrent = article.contains(
      "<!-- l2l list --options=train -->\n\(table)<!-- end -->\n")
    #expect(isCurrent, "run Scripts/update-readme")
    #expect(table.contains("| `--adjoint_limit X` | none | "))
  }

  @Test("the version is the first of .github/CHANGELOG.md")
  func version() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let changes = try String(
      contentsOf: root.appendingPathComponent(".github/CHANGELOG.md"), encoding: .utf8)
    let heading = try #require(changes.split(separator: "\n").first { $0.hasPrefix("## ") })
    #expect(try run(["--version"]).output == "\(heading.dropFirst(3))\n")
  }
}

@Suite("The problem of a saved optimizer")
struct OriginTests {
  private let folder: TemporaryFolder

  init() throws {
    folder = try TemporaryFolder()
    let result = try run(
      [
        "train", "--problem=quadratic", "--problem_option=batch_size=2", "--save_path=a",
        "--num_epochs=0",
      ], in: folder.path)
    try #require(result.code == 0)
  }

  private static let small = ["--num_epochs=2", "--num_steps=3"]

  @Test("evaluate and compare take problem and options from the optimizer")
  func taken() throws {
    let plain = try run(["evaluate", "--path=a"] + Self.small, in: folder.path)
    #expect(plain.code == 0, "\(plain.errors)")
    let written = try run(
      ["evaluate", "--path=a", "--problem=quadratic", "--problem_option=batch_size=2"] + Self.small,
      in: folder.path)
    #expect(plain.lines.dropLast() == written.lines.dropLast())
    #expect(!plain.errors.contains("was trained on"))
    let compared = try run(["compare", "--optimizers=L2L=a,SGD"] + Self.small, in: folder.path)
    #expect(compared.lines.first?.hasPrefix("quadratic: ") == true)
  }

  @Test("it is said when an optimizer was trained on something else")
  func others() throws {
    for (arguments, words) in [
      (["--problem=quadratic"], "quadratic with batch_size=2, not with its defaults"),
      (["--problem=simple", "--net_option=layers=20,20"], "on quadratic, not on simple"),
      (["--problem_option=batch_size=3"], "not with batch_size=3"),
    ] {
      let result = try run(["evaluate", "--path=a"] + arguments + Self.small, in: folder.path)
      #expect(result.errors.contains(words), "\(result.errors)")
    }
    let rate = try run(
      ["evaluate", "--path=a", "--learning_rate=1"] + Self.small, in: folder.path)
    #expect(rate.errors.contains("--learning_rate has no effect on a learned optimizer"))
  }

  @Test("a folder without nets, and a training's state, are refused with the remedy")
  func wrongPaths() throws {
    try FileManager.default.createDirectory(
      atPath: folder.file("empty"), withIntermediateDirectories: false)
    try expectFailure(
      ["evaluate", "--path=empty"], code: 66, saying: ["no saved optimizer", "--save_path"],
      in: folder.path)
    try expectFailure(
      ["evaluate", "--problem=quadratic", "--path=a/latest.training-state.safetensors"], code: 65,
      saying: ["the state of a training", "folder"], in: folder.path)
  }

  @Test("a training without weights or without a folder says so")
  func nothingToTrain() throws {
    let result = try run(["train", "--num_epochs=0", "--net_option=net=Adam"], in: folder.path)
    #expect(result.errors.contains("nothing to train"))
    #expect(result.errors.contains("without --save_path nothing is saved"))
  }

  @Test("a training that can't be given another rate names --start_from")
  func startFrom() throws {
    try expectFailure(
      ["train", "--resume", "--save_path=a", "--learning_rate=0.5"], code: 64,
      saying: ["learning_rate", "0.001", "0.5", "--start_from=a"], in: folder.path)
  }
}
