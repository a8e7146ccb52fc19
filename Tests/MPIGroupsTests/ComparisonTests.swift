import Foundation
import TestSupport
import Testing

extension BuiltProgram {
  @Suite(.serialized) struct ComparisonTests {
    // With =true: Open MPI's mpirun takes a --tune anywhere in the line for its own.
    private func arguments(into folder: String, epochs: Int = 5) -> [String] {
      [
        "compare", "--problem=quadratic", "--problem_option", "batch_size=4", "--problem_option",
        "num_dims=4", "--optimizers=Adam,SGD,Momentum=3", "--tune=true", "--tuning_epochs=3",
        "--num_steps=20", "--num_epochs=\(epochs)", "--output=\(folder)",
      ]
    }

    @Test("a comparison gives the same figures on any number of ranks")
    func sameFigures() throws {
      let folder = try TemporaryFolder()
      var reference: [String: Data] = [:]
      for ranks in [nil, 1, 2, 3, 6] {
        let name = folder.file("ranks-\(ranks ?? 0)")
        let result = try run(ranks: ranks, arguments(into: name))
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.causes.isEmpty)
        let found = try files(in: name).filter {
          ["curves.csv", "summary.csv", "tuning.csv"].contains($0.key)
        }
        #expect(found.count == 3)
        if reference.isEmpty { reference = found }
        #expect(found == reference, "\(ranks ?? 0) ranks")
      }
    }

    @Test("a suite gives the same numbers on any number of ranks, stopped and resumed too")
    func sameSuite() throws {
      let folder = try TemporaryFolder()
      let suite =
        #"{"tasks": [{"problem": "rosenbrock", "steps": 2000}, "#
        + #"{"problem": "conditioned-quadratic", "steps": 1000}], "seeds": 2}"#
      let file = try folder.write(Array(suite.utf8), named: "suite.json")
      func arguments(_ name: String) -> [String] {
        ["compare", "--suite=\(file)", "--optimizers=Adam,SGD,Lion", "--output=\(name)"]
      }
      var reference: [String: Data] = [:]
      for ranks in [nil, 1, 2, 3, 5] {
        let name = folder.file("ranks-\(ranks ?? 0)")
        if ranks == 3 {
          let started = try Run(ranks: 2, arguments(name))
          try waitForFolder(name)
          started.signal(SIGUSR1)
          let code = started.result().code
          #expect(code == 75 || code == 0)
          started.expectNoProcesses()
        }
        let more = ranks == 3 ? ["--resume=true"] : []
        let result = try run(ranks: ranks, arguments(name) + more)
        #expect(result.code == 0, "\(result.errors)")
        #expect(result.causes.isEmpty)
        let found = try files(in: name).filter {
          ["curves.csv", "trials.csv", "runs.csv", "summary.csv", "profiles.csv"].contains($0.key)
        }
        #expect(found.count == 5)
        if reference.isEmpty { reference = found }
        #expect(found == reference, "\(ranks ?? 0) ranks")
      }
    }

    @Test("SIGUSR1 to mpirun stops all ranks and leaves no folder")
    func stop() throws {
      let folder = try TemporaryFolder()
      let name = folder.file("out")
      let started = try Run(ranks: 2, arguments(into: name, epochs: 100_000))
      try waitForFolder(name)
      started.signal(SIGUSR1)
      let result = started.result()
      // Nothing is kept of a comparison.
      #expect(result.code == 76)
      #expect(result.causes.count == 1, "\(result.errors)")
      #expect(!FileManager.default.fileExists(atPath: name))
      started.expectNoProcesses()
    }

    @Test("a rank that is killed ends the comparison", arguments: [0, 1])
    func killed(rank: Int) throws {
      let folder = try TemporaryFolder()
      let name = folder.file("out")
      let started = try Run(ranks: 2, arguments(into: name, epochs: 100_000))
      try waitForFolder(name)
      try started.signal(SIGKILL, rank: rank)
      #expect(started.result().code != 0)
      started.expectNoProcesses()
    }

    private func waitForFolder(_ path: String) throws {
      let end = ContinuousClock.now + .seconds(60)
      while !FileManager.default.fileExists(atPath: path) {
        try #require(ContinuousClock.now < end)
        usleep(20_000)
      }
      usleep(300_000)
    }
  }
}
