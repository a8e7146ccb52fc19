import Foundation
import TestSupport
import Testing

/// `Scripts/fetch-data` with a folder of this machine in place of the network.
@Suite("Scripts/fetch-data")
struct FetchDataTests {
  static let names = [
    "train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1",
  ]
  .map { "\($0)-ubyte.gz" }
  static let batches = (1...5).map { "data_batch_\($0).bin" } + ["test_batch.bin"]
  static let archive = "cifar-10-binary.tar.gz"
  static let matrices = ["train_32x32.mat", "test_32x32.mat"]

  /// The names of the files of a set that lie in its folder as they are fetched.
  private static func names(of set: String) -> [String] { set == "svhn" ? matrices : names }

  let mirror: TemporaryFolder
  let folder: TemporaryFolder

  init() throws {
    mirror = try TemporaryFolder()
    folder = try TemporaryFolder()
  }

  @Test("a body without an end stops soon after the size that is known")
  func endless() throws {
    try fill("mnist")
    // The right size is 5,000 bytes; the mirror gives 50 MB.
    try shell("truncate -s 50M \(Self.names[0])")
    let result = try fetch("mnist")
    #expect(result.code == 65 && result.errors.contains("SHA-256"))
    let left = try shell(
      #"[ $(du -sk "$1" | cut -f 1) -lt 1000 ]"#, [folder.path])
    #expect(left.code == 0)
  }

  @Test("a stage that somebody else has laid out, or may write to, is refused")
  func foreignStage() throws {
    try fill("mnist")
    let target = try folder.write([1, 2, 3], named: "precious")
    // A link in place of the folder.
    #expect(symlink("/tmp", folder.file(".fetch")) == 0)
    #expect(try fetch("mnist").code == 73)
    #expect(unlink(folder.file(".fetch")) == 0)
    // A folder that others may write to, with links in it.
    #expect(mkdir(folder.file(".fetch"), 0o700) == 0 && chmod(folder.file(".fetch"), 0o777) == 0)
    #expect(mkdir(folder.file(".fetch/mnist"), 0o777) == 0)
    for name in ["lock", "\(Self.names[0]).part"] {
      #expect(symlink(target, folder.file(".fetch/mnist/\(name)")) == 0)
    }
    #expect(try fetch("mnist").code == 73)
    #expect(try contents(target) == [1, 2, 3])
    if geteuid() == 0 {
      #expect(chmod(folder.file(".fetch"), 0o755) == 0)
      #expect(chown(folder.file(".fetch"), 65534, 65534) == 0)
      #expect(try fetch("mnist").code == 73)
    }
  }

  private struct Result {
    let code: Int32
    let errors: String
  }

  /// Runs a command of the shell to its end.
  @discardableResult
  private func shell(
    _ command: String, _ arguments: [String] = [], environment: [String: String] = [:]
  ) throws -> Result {
    let variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("L2L_") }
    let shell = try ToolRun(
      "/bin/bash", ["-c", command, "bash"] + arguments,
      environment: variables.merging(environment) { $1 }, folder: mirror.path)
    return Result(code: shell.code, errors: shell.errors)
  }

  /// Fetches a set from the mirror, verified by its table.
  private func fetch(_ set: String, to folder: String? = nil) throws -> Result {
    let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
      .appendingPathComponent("Scripts/fetch-data").path
    return try shell(
      #""$@""#, [script, set, "--data_dir", folder ?? self.folder.path],
      environment: [
        "L2L_FETCH_URL": "file://\(mirror.path)", "L2L_FETCH_SUMS": mirror.file("sums"),
      ])
  }

  /// Fills the mirror with files of the set and the table of what they should be.
  private func fill(_ set: String) throws {
    if set == "cifar10" {
      for (number, name) in Self.batches.enumerated() {
        let record = (0..<3073).map { UInt8(truncatingIfNeeded: $0 % 7 &* number) }
        _ = try mirror.write([UInt8(number)] + record.dropFirst(), named: name)
      }
      try shell(
        """
        set -e; mkdir cifar-10-batches-bin; cp *.bin cifar-10-batches-bin
        tar -czf \(Self.archive) cifar-10-batches-bin; rm -r cifar-10-batches-bin
        """)
    } else {
      for (number, name) in Self.names(of: set).enumerated() {
        _ = try mirror.write(
          (0..<5000).map { UInt8(truncatingIfNeeded: $0 &* (number + 3)) }, named: name)
      }
    }
    let listed = try shell(
      #"for f in *.gz *.bin *.mat; do [ ! -e $f ] || echo $f $(wc -c <$f) $(sha256sum <$f | cut -c 1-64); done >sums"#
    )
    try #require(listed.code == 0)
  }

  private func bytes(_ path: String) throws -> [UInt8] { try contents(path) }

  @Test("a set comes whole to where the program looks, and nothing else stays")
  func sets() throws {
    for set in ["mnist", "fashion-mnist", "svhn"] {
      try fill(set)
      let result = try fetch(set)
      #expect(result.code == 0, "\(result.errors)")
      for name in Self.names(of: set) {
        #expect(try bytes(folder.file("\(set)/\(name)")) == bytes(mirror.file(name)))
      }
    }
    #expect(try folder.names().sorted() == ["fashion-mnist", "mnist", "svhn"])
  }

