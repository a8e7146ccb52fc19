import Foundation
import LearnedOptimizers
import Tensors
import TestSupport
import Testing

/// The library as `Scripts/build-library` makes it, and a C program that uses it.
@Suite("A C program", .enabled(if: Library.exists, "made by Scripts/build-library"))
struct ProgramTests {
  @Test("steps to the bits of OptimizerStepper with the shared library", arguments: Self.nets)
  func shared(net: String) throws { try check(net, [Library.file("libl2l.so"), Library.path]) }

  @Test("steps to the bits of OptimizerStepper with the static library", arguments: Self.nets)
  func isStatic(net: String) throws {
    try check(
      net, [Library.file("libl2l.a"), "-lopenblas", "-lstdc++", "-ldl"])
  }

  @Test(
    "leaves no memory behind and reads none that is not its own, as valgrind sees it",
    .enabled(if: Library.has("valgrind")))
  func valgrind() throws {
    let folder = try TemporaryFolder()
    let program = try build([Library.file("libl2l.so"), Library.path], in: folder)
    let (_, file) = try optimizer("Celo2", in: folder)
    let (status, text) = try run(
      "valgrind",
      [
        "--quiet", "--error-exitcode=9", "--leak-check=full", "--show-leak-kinds=definite",
        "--errors-for-leak-kinds=definite",
      ]
        + [program, file])
    #expect(status == 0, "\(text)")
  }

  private static let nets = ["Celo2", "MLPLOpt", "Celo", "CoordinateWiseDeepLSTM", "RNNprop"]

  private func optimizer(_ net: String, in folder: TemporaryFolder) throws
    -> (TrainedOptimizer, String)
  {
    let rule = try OptimizerEntry.standard.entry(named: net).make(options: [:])
    var stream = RandomStream(seed: 5, purpose: .test)
    let trained = TrainedOptimizer(rule, weights: rule.initialWeights(&stream))
    let file = folder.file("\(net).safetensors")
    try trained.write(to: file)
    return (trained, file)
  }

  private func build(_ library: [String], in folder: TemporaryFolder) throws -> String {
    let source = try #require(
      Bundle.module.url(forResource: "Fixtures/steps", withExtension: "c"))
    let program = folder.file("steps")
    let (status, text) = try run(
      "cc",
      [
        "-std=c11", "-Wall", "-Wextra", "-Werror", "-I\(Library.folder)", "-o", program,
        source.path,
      ]
        + library + ["-lm", "-lpthread"])
    try #require(status == 0, "\(text)")
    return program
  }

  private func check(_ net: String, _ library: [String]) throws {
    let folder = try TemporaryFolder()
    let program = try build(library, in: folder)
    let (trained, file) = try optimizer(net, in: folder)
    let (status, text) = try run(program, [file])
    try #require(status == 0, "\(text)")

    // The same numbers as in steps.c.
    let stepper = try OptimizerStepper(trained, shapes: [[7, 5], [5], []], plannedSteps: 100)
    var parameters = (0..<41).map { Float(($0 * 37) % 64 - 32) / 64 }
    for step in 0..<12 {
      let gradient = (0..<41).map { Float(($0 * 13 + step * 7) % 32 - 16) / 128 }
      try stepper.step(&parameters, gradient: gradient, loss: 2 - Float(step) / 16)
    }
    let expected = parameters.map(\.bitPattern)
    #expect(text.split(separator: "\n").map { UInt32($0, radix: 16) } == expected)
  }
}

/// Runs a program; its exit code, and what it wrote.
private func run(_ program: String, _ arguments: [String]) throws -> (Int32, String) {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = [program] + arguments
  let output = Pipe()
  process.standardOutput = output
  process.standardError = output
  try process.run()
  let bytes = output.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return (process.terminationStatus, String(decoding: bytes, as: UTF8.self))
}

private enum Library {
  static let folder =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path + "/.build/library"
  static var path: String { "-Wl,-rpath,\(folder)" }
  static var exists: Bool { FileManager.default.fileExists(atPath: file("libl2l.a")) }
  static func file(_ name: String) -> String { "\(folder)/\(name)" }
  static func has(_ program: String) -> Bool {
    ["/usr/bin", "/usr/local/bin"].contains {
      FileManager.default.isExecutableFile(atPath: "\($0)/\(program)")
    }
  }
}
