import Foundation
import TestSupport
import Testing

extension BuiltProgram {
  @Suite(.serialized) struct FaultTests {
    /// Starts a training, lets it write checkpoints, and lets something happen to it.
    private func disturb(
      ranks: Int = 3, _ settings: [String] = ["--collective_timeout=2"],
      by event: (Run) throws -> Void
    ) throws -> Run.Result {
      let folder = try TemporaryFolder()
      let started = try Run(
        ranks: ranks, SmallTraining.endless(into: folder.file("run")) + settings)
      try started.waitForOutput("Epoch 20")
      try event(started)
      let start = ContinuousClock.now
      let result = started.result(atMost: 40)
      let seconds = (ContinuousClock.now - start) / .seconds(1)
      #expect(seconds < 20, "it took \(seconds) s to end")
      #expect(result.code != 0)
      started.expectNoProcesses()
      try expectReadable(folder.file("run"))
      return result
    }

    @Test("a rank that is killed ends the job", arguments: [0, 1])
    func kill(rank: Int) throws {
      let result = try disturb { try $0.signal(SIGKILL, rank: rank) }
      // mpirun says it with rank and host.
      #expect(result.errors.contains("exited on signal 9"))
      #expect(result.causes.isEmpty, "\(result.errors)")
    }

    @Test("a rank that hangs ends the job and is named once", arguments: [0, 2])
    func hang(rank: Int) throws {
      let result = try disturb { try $0.signal(SIGSTOP, rank: rank) }
      #expect(result.code == 76)
      #expect(result.causes.count == 1, "\(result.errors)")
      let cause = try #require(result.causes.first)
      #expect(cause.contains("rank \(rank) on \(ProcessInfo.processInfo.hostName)"))
      #expect(cause.contains("does not answer"))
    }

    @Test("ranks end when mpirun is killed", arguments: [1, 3])
    func launcherKilled(ranks: Int) throws {
      let result = try disturb(ranks: ranks) { $0.signal(SIGKILL) }
      #expect(result.code == 128 + SIGKILL)
    }

    @Test("a rank that hangs while MPI starts ends the job")
    func hangAtStart() throws {
      let folder = try TemporaryFolder()
      let start = try Run(
        ranks: 3,
        SmallTraining.endless(into: folder.file("run")) + ["--collective_timeout=2"],
        wrapper: #"if [ $rank = 1 ]; then exec sleep 1000; else exec "$@"; fi"#)
      let result = start.result(atMost: 40)
      #expect(result.code == 76)
      #expect(result.causes.count == 1, "\(result.errors)")
      #expect(result.causes.first?.contains("MPI_Init") == true)
      start.expectNoProcesses()
    }

    @Test("a rank that throws ends the job, with its number, host and cause said once")
    func throwing() throws {
      let folder = try TemporaryFolder()
      let result = try run(
        ranks: 3, SmallTraining.mnist.train(optimizees: 3, into: folder.file("run")),
        wrapper: #"if [ $rank = 2 ]; then export L2L_DATA_DIR=/nowhere; fi; exec "$@""#)
      #expect(result.code == 66)
      #expect(result.causes.count == 1, "\(result.errors)")
      let cause = try #require(result.causes.first)
      #expect(cause.contains("rank 2 on \(ProcessInfo.processInfo.hostName)"))
      #expect(cause.contains("/nowhere"))
    }

    @Test("a rank with another data set is named once")
    func otherData() throws {
      let folder = try TemporaryFolder()
      let data = folder.file("data")
      try FileManager.default.createDirectory(atPath: data, withIntermediateDirectories: true)
      try IDX.writeMNIST(into: data)
      let result = try run(
        ranks: 3, SmallTraining.mnist.train(optimizees: 3, into: folder.file("run")),
        wrapper: #"if [ $rank = 1 ]; then export L2L_DATA_DIR=\#(data); fi; exec "$@""#)
      #expect(result.code == 70)
      #expect(result.causes.count == 1, "\(result.errors)")
      #expect(
        result.causes.first?.contains("rank 1 differs from rank 0 in its data set") == true)
    }

    @Test("a checkpoint that can't be written is reported and training goes on")
    func fullDisk() throws {
      let folder = try TemporaryFolder()
      let path = folder.file("run")
      let state = "\(path)/latest.training-state.safetensors"
      let started = try Run(ranks: 2, SmallTraining.endless(into: path))
      try started.waitForOutput("Epoch 20")
      // A folder in the file's place: it can't be renamed to. Works as root too.
      try FileManager.default.moveItem(atPath: state, toPath: folder.file("last"))
      try FileManager.default.createDirectory(
        atPath: "\(state)/in-the-way", withIntermediateDirectories: true)
      try started.waitForOutput("EVALUATION", then: 1)
      try FileManager.default.removeItem(atPath: state)
      started.signal(SIGUSR1)
      let result = started.result()
      #expect(result.code == 75, "\(result.errors)")
      #expect(result.errors.contains("warning: cannot write '\(state)'"), "\(result.errors)")
      #expect(result.errors.contains("training goes on"))
      try expectReadable(path)
    }

    @Test("a last state that can't be written is an error")
    func neverWritten() throws {
      let folder = try TemporaryFolder()
      let path = folder.file("run")
      let started = try Run(ranks: 2, SmallTraining.endless(into: path))
      try started.waitForOutput("Epoch 20")
      // Renamed, at once: emptying the folder file by file meets those that the run is writing.
      try FileManager.default.moveItem(atPath: path, toPath: folder.file("away"))
      started.signal(SIGUSR1)
      let result = started.result()
      #expect(result.code == 73, "\(result.errors)")
      #expect(result.causes.count == 1, "\(result.errors)")
      started.expectNoProcesses()
    }
  }
}

/// Small files in MNIST's format, other than the program's own data.
enum IDX {
  static func writeMNIST(into folder: String) throws {
    for (name, count) in [("train", 300), ("t10k", 200)] {
      var images: [UInt8] = [0, 0, 8, 3] + size(count) + size(28) + size(28)
      images += (0..<count * 784).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
      let labels: [UInt8] = [0, 0, 8, 1] + size(count) + (0..<count).map { UInt8($0 % 10) }
      try Data(images).write(to: URL(fileURLWithPath: "\(folder)/\(name)-images-idx3-ubyte"))
      try Data(labels).write(to: URL(fileURLWithPath: "\(folder)/\(name)-labels-idx1-ubyte"))
    }
  }

  private static func size(_ count: Int) -> [UInt8] {
    [0, 0, UInt8(count >> 8), UInt8(count & 255)]
  }
}
