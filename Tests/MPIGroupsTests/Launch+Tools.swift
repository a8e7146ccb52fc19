import Foundation
import TestSupport
import Testing

/// What the tests of the built program need, and where it is.
enum Tools {
  /// The built program, beside the test bundle.
  static let program: String? = {
    let bundle = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let path = bundle.map { ($0 as NSString).deletingLastPathComponent + "/l2l" }
    return path.flatMap { FileManager.default.isExecutableFile(atPath: $0) ? $0 : nil }
  }()

  /// Open MPI's mpirun.
  static let mpirun: String? = search(["mpirun.openmpi", "mpirun"]).flatMap { path in
    let version = try? output(of: path, ["--version"])
    return version?.contains("Open") == true ? path : nil
  }

  /// MPICH's mpirun.
  static let mpirunOfMPICH = search(["mpirun.mpich"])

  /// Why the program can't be tested under mpirun; nil where it can.
  static var obstacle: String? {
    if program == nil { return "there is no l2l beside the test bundle" }
    if mpirun == nil { return "there is no Open MPI mpirun (apt-get install openmpi-bin)" }
    if environment["L2L_MPI", default: "openmpi"] != "openmpi" { return "built for another MPI" }
    if environment["OMPI_COMM_WORLD_SIZE"] != nil { return "this is a rank itself" }
    return nil
  }

  static let environment = ProcessInfo.processInfo.environment

  private static func search(_ names: [String]) -> String? {
    let folders = environment["PATH", default: "/usr/bin:/bin"].split(separator: ":")
    for name in names {
      for folder in folders where FileManager.default.isExecutableFile(atPath: "\(folder)/\(name)")
      {
        return "\(folder)/\(name)"
      }
    }
    return nil
  }

  private static func output(of path: String, _ arguments: [String]) throws -> String {
    try ToolRun(path, arguments).text
  }
}

/// All suites that start the program: one after the other, so that times mean something.
@Suite(
  .serialized,
  .enabled(if: Tools.obstacle == nil, "\(Tools.obstacle ?? "")"))
struct BuiltProgram {}

/// The contents of all files of a folder, by name.
///
/// Of the table of metrics what is no time: its first nine columns.
func files(in folder: String) throws -> [String: Data] {
  var result: [String: Data] = [:]
  for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
    result[name] = try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(name)"))
    guard name == "metrics.csv", let table = result[name] else { continue }
    let rows = String(decoding: table, as: UTF8.self).split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).prefix(9).joined(separator: ",")
    }
    result[name] = Data(rows.joined(separator: "\n").utf8)
  }
  return result
}

/// Expects that two folders hold the same files, byte for byte.
func expectSameFiles(
  _ folder: String, _ reference: String, _ comment: Comment,
  sourceLocation: SourceLocation = #_sourceLocation
) throws {
  let (found, expected) = (try files(in: folder), try files(in: reference))
  #expect(found.keys.sorted() == expected.keys.sorted(), comment, sourceLocation: sourceLocation)
  for (name, bytes) in expected {
    // Not `==` inside: a failure would print both files.
    let isSame = found[name] == bytes
    #expect(isSame, "\(name), \(comment)", sourceLocation: sourceLocation)
  }
}
