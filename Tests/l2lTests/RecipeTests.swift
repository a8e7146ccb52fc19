import Foundation
import TestSupport
import Testing

@Suite("Recipes")
struct RecipeTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let small = [
    "--num_epochs=2", "--evaluation_period=1", "--evaluation_epochs=1", "--num_steps=4",
    "--unroll_length=2",
  ]
  private static let perceptron = [
    "--problem_option=layers=2", "--problem_option=batch_size=4", "--data_dir=synthetic",
  ]

  private func state(_ path: String) throws -> String {
    let bytes = try contents(folder.file("\(path)/latest.training-state.safetensors"))
    return String(decoding: bytes.prefix(6000), as: UTF8.self)
  }

  @Test(
    "every recipe can be trained by",
    arguments: [
      ("quadratic", ["--problem_option=batch_size=2"]),
      ("quadratic-gaussian", ["--problem_option=batch_size=2"]),
      ("quadratic-large", ["--problem_option=batch_size=2"]), ("mnist", perceptron),
      ("mnist-program", perceptron),
      ("cifar", ["--data_dir=synthetic", "--problem_option=batch_size=2"]),
      ("cifar-multi", ["--data_dir=synthetic", "--problem_option=batch_size=2"]),
    ])
  func trains(name: String, arguments: [String]) throws {
    #expect(try run(["list"]).output.contains("\n  \(name): "))
    let result = try run(
      ["train", "--recipe=\(name)", "--save_path=a", "--num_epochs=0"] + arguments,
      in: folder.path)
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.errors.contains("recipe \(name), train: l2l train --problem="))
  }

  @Test("settings that are given replace the recipe's, of NAME=VALUE each name by itself")
  func replaced() throws {
    let result = try run(
      ["train", "--recipe=mnist", "--save_path=a", "--net_option=k=7"] + Self.small
        + Self.perceptron, in: folder.path)
    #expect(result.code == 0, "\(result.errors)")
    let text = try state("a")
    for part in [
      #"\"images\":\"1000\""#, #"\"layers\":\"2\""#, #"\"k\":\"7\""#, #"\"scale\":\"0.1\""#,
      #"\"num_epochs\":2"#, #"\"clip_norm\":1"#, #"\"meta_loss\":\"log\""#,
    ] {
      #expect(text.contains(part), "\(part)")
    }
  }

  @Test("phases follow each other, the best start is refined, and a stop loses nothing")
  func phases() throws {
    let arguments = ["train", "--recipe=fashion-mnist"] + Self.small + Self.perceptron
    let whole = try run(arguments + ["--save_path=whole", "--seed=3"], in: folder.path)
    #expect(whole.code == 0, "\(whole.errors)")
    let names = try folder.names()
    for seed in [3, 103, 203] {
      #expect(names.contains("whole-mnist-\(seed)") && names.contains("whole-search-\(seed)"))
    }
    let losses = whole.errors.matches(of: /'(whole-search-\d+)' ends at (\S+) in validation/)
      .map { (String($0.1), Double(String($0.2)) ?? .infinity) }
    #expect(losses.count == 3)
    let best = try #require(losses.min { $0.1 < $1.1 }?.0)
    #expect(try state("whole").contains(#"\"start_from\":\"\#(best)\""#))

    // What is there is gone on with, what is missing is trained.
    let before = try contents(folder.file("whole/cw.safetensors"))
    try FileManager.default.removeItem(atPath: folder.file("whole"))
    try FileManager.default.removeItem(atPath: folder.file("whole-search-103"))
    let rest = try run(
      arguments + ["--save_path=whole", "--seed=3", "--resume"], in: folder.path)
    #expect(rest.code == 0, "\(rest.errors)")
    #expect(try contents(folder.file("whole/cw.safetensors")) == before)
    // The folder by another name.
    let again = try run(
      arguments + ["--save_path=\(folder.file("whole"))", "--seed=3", "--resume"])
    #expect(again.code == 0, "\(again.errors)")
    #expect(try contents(folder.file("whole/cw.safetensors")) == before)
    try expectFailure(
      arguments + ["--save_path=whole", "--seed=3"], code: 73, saying: ["exists", "--resume"],
      in: folder.path)
  }

  @Test("an unknown recipe is wrong usage, and phases need a folder")
  func wrong() throws {
    try expectFailure(
      ["train", "--recipe=mnst"], code: 64, saying: ["no recipe 'mnst'", "did you mean 'mnist'"])
    try expectFailure(["train", "--recipe=fashion-mnist"], code: 64, saying: ["--save_path"])
    // Of the second phase, which counts meta-steps, told before the first one begins.
    let folder = try TemporaryFolder()
    try expectFailure(
      ["train", "--recipe=small-fc", "--num_epochs=1", "--save_path=a"], code: 64,
      saying: ["nres counts meta-steps", "--num_meta_steps"], in: folder.path)
    #expect(try folder.names() == [])
    try expectFailure(
      ["train", "--recipe=mnist", "--clip_norm=-1"], code: 64, saying: ["--clip_norm", "above 0"])
  }
}
