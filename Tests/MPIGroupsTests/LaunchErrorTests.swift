import Foundation
import TestSupport
import Testing

extension BuiltProgram {
  @Suite(.serialized) struct LaunchErrorTests {
    @Test(
      "wrong usage under mpirun is said once",
      arguments: [
        ["train", "--nonsense"], ["train", "--problem=nope"], ["train", "--checkpoint_period=0"],
        ["train", "--resume=maybe"], ["evaluate", "--num_steps=0"],
      ])
    func usage(arguments: [String]) throws {
      let result = try run(ranks: 3, arguments)
      #expect(result.code == 64)
      #expect(result.causes.count == 1, "\(result.errors)")
    }

    @Test("help and lists under mpirun are printed once")
    func help() throws {
      for arguments in [["--version"], ["list"], ["unroll"]] {
        let alone = try run(ranks: nil, arguments)
        let result = try run(ranks: 3, arguments)
        #expect(result.code == 0)
        #expect(result.output == alone.output)
      }
    }

    @Test("a save path that exists is refused once and left alone")
    func existingFolder() throws {
      let folder = try TemporaryFolder()
      // An empty one may be what a start has left that was killed at once.
      _ = try folder.write([1], named: "notes")
      let result = try run(
        ranks: 3, SmallTraining.quadratic.train(optimizees: 3, into: folder.path))
      #expect(result.code == 73)
      #expect(result.causes.count == 1, "\(result.errors)")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["notes"])
    }

    @Test("a missing or damaged saved optimizer is said once")
    func badOptimizer() throws {
      let folder = try TemporaryFolder()
      try Data("nothing".utf8).write(to: URL(fileURLWithPath: folder.file("cw.safetensors")))
      for (path, code) in [(folder.path, 65), ("/nowhere", 66)] as [(String, Int32)] {
        let result = try run(
          ranks: 3, ["evaluate", "--problem=quadratic", "--path=\(path)", "--num_epochs=3"])
        #expect(result.code == code)
        #expect(result.causes.count == 1, "\(result.errors)")
      }
    }

    @Test("a damaged training state is said once")
    func badState() throws {
      let folder = try TemporaryFolder()
      try Data("nothing".utf8).write(
        to: URL(fileURLWithPath: folder.file("latest.training-state.safetensors")))
      let result = try run(ranks: 3, ["train", "--resume", "--save_path=\(folder.path)"])
      #expect(result.code == 65)
      #expect(result.causes.count == 1, "\(result.errors)")
    }

    @Test("a second training in one folder is refused while the first one runs")
    func secondTraining() throws {
      let folder = try TemporaryFolder()
      let path = folder.file("run")
      let first = try Run(ranks: 2, SmallTraining.endless(into: path))
      try first.waitForOutput("Epoch 10")
      let second = try run(ranks: 2, ["train", "--resume", "--save_path=\(path)"])
      #expect(second.code == 73)
      #expect(second.causes.count == 1, "\(second.errors)")
      first.signal(SIGUSR1)
      #expect(first.result().code == 75)
      try expectReadable(path)
    }

    @Test("several tasks of srun without MPI are an error, said by the first one")
    func srunWithoutMPI() throws {
      let folder = try TemporaryFolder()
      for rank in 0..<2 {
        let result = try run(
          ranks: nil, SmallTraining.quadratic.train(optimizees: 2, into: folder.file("run")),
          environment: ["SLURM_STEP_NUM_TASKS": "2", "SLURM_PROCID": "\(rank)"])
        #expect(result.code == 70)
        #expect(result.causes.count == (rank == 0 ? 1 : 0), "\(result.errors)")
      }
      #expect(!FileManager.default.fileExists(atPath: folder.file("run")))
    }

    @Test("the launcher's variables without a launcher are an error")
    func staleEnvironment() throws {
      let folder = try TemporaryFolder()
      let result = try run(
        ranks: nil, SmallTraining.quadratic.train(optimizees: 2, into: folder.file("run")),
        environment: ["OMPI_COMM_WORLD_SIZE": "2", "OMPI_COMM_WORLD_RANK": "0"])
      #expect(result.code != 0)
      #expect(!FileManager.default.fileExists(atPath: folder.file("run")))
    }

    @Test(
      "another MPI's mpirun is an error that each rank, which sees itself alone, says",
      .enabled(if: Tools.mpirunOfMPICH != nil, "there is no mpirun.mpich"))
    func foreignLauncher() throws {
      let folder = try TemporaryFolder()
      let launcher = try #require(Tools.mpirunOfMPICH)
      let result = try run(
        ranks: 2, SmallTraining.quadratic.train(optimizees: 2, into: folder.file("run")),
        launcher: [launcher])
      #expect(result.code != 0)
      // Nobody knows whether there is a rank 0 to say it: the variables may be left from elsewhere.
      #expect((1...2).contains(result.causes.count), "\(result.errors)")
      #expect(result.causes.allSatisfy { $0.contains("built for another MPI") })
      #expect(!FileManager.default.fileExists(atPath: folder.file("run")))
    }
  }
}
