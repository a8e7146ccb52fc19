import Foundation
import Safetensors
import TestSupport
import Testing

@Suite("Trainings that start from a saved optimizer")
struct StartFromTests {
  private let folder: TemporaryFolder
  private let small = ["train", "--problem=quadratic", "--problem_option=batch_size=4"]

  /// A folder with a trained optimizer in `first`.
  init() throws {
    folder = try TemporaryFolder()
    let result = try run(
      small + [
        "--num_epochs=2", "--evaluation_period=2", "--evaluation_epochs=1", "--save_path=first",
      ], in: folder.path)
    try #require(result.code == 0, "\(result.errors)")
  }

  private func weights(_ name: String) throws -> [[Float]] {
    let net = try SafetensorsFile(contentsOf: folder.file("\(name)/cw.safetensors"))
    return try net.names.sorted().compactMap { try net[$0]?.floats() }
  }

  @Test(
    "the weights are the saved ones, of a folder and of a file",
    arguments: ["", "/cw.safetensors"])
  func start(file: String) throws {
    let result = try run(
      small + ["--start_from=first\(file)", "--num_epochs=0", "--save_path=second"],
      in: folder.path)
    #expect(result.code == 0, "\(result.errors)")
    #expect(try weights("second") == weights("first"))
    let net = try SafetensorsFile(contentsOf: folder.file("second/cw.safetensors"))
    #expect(net.metadata["training_options"]?.contains("\"start_from\":\"first") == true)
  }

  @Test("training goes on from there, and can be resumed when the first folder is gone")
  func resume() throws {
    let first = try run(
      small + [
        "--start_from=first", "--num_epochs=1", "--save_path=second", "--evaluation_period=1",
        "--evaluation_epochs=1",
      ], in: folder.path)
    #expect(first.code == 0, "\(first.errors)")
    #expect(try weights("second") != weights("first"))
    try FileManager.default.removeItem(atPath: folder.file("first"))
    let result = try run(
      ["train", "--resume", "--num_epochs=2", "--save_path=second"], in: folder.path)
    #expect(result.code == 0, "\(result.errors)")
  }

  @Test(
    "a net with other options, or none at all, is an error that says so and leaves no folder",
    arguments: [
      (["--start_from=first", "--net_option=scale=0.5"], 65 as Int32, "scale 1"),
      (["--start_from=first", "--net_option=layers=20"], 65, "layers [20,20]"),
      (["--start_from=elsewhere"], 66, "elsewhere"),
    ])
  func mismatch(arguments: [String], code: Int32, part: String) throws {
    let result = try run(
      small + arguments + ["--num_epochs=1", "--save_path=second"], in: folder.path)
    #expect(result.code == code)
    #expect(result.error?.contains(part) == true, "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: folder.file("second")))
  }

  @Test(
    "limits that make no sense are wrong usage",
    arguments: ["--average_steps=0.5", "--average_steps=nan", "--clip_norm=0", "--clip_norm=-1"])
  func limits(argument: String) throws {
    let result = try run(small + [argument, "--num_epochs=1"])
    #expect(result.code == 64)
    #expect(result.error?.contains(String(argument.dropFirst(2).prefix(9))) == true)
  }
}
