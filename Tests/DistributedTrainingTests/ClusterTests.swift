import Foundation
import Testing

/// Runs over several hosts: network namespaces of this machine that Scripts/cluster-test makes.
extension BuiltProgram {
  @Suite(.serialized) struct ClusterTests {
    private static let script = URL(fileURLWithPath: #filePath)
      .deletingLastPathComponent().appending(path: "../../Scripts/cluster-test").standardized.path

    private func train(_ training: SmallTraining, into folder: String) throws -> Run.Result {
      try run(
        ranks: nil, training.train(optimizees: 3, into: folder), atMost: 90,
        prefix: [Self.script, "--id", "test", "--hosts", "3", "--timeout", "60", "--"])
    }

    @Test("three hosts give the same files as one process")
    func sameBits() throws {
      let folder = try TemporaryFolder()
      for training in [SmallTraining.quadratic, .mnist] {
        let name = folder.file("\(training.problem)-hosts")
        let result = try train(training, into: name)
        if result.code == 77 {
          try Test.cancel("\(result.errors)")
        }
        #expect(result.code == 0, "\(result.errors)")
        let alone = try run(
          ranks: nil, training.train(optimizees: 3, into: folder.file(training.problem)))
        #expect(result.lines == alone.lines)
        try expectSameFiles(name, folder.file(training.problem), "\(training.problem)")
      }
    }
  }
}
