internal import Datasets
package import Settings

/// Which text a model of characters reads, in passages of which length.
package struct TextChoice: Configurable {
  /// A file; nil for the text inside the program.
  package var path: String?
  /// Characters of a passage.
  package var length = 32
  /// Passages in a minibatch.
  package var batchSize = 16

  /// Passages of 32 characters of the text inside the program.
  package init() {}

  /// What can be chosen.
  package static let settings: [Setting<TextChoice>] = [
    Setting(
      "text", \.path, placeholder: "FILE", default: "As You Like It, inside the program",
      "a text to learn from"),
    Setting("length", \.length, in: .from(1, to: 500), "characters of a passage"),
    Setting("batch_size", \.batchSize, in: .from(1, to: 100_000), "passages in a minibatch"),
  ]

  /// The text.
  ///
  /// - Throws: `DatasetError`; `SettingError` when passages are longer than the part of it.
  func load(_ split: DatasetSplit) throws -> CharacterText {
    guard path != "" else { throw refuse("text", expected: "the path of a file") }
    let text = try path.map { try CharacterText.load($0, split: split) } ?? .embedded(split: split)
    guard length < text.characters.count else {
      throw refuse("length", expected: "less than the text's \(text.characters.count) characters")
    }
    return text
  }
}

/// The options of the problems `char-lstm` and `char-gru`.
package struct CharacterModelOptions: Configurable {
  /// Numbers that stand for a character.
  package var embeddingSize = 16
  /// Units of the recurrent layer.
  package var hidden = 32
  /// The text.
  package var text = TextChoice()

  /// 32 units.
  package init() {}

  /// What can be chosen.
  package static let settings: [Setting<CharacterModelOptions>] =
    [
      Setting(
        "embedding", \.embeddingSize, in: .from(1, to: 1024), "numbers that stand for a character"),
      Setting("hidden", \.hidden, in: .from(1, to: 2048), "units of the recurrent layer"),
    ] + TextChoice.settings.map { $0.within(\.text) }
}

/// The options of the problem `char-transformer`.
package struct TransformerOptions: Configurable {
  /// Numbers that stand for a character at a place.
  package var size = 32
  /// Heads of attention.
  package var heads = 2
  /// Blocks.
  package var blocks = 1
  /// The text.
  package var text: TextChoice = {
    var choice = TextChoice()
    choice.batchSize = 8
    return choice
  }()

  /// One block of size 32 with two heads.
  package init() {}

  /// What can be chosen.
  package static let settings: [Setting<TransformerOptions>] =
    [
      Setting("width", \.size, in: .from(1, to: 2048), "numbers that stand for a character"),
      Setting("heads", \.heads, in: .from(1, to: 64), "heads of attention"),
      Setting("blocks", \.blocks, in: .from(1, to: 48), "blocks of attention and perceptron"),
    ] + TextChoice.settings.map { $0.within(\.text) }

  /// Checks that the heads share the width evenly.
  package func check() throws(SettingError) {
    guard size.isMultiple(of: heads) else {
      throw refuse("width", expected: "a multiple of the \(heads) heads")
    }
  }
}

// MARK: - Problems from options

extension BuiltProblem {
  /// A recurrent model of characters.
  ///
  /// - Throws: `SettingError` for sizes that take too much memory, `DatasetError` for a text that can't
  ///   be read or used; so does the one below.
  package static func characterModel(
    _ cell: CharacterModel.Cell, _ options: CharacterModelOptions, _ data: ProblemData
  ) throws -> BuiltProblem {
    let choice = options.text
    try options.limit(
      "batch_size", elements: choice.batchSize * choice.length * 4 * options.hidden)
    let text = try choice.load(data.split)
    return BuiltProblem(
      family: CharacterModel(
        text: text, cell: cell, embeddingSize: options.embeddingSize, hidden: options.hidden,
        length: choice.length, batchSize: choice.batchSize), contentHash: text.contentHash())
  }

  /// A small transformer on characters.
  package static func transformer(
    _ options: TransformerOptions, _ data: ProblemData
  ) throws -> BuiltProblem {
    let choice = options.text
    let widest = max(4 * options.size, choice.length * options.heads)
    try options.limit("batch_size", elements: choice.batchSize * choice.length * widest)
    let text = try choice.load(data.split)
    return BuiltProblem(
      family: CharacterTransformer(
        text: text, size: options.size, heads: options.heads, blocks: options.blocks,
        length: choice.length, batchSize: choice.batchSize), contentHash: text.contentHash())
  }
}
