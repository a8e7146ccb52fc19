import Foundation
import TestSupport
import Testing

/// What a training without a folder says, and nothing else.
private let unsaved = "l2l: warning: without --save_path nothing is saved\n"

@Suite("Data given to the program")
struct DataTests {
  static let embeddedNotice = "5,000 MNIST images inside the program"
  static let training = [
    "train", "--problem=mnist", "--problem_option=batch_size=2", "--num_epochs=1",
    "--num_steps=2", "--unroll_length=2", "--log_period=1",
  ]

  /// The bytes of an IDX file of unsigned bytes.
  static func idx(_ dimensions: [Int], _ elements: [UInt8]? = nil, magic: UInt32? = nil) -> [UInt8]
  {
    let magic = magic ?? 0x0800 + UInt32(dimensions.count)
    let header = ([magic] + dimensions.map { UInt32($0) }).flatMap { number in
      [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: number >> $0) }
    }
    func pixels() -> [UInt8] {
      (0..<dimensions.reduce(1, *)).map { UInt8(truncatingIfNeeded: $0 &* 37) }
    }
    return header + (elements ?? pixels())
  }

  /// Three images of 2 x 5 pixels, gzipped on request.
  static func folder(
    images: [UInt8] = idx([3, 2, 5]), labels: [UInt8] = idx([3], [7, 0, 9]), gzipped: Bool = false
  ) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for (name, bytes) in [("images-idx3", images), ("labels-idx1", labels)] {
      for split in ["train", "t10k"] {
        let path = try folder.write(bytes, named: "\(split)-\(name)-ubyte")
        guard gzipped else { continue }
        let gzip = try Process.run(URL(fileURLWithPath: "/bin/gzip"), arguments: [path])
        gzip.waitUntilExit()
        try #require(gzip.terminationStatus == 0)
      }
    }
    return folder
  }

  @Test("without data the embedded images are used, which standard error says once")
  func embedded() throws {
    for command in [
      Self.training, ["evaluate", "--problem=mnist", "--num_epochs=1", "--num_steps=1"],
    ] {
      let result = try run(command)
      #expect(result.code == 0)
      #expect(result.errors.components(separatedBy: Self.embeddedNotice).count == 2)
      #expect(!result.output.contains("MNIST"))
    }
  }

  @Test("synthetic images are announced whenever they are used, once")
  func synthetic() throws {
    for command in [
      Self.training, ["evaluate", "--problem=mnist", "--num_epochs=1", "--num_steps=1"],
      ["unroll", "--problem=mnist", "--unroll_length=1"],
    ] {
      let result = try run(command + ["--data_dir", "synthetic"])
      #expect(result.code == 0, "\(result.errors)")
      #expect(result.errors.components(separatedBy: "using synthetic images").count == 2)
      #expect(!result.errors.contains(Self.embeddedNotice))
    }
  }

  @Test("a moved program has its images with it")
  func movedProgram() throws {
    let folder = try TemporaryFolder()
    try FileManager.default.copyItem(atPath: ProgramRun.executable, toPath: folder.file("moved"))
    let result = try ProgramRun(
      ["evaluate", "--problem=mnist", "--num_epochs=1", "--num_steps=2", "--optimizer=SGD"],
      in: "/", executable: folder.file("moved")
    ).result()
    #expect(result.code == 0)
    #expect(result.lines.first == "Epoch 1")
    #expect(result.errors.contains(Self.embeddedNotice))
  }

  @Test(
    "--data_dir, L2L_DATA_DIR and ./data are looked at, in this order", arguments: [false, true])
  func places(gzipped: Bool) throws {
    let good = try Self.folder(gzipped: gzipped)
    let bad = try TemporaryFolder()
    let named = try run(
      Self.training + ["--data_dir=\(good.path)"], environment: ["L2L_DATA_DIR": bad.path])
    #expect(named.code == 0 && named.errors == unsaved)
    let environment = try run(Self.training, environment: ["L2L_DATA_DIR": good.path])
    #expect(environment.code == 0 && environment.errors == unsaved)
    #expect(environment.untimedLines == named.untimedLines)
    try expectFailure(
      Self.training, code: 66, saying: ["L2L_DATA_DIR"],
      environment: ["L2L_DATA_DIR": bad.path])

    let current = try TemporaryFolder()
    #expect(symlink(good.path, current.file("data")) == 0)
    let standard = try run(Self.training, in: current.path)
    #expect(standard.code == 0 && standard.errors == unsaved)
    #expect(standard.untimedLines == named.untimedLines)
  }

  @Test(
    "Debian's Fashion-MNIST works as it is",
    .enabled(
      if: FileManager.default.fileExists(atPath: "/usr/share/datasets/fashion-mnist"),
      "dataset-fashion-mnist is not installed"))
  func fashion() throws {
    let result = try run([
      "evaluate", "--problem=mnist", "--optimizer=Adam", "--learning_rate=0.03",
      "--data_dir=/usr/share/datasets/fashion-mnist", "--num_epochs=1", "--num_steps=60",
    ])
    #expect(result.code == 0)
    #expect(!result.errors.contains(Self.embeddedNotice))
    // Clothes are learned: chance is log10(ln 10) = 0.36.
    let line = try #require(result.lines.first { $0.hasPrefix("Log Mean Final Error: ") })
    #expect(try #require(Double(line.split(separator: " ")[4])) < 0.1)
  }

  @Test("missing data is exit code 66, and nothing is made", arguments: ["nowhere", "", "empty"])
  func missing(name: String) throws {
    let folder = try TemporaryFolder()
    if name == "empty" { #expect(mkdir(folder.file(name), 0o777) == 0) }
    let before = try folder.names()
    try expectFailure(
      Self.training + ["--save_path=new", "--data_dir", name], code: 66, saying: ["data_dir"],
      in: folder.path)
    #expect(try folder.names() == before)
  }

  /// What is wrong with an image file and a label file, and what the error says.
  struct Malformed: Sendable, CustomTestStringConvertible {
    let testDescription: String
    var images = idx([3, 2, 5])
    var labels = idx([3], [7, 0, 9])
    let words: [String]
  }

  static let malformed = [
    Malformed(
      testDescription: "wrong magic", images: idx([3, 2, 5], magic: 0x0D03),
      words: ["images", "0x00000d03"]),
    Malformed(
      testDescription: "truncated", images: idx([3, 2, 5]).dropLast(4), words: ["images", "cut"]),
    Malformed(
      testDescription: "truncated header", images: Array(idx([3, 2, 5]).prefix(7)),
      words: ["images"]),
    Malformed(testDescription: "empty file", images: [], words: ["images"]),
    Malformed(
      testDescription: "too long", images: idx([3, 2, 5]) + [0], words: ["images", "too long"]),
    Malformed(testDescription: "no images", images: idx([0, 2, 5], []), words: ["empty"]),
    Malformed(
      testDescription: "huge dimensions", images: idx([1 << 31, 1 << 31, 1 << 31], [1]),
      words: ["images"]),
    Malformed(
      testDescription: "count mismatch", labels: idx([2], [1, 2]),
      words: ["3 images", "2 labels"]),
    Malformed(
      testDescription: "label out of range", labels: idx([3], [1, 10, 2]),
      words: ["label 10", "index 1"]),
    Malformed(testDescription: "files mixed up", labels: idx([3, 2, 5]), words: ["labels"]),
  ]

  @Test("malformed images and labels are exit code 65", arguments: malformed, [false, true])
  func malformedFiles(malformed: Malformed, gzipped: Bool) throws {
    let data = try Self.folder(
      images: malformed.images, labels: malformed.labels, gzipped: gzipped)
    let folder = try TemporaryFolder()
    try expectFailure(
      Self.training + ["--save_path=new", "--data_dir=\(data.path)"], code: 65,
      saying: malformed.words, in: folder.path)
    #expect(try folder.names() == [])
    try expectFailure(
      ["evaluate", "--problem=mnist", "--optimizer=SGD", "--data_dir=\(data.path)"], code: 65,
      saying: malformed.words)
  }

  @Test("damaged gzip files are exit code 65")
  func damagedGzip() throws {
    let data = try Self.folder(gzipped: true)
    let path = data.file("train-images-idx3-ubyte.gz")
    let whole = try contents(path)
    // Cut short, and with another checksum.
    let check = whole.count - 6
    let changed = Array(whole[..<check]) + [~whole[check]] + Array(whole[(check + 1)...])
    for bytes in [Array(whole.dropLast(6)), changed] {
      _ = try data.write(bytes, named: "train-images-idx3-ubyte.gz")
      try expectFailure(
        Self.training + ["--data_dir=\(data.path)"], code: 65,
        saying: ["train-images-idx3-ubyte.gz"])
    }
  }

  @Test("a table that is not there, and what a table has no use for, are errors with the remedy")
  func tables() throws {
    let folder = try TemporaryFolder()
    try Array("\u{FEFF}1,2,0\n3,4,1\n".utf8).withUnsafeBytes {
      _ = try folder.write(Array($0), named: "t.csv")
    }
    func arguments(_ options: String...) -> [String] {
      ["evaluate", "--problem=logistic-regression", "--optimizer=SGD", "--num_epochs=1"]
        + options.map { "--problem_option=\($0)" }
    }
    #expect(try run(arguments("table=t.csv"), in: folder.path).code == 0)
    for option in ["rows=5", "num_dims=2"] {
      try expectFailure(
        arguments("table=t.csv", option), code: 64, saying: ["the table has its own"],
        in: folder.path)
    }
    try expectFailure(arguments("table="), code: 64, saying: ["table", "path of a file"])
    try expectFailure(
      ["evaluate", "--problem=char-gru", "--optimizer=SGD", "--problem_option=text="], code: 64,
      saying: ["text", "path of a file"])
    try expectFailure(
      arguments("table=nothing"), code: 66, saying: ["nothing", "give a file"], in: folder.path)
    try expectFailure(
      arguments("table=."), code: 65, saying: ["not a regular file", "give a file"],
      in: folder.path)
  }
}
