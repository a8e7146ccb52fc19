import Foundation
import TestSupport
import Testing

extension BuiltProgram {
  @Suite(.serialized) struct StopAndResumeTests {
    /// An epoch of many unrolls, so that a stop falls into one.
    private func train(into folder: String) -> [String] {
      [
        "train", "--problem=quadratic", "--save_path=\(folder)", "--optimizees=3",
        "--problem_option", "batch_size=8", "--problem_option", "num_dims=5",
        "--num_epochs=4", "--num_steps=4000", "--unroll_length=4", "--log_period=1",
        "--evaluation_period=2", "--evaluation_epochs=2",
      ]
    }

    private func isInsideEpoch(_ folder: String) throws -> Bool {
      let state = try #require(files(in: folder)["latest.training-state.safetensors"])
      return state.range(of: Data("instance/2/parameters".utf8)) != nil
    }

    @Test("SIGUSR1 to mpirun saves inside an epoch; other numbers of ranks go on bit for bit")
    func userSignal() throws {
      let folder = try TemporaryFolder()
      let reference = try run(ranks: nil, train(into: folder.file("reference")))
      #expect(reference.code == 0, "\(reference.errors)")

      let stopped = folder.file("stopped")
      var lines: [Substring] = []
      for (ranks, last) in [(2, "Epoch 1"), (4, "Epoch 3")] {
        let arguments =
          lines.isEmpty ? train(into: stopped) : ["train", "--resume", "--save_path=\(stopped)"]
        let started = try Run(ranks: ranks, arguments)
        try started.waitForOutput(last, then: 0.1)
        started.signal(SIGUSR1)
        let result = started.result()
        #expect(result.code == 75)
        #expect(result.causes.count == 1, "\(result.errors)")
        #expect(result.causes.first?.contains("go on with: l2l train --resume") == true)
        #expect(try isInsideEpoch(stopped))
        started.expectNoProcesses()
        lines += result.lines
      }
      let end = try run(ranks: 3, ["train", "--resume", "--save_path=\(stopped)"])
      #expect(end.code == 0, "\(end.errors)")
      #expect(lines + end.lines == reference.lines)
      try expectSameFiles(stopped, folder.file("reference"), "stopped on 2 and 4 ranks")
    }

    @Test("SIGTERM to a process alone saves and exits with code 75")
    func alone() throws {
      let folder = try TemporaryFolder()
      let started = try Run(ranks: nil, SmallTraining.endless(into: folder.file("run")))
      try started.waitForOutput("Epoch 10")
      started.signal(SIGTERM)
      #expect(started.result().code == 75)
    }

    @Test("SIGTERM to mpirun leaves a state that can be read")
    func termination() throws {
      let folder = try TemporaryFolder()
      let started = try Run(ranks: 2, SmallTraining.endless(into: folder.file("run")))
      try started.waitForOutput("Epoch 20")
      started.signal(SIGTERM)
      let result = started.result(atMost: 20)
      #expect(result.code != 0)
      started.expectNoProcesses()
      try expectReadable(folder.file("run"))
    }

    @Test("--max_time saves and exits with code 75; without --save_path 76 says what is lost")
    func maximumTime() throws {
      let folder = try TemporaryFolder()
      let result = try run(
        ranks: 2, SmallTraining.endless(into: folder.file("run")) + ["--max_time=0.02"])
      #expect(result.code == 75)
      #expect(result.causes.count == 1, "\(result.errors)")
      #expect(result.seconds < 30)
      try expectReadable(folder.file("run"))
      let unsaved = try run(ranks: 2, ["train", "--num_epochs=1000000", "--max_time=0.01"])
      #expect(unsaved.code == 76)
      #expect(unsaved.causes.first?.contains("nothing is saved without --save_path") == true)
    }

    @Test("--checkpoint_period saves between evaluations")
    func checkpointPeriod() throws {
      let folder = try TemporaryFolder()
      let state = folder.file("run/latest.training-state.safetensors")
      let started = try Run(
        ranks: 2,
        SmallTraining.endless(into: folder.file("run"))
          .filter { !$0.hasPrefix("--evaluation_period") } + ["--evaluation_period=900000"])
      try started.waitForOutput("Epoch 10")
      let early = try Data(contentsOf: URL(fileURLWithPath: state))
      try started.waitForOutput("Epoch 60")
      let late = try Data(contentsOf: URL(fileURLWithPath: state))
      #expect(early != late)
      started.signal(SIGUSR1)
      _ = started.result()
    }
  }
}

/// Expects that a training can be resumed, by resuming it for a moment.
func expectReadable(
  _ folder: String, sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let result = try run(
    ranks: nil, ["train", "--resume", "--save_path=\(folder)", "--max_time=0.0001"])
  #expect(result.code == 75, "\(result.errors)", sourceLocation: sourceLocation)
}
