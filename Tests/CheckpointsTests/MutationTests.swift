import Checkpoints
import Foundation
import LearnedOptimizers
import Safetensors
import Tensors
import Testing

@Suite("Damaged checkpoints")
struct MutationTests {
  /// How many files are mutated; $L2L_MUTATIONS makes it more.
  private static let count =
    ProcessInfo.processInfo.environment["L2L_MUTATIONS"].flatMap { Int($0) } ?? 20_000

  @Test("mutated files are read or are errors, and nothing else happens")
  func mutated() throws {
    let folder = try #require(Bundle.module.url(forResource: "Fixtures", withExtension: nil))
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { !$0.hasSuffix(".py") }.sorted()
    #expect(names.count > 10)
    let seeds = try names.map {
      Array(try Data(contentsOf: folder.appending(component: $0)))
    }
    var random = RandomStream(seed: 9, purpose: .test)
    func number(_ limit: Int) -> Int { random.nextInteger(below: limit) }
    var errors = 0
    for _ in 0..<Self.count {
      var bytes = seeds[number(seeds.count)]
      for _ in 0...number(4) where !bytes.isEmpty {
        let place = number(bytes.count)
        switch number(6) {
        case 0: bytes.removeSubrange(place...)
        case 1: bytes.insert(UInt8(number(256)), at: place)
        case 2: bytes.remove(at: place)
        case 3: bytes[place] ^= 1 << UInt8(number(8))
        case 4:
          let other = seeds[number(seeds.count)]
          let start = number(other.count)
          bytes.insert(contentsOf: other[start..<min(start + 40, other.count)], at: place)
        default: bytes[place] = [0, 0xFF, 0x7F, 0x80, 0x28, 0x2E, 0x52, 0x75][number(8)]
        }
      }
      do { _ = try CheckpointReader().read(bytes) } catch is CheckpointError {
        errors += 1
      } catch is SafetensorsError { errors += 1 }
    }
    #expect(errors > Self.count / 2)
  }
}
