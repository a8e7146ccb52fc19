public import Autodiff
public import Datasets
public import Layers
public import Tensors

/// A small transformer that guesses the next character of a text: mean softmax cross-entropy over
/// passages that begin anywhere.
///
/// Embeddings of characters and of places, blocks of causal attention and of a perceptron with GELU, each
/// behind a layer normalization and added to its input (pre-norm, as GPT-2), a last normalization and a
/// linear layer with an output a character. Parameters `embedding`, `places`, for each block
/// `block_{i}/norm_0/gain`, `/offset`, `/attention/w` [size, 3 size] (queries, keys, values) and `/b`,
/// `/attention/output/w` and `/b`, `/norm_1/...`, `/mlp/linear_0/w` [size, 4 size] ..., then `norm/...`
/// and `linear/w`, `/b`.
public struct CharacterTransformer: Classifier {
  /// The network's parameters.
  public let parameters: [VariableSpecification]
  /// The number of characters in the vocabulary.
  public var classCount: Int { text.vocabulary.count }
  private let text: CharacterText
  private let size: Int
  private let heads: Int
  private let blocks: Int
  private let length: Int
  private let batchSize: Int

  /// A model of `text` that sees passages of `length` characters.
  ///
  /// - Precondition: numbers above 0, `size` a multiple of `heads`, a length below that of the text.
  public init(
    text: CharacterText, size: Int = 32, heads: Int = 2, blocks: Int = 1, length: Int = 32,
    batchSize: Int = 8
  ) {
    precondition(
      size > 0 && heads > 0 && size % heads == 0 && blocks > 0 && batchSize > 0 && length > 0
        && length < text.characters.count,
      "\(blocks) blocks of size \(size) with \(heads) heads for \(length) characters")
    self.text = text
    self.size = size
    self.heads = heads
    self.blocks = blocks
    self.length = length
    self.batchSize = batchSize
    let count = text.vocabulary.count
    parameters =
      [
        VariableSpecification("embedding", [count, size], .normal(standardDeviation: 1)),
        VariableSpecification("places", [length, size], .normal(standardDeviation: 0.1)),
      ]
      + (0..<blocks).flatMap { Self.block("block_\($0)", size: size) }
      + Self.normalization("norm", size: size) + Self.layer("linear", size, count)
  }

  private static func layer(_ name: String, _ inputs: Int, _ outputs: Int)
    -> [VariableSpecification]
  {
    [
      VariableSpecification(
        "\(name)/w", [inputs, outputs], Initialization.scaledByInputs.weights(inputs: inputs)),
      VariableSpecification("\(name)/b", [outputs], .zeros),
    ]
  }

  private static func normalization(_ name: String, size: Int) -> [VariableSpecification] {
    [
      VariableSpecification("\(name)/gain", [size], .constant(1)),
      VariableSpecification("\(name)/offset", [size], .zeros),
    ]
  }

  private static func block(_ name: String, size: Int) -> [VariableSpecification] {
    normalization("\(name)/norm_0", size: size) + layer("\(name)/attention", size, 3 * size)
      + layer("\(name)/attention/output", size, size)
      + normalization("\(name)/norm_1", size: size)
      + layer("\(name)/mlp/linear_0", size, 4 * size)
      + layer("\(name)/mlp/linear_1", 4 * size, size)
  }

  /// The mean cross-entropy of the characters of one minibatch of passages.
  public func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    let passages = text.draw(count: batchSize, length: length, &minibatch)
    /// Passage after passage: [batch * length].
    func ordered(_ rows: ArraySlice<[Int32]>) -> [Int32] {
      (0..<batchSize).flatMap { passage in rows.map { $0[passage] } }
    }
    var next = parameters[...]
    func take(_ count: Int) -> [Variable] {
      defer { next = next.dropFirst(count) }
      return Array(next.prefix(count))
    }
    let tables = take(2)
    let rows = Shape(rows: batchSize * length, columns: size)
    let embedded = tables[0].rows(at: ordered(passages.dropLast()))
    var x =
      (embedded.reshaped(to: [batchSize, length, size]) + tables[1]).reshaped(to: rows)
    for _ in 0..<blocks {
      let norm0 = take(2)
      x = x + attention(normalized(x, norm0), take(4))
      let norm1 = take(2)
      let mlp = take(4)
      x =
        x
        + normalized(x, norm1).dense(w: mlp[0], b: mlp[1], .gelu).dense(w: mlp[2], b: mlp[3])
    }
    let norm = take(2)
    let output = take(2)
    return normalized(x, norm).dense(w: output[0], b: output[1])
      .meanCrossEntropy(labels: ordered(passages.dropFirst()))
  }

  private func normalized(_ x: Variable, _ parameters: [Variable]) -> Variable {
    x.layerNormalized() * parameters[0] + parameters[1]
  }

  /// Rows [batch * length, size], each the weighted mean of values up to its own place.
  private func attention(_ x: Variable, _ parameters: [Variable]) -> Variable {
    let depth = size / heads
    let all = x.dense(w: parameters[0], b: parameters[1])
    /// Queries, keys or values: [batch * heads, length, depth].
    func part(_ index: Int) -> Variable {
      all.slice(axis: 1, from: index * size, count: size)
        .reshaped(to: [batchSize, length, heads, depth]).transposed([0, 2, 1, 3])
        .reshaped(to: [batchSize * heads, length, depth])
    }
    let scores = Variable.product(part(0), part(1), transposeB: true, kernel: .small)
    let weights = (scores * (1 / Float(depth).squareRoot())).causalSoftmax()
    let mixed = Variable.product(weights, part(2), kernel: .small)
      .reshaped(to: [batchSize, heads, length, depth]).transposed([0, 2, 1, 3])
      .reshaped(to: Shape(rows: batchSize * length, columns: size))
    return mixed.dense(w: parameters[2], b: parameters[3])
  }
}
