import Foundation
import Safetensors
import TestSupport
import Testing

/// What grows, is too large, or is shown while it goes on.
@Suite("Limits")
struct LimitsTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  @Test(
    "memory that ends in the middle of a training is one line",
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/prlimit"), "no prlimit"),
    arguments: [
      ["--problem=quadratic", "--optimizees=1000000"], ["--problem=mnist", "--optimizees=100000"],
    ])
  func memory(arguments: [String]) throws {
    let result = try ProgramRun(
      ["--as=\(1000 << 20)", ProgramRun.executable, "train", "--num_epochs=1"] + arguments,
      environment: ["OPENBLAS_NUM_THREADS": "1"], executable: "/usr/bin/prlimit"
    ).result()
    #expect(result.code == 70, "\(result)")
    #expect(result.error?.contains("there is no memory for") == true, "\(result)")
  }

  @Test(
    "a problem whose optimizees are too large for any tensor is refused",
    arguments: [["evaluate"], ["train", "--num_epochs=1"]])
  func size(command: [String]) throws {
    try expectFailure(
      command + ["--problem=mnist", "--problem_option=layers=10000,10000", "--data_dir=synthetic"],
      code: 64, saying: ["--problem_option", "numbers"])
  }

  @Test("numbers in a state that are not finite are refused with the name of the tensor")
  func notFinite() throws {
    let saved = try run(["train", "--num_epochs=1", "--save_path=t"], in: folder.path)
    #expect(saved.code == 0)
    let path = folder.file("t/latest.training-state.safetensors")
    for name in ["weights/cw/linear/w", "adam/cw/m", "adam/cw/v"] {
      var file = try SafetensorsFile(contentsOf: path)
      let old = try #require(file[name])
      let count = old.shape.reduce(1, *)
      let bad = SafetensorsFile(metadata: file.metadata)
      var changed = bad
      for other in file.names {
        guard let array = file[other] else { continue }
        changed.append(
          other == name
            ? SafetensorsArray(floats: [Float](repeating: .nan, count: count), shape: old.shape)
            : array, named: other)
      }
      file = changed
      try FileManager.default.createDirectory(
        atPath: folder.file("u"), withIntermediateDirectories: true)
      try file.write(to: folder.file("u/latest.training-state.safetensors"))
      for command in [
        ["train", "--resume", "--save_path=u"],
        ["unroll", "--path=u/latest.training-state.safetensors"],
      ] {
        try expectFailure(command, code: 65, saying: [name, "finite"], in: folder.path)
      }
      try FileManager.default.removeItem(atPath: folder.file("u"))
    }
  }

  @Test("an unroll that would take for ever is given up when the program is asked to stop")
  func longUnroll() throws {
    let program = try ProgramRun(
      [
        "train", "--problem=quadratic", "--num_steps=10000000", "--unroll_length=10000000",
        "--estimator=full-es", "--optimizees=2", "--save_path=t",
      ], in: folder.path)
    let state = folder.file("t/latest.training-state.safetensors")
    #expect(program.wait { FileManager.default.fileExists(atPath: state) })
    program.send(SIGTERM)
    let result = program.result()
    #expect(result.code == 75 && result.error?.contains("state saved") == true, "\(result)")
  }

  @Test("the curve in a saved optimizer is thinned, and keeps the best and the last evaluation")
  func curve() throws {
    let result = try run(
      [
        "train", "--num_epochs=2300", "--evaluation_period=1", "--evaluation_epochs=1",
        "--num_steps=2", "--unroll_length=1", "--save_path=t",
      ], in: folder.path)
    #expect(result.code == 0)
    let file = try SafetensorsFile(contentsOf: folder.file("t/cw.safetensors"))
    let text = try #require(file.metadata["curve"])
    let points = try JSONDecoder().decode([[Double]].self, from: Data(text.utf8))
    let (epoch, best) = (file.metadata["epoch"], file.metadata["evaluation"])
    #expect(points.count <= 2000 && points.map { $0[0] } == points.map { $0[0] }.sorted())
    #expect(points.last.map { "\(Int($0[0]))" } == epoch)
    #expect(points.contains { "\(Int($0[0]))" == epoch && "\($0[1])" == best })
  }

  // MARK: - Progress

  /// What a terminal of so many columns gets.
  private func shown(terminal: String, columns: Int) throws -> String {
    let command =
      "stty cols \(columns); \"$0\" train --num_epochs=100000000 --log_period=100000000"
      + " --evaluation_period=100000000 --max_time=0.02"
    _ = try ProgramRun(
      [
        "-qec", "/bin/sh -c '\(command)' \(ProgramRun.executable)", "typescript",
      ], in: folder.path, environment: ["TERM": terminal],
      executable: "/usr/bin/script"
    ).result()
    return String(decoding: try contents(folder.file("typescript")), as: UTF8.self)
  }

  private static let hasScript =
    FileManager.default.isExecutableFile(atPath: "/usr/bin/script")

  @Test(
    "the progress bar stays in one line of any terminal", .enabled(if: hasScript, "no script"),
    arguments: [20, 40, 72, 80, 200])
  func narrow(columns: Int) throws {
    let text = try shown(terminal: "xterm", columns: columns)
    let lines = text.components(separatedBy: "\r\u{1B}[K").dropFirst()
    #expect(lines.count > 2)
    for line in lines.dropLast() { #expect(line.unicodeScalars.count < columns, "'\(line)'") }
  }

  @Test("a terminal without escape codes gets none", .enabled(if: hasScript, "no script"))
  func dumb() throws {
    #expect(try !shown(terminal: "dumb", columns: 80).contains("\u{1B}"))
  }
}
