import Datasets
import Foundation
import Tensors
import TestSupport
import Testing

@Suite("CharacterText")
struct CharacterTextTests {
  private let letters = (0..<2000).map { UInt8(ascii: "a") + UInt8($0 * $0 % 23) }

  @Test("the embedded text is Shakespeare's, with nine tenths to train and the rest to test")
  func embedded() throws {
    let train = try CharacterText.embedded(split: .train)
    let test = try CharacterText.embedded(split: .test)
    #expect(train.characters.count == 112_653 && test.characters.count == 12_526)
    #expect(train.vocabulary == test.vocabulary)
    let text = String(
      decoding: train.characters.prefix(60).map { train.vocabulary[Int($0)] }, as: UTF8.self)
    #expect(text.contains("AS YOU LIKE IT"))
    #expect(train.contentHash() != test.contentHash())
  }

  @Test("characters are numbered by their bytes, over both splits")
  func vocabulary() throws {
    let train = try CharacterText(letters + [200], source: "test", split: .train)
    #expect(train.vocabulary == Set(letters).sorted() + [200])
    #expect(train.characters.map { train.vocabulary[Int($0)] } == Array(letters.prefix(1800)))
    let test = try CharacterText(letters + [200], source: "test", split: .test)
    #expect(test.vocabulary == train.vocabulary)
    #expect(
      test.characters.map { test.vocabulary[Int($0)] } == Array(letters.dropFirst(1800)) + [200])
  }

  @Test("passages are drawn from everywhere, the places of all side by side")
  func passages() throws {
    let text = try CharacterText(letters, source: "test", split: .train)
    var stream = RandomStream(seed: 1, purpose: .test)
    var starts: Set<Int> = []
    for _ in 0..<200 {
      let rows = text.draw(count: 3, length: 1790, &stream)
      #expect(rows.count == 1791 && rows.allSatisfy { $0.count == 3 })
      for passage in 0..<3 {
        let bytes = rows.map { UInt8($0[passage]) }
        let start = try #require((0..<10).first { Array(text.characters[$0..<$0 + 1791]) == bytes })
        starts.insert(start)
      }
    }
    // 600 draws of ten places: one is missed with a chance of 10 (9/10)^600.
    #expect(starts == Set(0..<10))
  }

  @Test("a text that is too short or of one letter is refused, and files are read")
  func errors() throws {
    #expect(throws: DatasetError.self) {
      try CharacterText(letters.prefix(999), source: "test", split: .train)
    }
    #expect(throws: DatasetError.self) {
      try CharacterText(Array(repeating: UInt8(65), count: 5000), source: "test", split: .train)
    }
    let folder = try TemporaryFolder()
    let path = try folder.write(letters, named: "text")
    let read = try CharacterText.load(path, split: .train)
    #expect(
      read.contentHash()
        == (try CharacterText(letters, source: "", split: .train).contentHash()))
    #expect(throws: DatasetError.self) {
      try CharacterText.load(folder.file("nothing"), split: .train)
    }
  }
}