  @Test("an archive is unpacked, and the program reads it")
  func cifar10() throws {
    try fill("cifar10")
    let result = try fetch("cifar10")
    #expect(result.code == 0, "\(result.errors)")
    #expect(try folder.names() == ["cifar-10-batches-bin"])
    for name in Self.batches {
      #expect(try bytes(folder.file("cifar-10-batches-bin/\(name)")) == bytes(mirror.file(name)))
    }
    let evaluation = try run([
      "evaluate", "--problem=cifar", "--optimizer=SGD", "--data_dir=\(folder.path)",
      "--problem_option=conv_channels=1", "--problem_option=batch_size=2", "--num_epochs=1",
      "--num_steps=1",
    ])
    #expect(evaluation.code == 0, "\(evaluation.errors)")
    let again = try fetch("cifar10")
    #expect(again.code == 0 && again.errors.contains("already"))
  }

  @Test("a download goes on where it was interrupted")
  func resumed() throws {
    try fill("mnist")
    let name = Self.names[0]
    let whole = try bytes(mirror.file(name))
    // As if the connection broke: the first 3,000 bytes come, then no more.
    _ = try mirror.write(Array(whole.prefix(3000)), named: name)
    let broken = try fetch("mnist")
    #expect(broken.code == 66, "\(broken.errors)")
    #expect(try bytes(folder.file(".fetch/mnist/\(name).part")) == Array(whole.prefix(3000)))
    // The same beginning is not asked for again: it is another one by now.
    _ = try mirror.write([UInt8](repeating: 9, count: 3000) + whole.dropFirst(3000), named: name)
    let result = try fetch("mnist")
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.errors.contains("going on after 3000 of 5000 bytes"))
    #expect(try bytes(folder.file("mnist/\(name)")) == whole)
    #expect(try folder.names() == ["mnist"])
  }

  @Test("a wrong beginning is thrown away and fetched anew")
  func wrongBeginning() throws {
    try fill("mnist")
    try shell("mkdir -p \"$1\"", [folder.file(".fetch/mnist")])
    _ = try folder.write(
      [UInt8](repeating: 1, count: 400), named: ".fetch/mnist/\(Self.names[0]).part")
    let result = try fetch("mnist")
    #expect(result.code == 0, "\(result.errors)")
    #expect(try bytes(folder.file("mnist/\(Self.names[0])")) == bytes(mirror.file(Self.names[0])))
  }

  @Test("a file with another checksum is no success, and no part of the set appears")
  func wrongChecksum() throws {
    for (set, name) in [("mnist", Self.names[2]), ("cifar10", Self.archive)] {
      try fill(set)
      var changed = try bytes(mirror.file(name))
      changed[40] ^= 1
      _ = try mirror.write(changed, named: name)
      let result = try fetch(set)
      #expect(result.code == 65)
      #expect(result.errors.contains("error: file://\(mirror.path)/\(name) has the SHA-256"))
      #expect(!FileManager.default.fileExists(atPath: folder.file("mnist")))
      #expect(!FileManager.default.fileExists(atPath: folder.file("cifar-10-batches-bin")))
    }
  }

  @Test("without a network it says which file to put where, and takes it from there")
  func offline() throws {
    try fill("cifar10")
    let whole = try bytes(mirror.file(Self.archive))
    try FileManager.default.removeItem(atPath: mirror.file(Self.archive))
    let place = folder.file(Self.archive)
    let missing = try fetch("cifar10")
    #expect(missing.code == 66)
    #expect(missing.errors.contains("put file://\(mirror.path)/\(Self.archive) at '\(place)'"))
    #expect(try folder.names() == [])
    _ = try folder.write(whole, named: Self.archive)
    let result = try fetch("cifar10")
    #expect(result.code == 0, "\(result.errors)")
    #expect(try folder.names().sorted() == ["cifar-10-batches-bin", Self.archive])
  }

  @Test("what exists is kept: good files are not fetched again, others are an error")
  func existing() throws {
    try fill("mnist")
    try shell("mkdir \"$1\"; cp \"$2\" \"$1\"", [folder.file("mnist"), Self.names[0]])
    try FileManager.default.removeItem(atPath: mirror.file(Self.names[0]))
    #expect(try fetch("mnist").code == 0)
    _ = try folder.write([1, 2, 3], named: "mnist/\(Self.names[1])")
    let result = try fetch("mnist")
    #expect(result.code == 65)
    #expect(result.errors.contains("'\(folder.file("mnist/" + Self.names[1]))' is there, but"))
    #expect(try bytes(folder.file("mnist/\(Self.names[1])")) == [1, 2, 3])
  }

  @Test("wrong usage is exit code 64, a folder that can't be made 73")
  func errors() throws {
    try fill("mnist")
    for set in ["", "cifar", "--data-dir"] {
      let result = try fetch(set)
      #expect(result.code == 64 && result.errors.contains("mnist|fashion-mnist|cifar10"))
    }
    let file = try folder.write([1], named: "file")
    let result = try fetch("mnist", to: "\(file)/data")
    #expect(result.code == 73 && result.errors.contains("cannot make files in"))
  }
}
