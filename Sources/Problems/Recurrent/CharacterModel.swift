public import Autodiff
public import Datasets
public import Layers
public import Tensors

/// A recurrent network that guesses the next character of a text: mean softmax cross-entropy over
/// passages that begin anywhere.
///
/// An embedding, one LSTM (Hochreiter and Schmidhuber, 1997, with forget gates whose bias starts at 1) or
/// GRU (Cho et al., 2014) from a zero state, a linear layer with an output a character. Parameters
/// `embedding` [characters, size], `lstm/w` [size + hidden, 4 hidden] and `/b` with column blocks i, j,
/// f, o, or `gru/w_gates`, `/b_gates` (reset, update) and `gru/w_candidate`, `/b_candidate`; `linear/w`
/// and `/b`.
public struct CharacterModel: Classifier {
  /// The kinds of recurrent cells.
  public enum Cell: String, Sendable, CaseIterable {
    /// Long short-term memory.
    case lstm
    /// Gated recurrent unit.
    case gru
  }

  /// The network's parameters.
  public let parameters: [VariableSpecification]
  /// The number of characters in the vocabulary.
  public var classCount: Int { text.vocabulary.count }
  let text: CharacterText
  let cell: Cell
  let hidden: Int
  let length: Int
  let batchSize: Int
  let pass: CharacterPass

  /// A model of `text` that sees passages of `length` characters.
  ///
  /// - Precondition: sizes above 0, and a length below that of the text.
  public init(
    text: CharacterText, cell: Cell = .lstm, embeddingSize: Int = 16, hidden: Int = 32,
    length: Int = 32, batchSize: Int = 16
  ) {
    precondition(
      embeddingSize > 0 && hidden > 0 && batchSize > 0 && length > 0
        && length < text.characters.count, "a model of \(length) characters")
    self.text = text
    self.cell = cell
    self.hidden = hidden
    self.length = length
    self.batchSize = batchSize
    let inputs = embeddingSize + hidden
    let weights = Initialization.scaledByInputs.weights(inputs: inputs)
    let count = text.vocabulary.count
    let gates: [VariableSpecification] =
      switch cell {
      case .lstm:
        [
          VariableSpecification("lstm/w", [inputs, 4 * hidden], weights),
          VariableSpecification("lstm/b", [4 * hidden], .zeros),
        ]
      case .gru:
        [
          VariableSpecification("gru/w_gates", [inputs, 2 * hidden], weights),
          VariableSpecification("gru/b_gates", [2 * hidden], .zeros),
          VariableSpecification("gru/w_candidate", [inputs, hidden], weights),
          VariableSpecification("gru/b_candidate", [hidden], .zeros),
        ]
      }
    let start = VariableSpecification(
      "embedding", [count, embeddingSize], .normal(standardDeviation: 1))
    parameters =
      [start] + gates + [
        VariableSpecification(
          "linear/w", [hidden, count], Initialization.scaledByInputs.weights(inputs: hidden)),
        VariableSpecification("linear/b", [count], .zeros),
      ]
    pass = CharacterPass(
      cell: cell, length: length, batch: batchSize, embedding: (count, embeddingSize),
      hidden: hidden)
  }

  /// The mean cross-entropy of the characters of one minibatch of passages.
  public func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    let passages = text.draw(count: batchSize, length: length, &minibatch)
    let zeros = Variable(Tensor.zeros([batchSize, hidden]))
    var state = (hidden: zeros, memory: zeros)
    let weights = parameters[1..<(parameters.count - 2)]
    var outputs: [Variable] = []
    outputs.reserveCapacity(length)
    for characters in passages.dropLast() {
      let x = parameters[0].rows(at: characters)
      state = cell == .lstm ? lstm(x, state, weights) : (gru(x, state.hidden, weights), zeros)
      outputs.append(state.hidden)
    }
    return Variable.concatenated(outputs, axis: 0)
      .dense(w: parameters[parameters.count - 2], b: parameters[parameters.count - 1])
      .meanCrossEntropy(labels: passages.dropFirst().flatMap { $0 })
  }

  private func lstm(
    _ x: Variable, _ state: (hidden: Variable, memory: Variable), _ weights: ArraySlice<Variable>
  ) -> (hidden: Variable, memory: Variable) {
    let first = weights.startIndex
    let z = x.concatenated(with: state.hidden, axis: 1)
      .dense(w: weights[first], b: weights[first + 1])
    func block(_ index: Int) -> Variable {
      z.slice(axis: 1, from: index * hidden, count: hidden)
    }
    let memory =
      state.memory * (block(2) + 1).sigmoid() + block(0).sigmoid() * block(1).tanh()
    return (memory.tanh() * block(3).sigmoid(), memory)
  }

  private func gru(
    _ x: Variable, _ h: Variable, _ weights: ArraySlice<Variable>
  ) -> Variable {
    let first = weights.startIndex
    let gates = x.concatenated(with: h, axis: 1)
      .dense(w: weights[first], b: weights[first + 1], .sigmoid)
    let reset = gates.slice(axis: 1, from: 0, count: hidden)
    let update = gates.slice(axis: 1, from: hidden, count: hidden)
    let candidate = x.concatenated(with: h * reset, axis: 1)
      .dense(w: weights[first + 2], b: weights[first + 3], .tanh)
    return candidate + update * (h - candidate)
  }
}
