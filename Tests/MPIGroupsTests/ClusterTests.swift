import Foundation
import TestSupport
import Testing

/// Hosts that are network namespaces of this machine.
enum Cluster {
  private static let script = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().appending(path: "../../Scripts/cluster-test").standardized.path

  /// A run of several hosts' ranks.
  static func prefix(hosts: Int) -> [String] {
    [script, "--id", "test", "--hosts", "\(hosts)", "--timeout", "60", "--"]
  }

  /// Why there can't be hosts; nil where there can.
  static func obstacle() -> String? {
    guard let check = try? ToolRun(script, ["--id", "test", "--check"]) else {
      return "no \(script)"
    }
    return check.code == 0 ? nil : check.errors
  }

  static let foundObstacle = obstacle()
}

extension BuiltProgram {
  @Suite(
    .serialized, .enabled(if: Cluster.foundObstacle == nil, "\(Cluster.foundObstacle ?? "")"))
  struct ClusterTests {
    @Test(
      "three hosts give the same lines and files as one process",
      arguments: [SmallTraining.quadratic, .mnist])
    func sameBits(_ training: SmallTraining) throws {
      let folder = try TemporaryFolder()
      let hosts = try run(
        ranks: nil, training.train(optimizees: 3, into: folder.file("hosts")),
        prefix: Cluster.prefix(hosts: 3), atMost: 90)
      #expect(hosts.code == 0, "\(hosts.errors)")
      let alone = try run(
        ranks: nil, training.train(optimizees: 3, into: folder.file("alone")))
      #expect(hosts.lines == alone.lines)
      try expectSameFiles(folder.file("hosts"), folder.file("alone"), "three hosts")
    }
  }
}
