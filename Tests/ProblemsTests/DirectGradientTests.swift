import Autodiff
import Datasets
import Layers
import Problems
import Tensors
import TestSupport
import Testing

@Suite("Gradients without a tape")
struct DirectGradientTests {
  private func digits(_ batchSize: Int, images: Int? = nil) throws -> MinibatchSource {
    let set = try MNIST.loadEmbedded(split: .test).resized(height: 6, width: 6)
    return .sampled(set, batchSize: batchSize, images: images)
  }

  /// The loss and its gradient, parameter after parameter, on a tape.
  private func taped(_ start: DrawnProblem, _ values: [Tensor]) -> (Float, [Float]) {
    let tape = Tape()
    let parameters = values.map { tape.variable($0) }
    let loss = start.loss(parameters)
    let gradients = gradient(of: loss, withRespectTo: parameters)
    return (loss.value.scalar, gradients.flatMap(\.value.elements))
  }

  /// The same directly, nil where that can't be; the parameters lie in reverse order with gaps.
  private func direct(
    _ start: DrawnProblem, _ values: [Tensor], memory: inout Tensor
  ) throws -> (Float, [Float])? {
    let problem = try #require(start.problem as? any DirectGradient)
    guard problem.findsGradients else { return nil }
    var offsets = values.map { _ in 0 }
    var next = 3
    for position in values.indices.reversed() {
      offsets[position] = next
      next += values[position].count + position
    }
    var vector = Tensor.zeros([next])
    vector.withUnsafeMutableFloats { vector in
      for (offset, value) in zip(offsets, values) {
        for (index, element) in value.elements.enumerated() { vector[offset + index] = element }
      }
    }
    var minibatch = start.minibatch
    var loss: Float = 0
    let gradient = Tensor(uninitialized: [next]) { gradient in
      loss = vector.withUnsafeFloats {
        problem.lossAndGradient(
          at: $0, offsets: offsets, constants: start.constants, minibatch: &minibatch,
          memory: &memory, into: gradient)
      }
    }
    let elements = gradient.elements
    return (loss, zip(offsets, values).flatMap { elements[$0..<$0 + $1.count] })
  }

  @Test("bits are those of the tape, whatever the layers", arguments: Activation.allCases)
  func bits(activation: Activation) throws {
    // One memory for all: nothing in it counts.
    var memory = Tensor(repeating: .nan, shape: [7])
    for layers in [[], [1], [5], [9, 1, 17], [16, 16]] {
      for rows in [1, 5, 64] {
        let problem = ImagePerceptron(
          source: try digits(rows, images: rows == 5 ? 70 : nil), layers: layers,
          activation: activation)
        let start = DrawnProblem(problem, seed: UInt64(rows))
        let (loss, gradient) = taped(start, start.parameters)
        let found = try #require(try direct(start, start.parameters, memory: &memory))
        #expect(found.0 == loss && haveSameBits(found.1, gradient), "\(layers), \(rows) rows")
      }
    }
  }

  @Test("bits are those of the tape in other units", arguments: Reparametrization.Scope.allCases)
  func scaled(scope: Reparametrization.Scope) throws {
    var memory = Tensor([0])
    let base = ImagePerceptron(source: try digits(8), layers: [6])
    for seed in 0..<4 {
      var stream = RandomStream(seed: UInt64(seed), purpose: .test)
      let member = Reparametrization(base, scope: scope).member(&stream)
      let start = DrawnProblem(member, seed: UInt64(seed))
      var values = start.parameters
      // A parameter and a gradient of -0.
      values[0] = values[0] * Tensor(-0.0)
      for values in [start.parameters, values] {
        let (loss, gradient) = taped(start, values)
        let found = try #require(try direct(start, values, memory: &memory))
        #expect(found.0 == loss && haveSameBits(found.1, gradient), "seed \(seed)")
      }
    }
  }

  @Test("bits are those of the tape for regressions, tables in whole and in part")
  func regressions() throws {
    var memory = Tensor(repeating: .nan, shape: [3])
    func table(_ classes: Int) throws -> NumberTable {
      var stream = RandomStream(seed: 7, purpose: .test)
      let lines = (0..<23).map { row in
        (0..<4).map { _ in "\(stream.nextInteger(below: 1000))" }.joined(separator: ",")
          + ",\(row % classes)"
      }
      return try NumberTable(
        Array(("a,b,c,d,class\n" + lines.joined(separator: "\n") + "\n").utf8), source: "table.csv")
    }
    var problems: [any Problem] = [
      Lasso(), Lasso(rows: 1, dimensions: 1), Lasso(rows: 6, dimensions: 33, penalty: 0.3),
      LogisticRegression(), LogisticRegression(rows: 1, columns: 1),
      LogisticRegression(rows: 203, columns: 7, penalty: 0),
    ]
    for classes in [2, 3, 5] {
      for batchSize in [0, 1, 9] {
        problems.append(
          LogisticRegression(
            table: try table(classes), batchSize: batchSize, penalty: batchSize == 1 ? 0.2 : 0))
      }
    }
    for (index, problem) in problems.enumerated() {
      let start = DrawnProblem(problem, seed: UInt64(index))
      var stream = RandomStream(seed: UInt64(index), purpose: .test)
      let moved = start.parameters.map { $0 + stream.normal($0.shape, standardDeviation: 1) }
      var zeros = moved
      zeros[0] = zeros[0] * Tensor(-0.0)
      for values in [start.parameters, moved, zeros] {
        let (loss, gradient) = taped(start, values)
        let found = try #require(try direct(start, values, memory: &memory), "\(index)")
        #expect(found.0 == loss, "\(index): \(problem)")
        #expect(haveSameBits(found.1, gradient), "\(index): \(found.1), \(gradient)")
      }
      var bad = moved
      bad[0] = Tensor(repeating: .infinity, shape: bad[0].shape)
      let found = try #require(try direct(start, bad, memory: &memory))
      #expect(!found.0.isFinite, "\(index)")
    }
  }

  @Test("bits are those of the tape for recurrent models", arguments: CharacterModel.Cell.allCases)
  func recurrent(cell: CharacterModel.Cell) throws {
    var memory = Tensor(repeating: .nan, shape: [3])
    let text = try CharacterText.embedded(split: .test)
    for (index, (size, hidden, length, batchSize)) in [
      (16, 32, 32, 16), (3, 5, 7, 2), (1, 1, 1, 1), (2, 1, 2, 9), (5, 17, 4, 1),
    ].enumerated() {
      let problem = CharacterModel(
        text: text, cell: cell, embeddingSize: size, hidden: hidden, length: length,
        batchSize: batchSize)
      let start = DrawnProblem(problem, seed: UInt64(index))
      var stream = RandomStream(seed: UInt64(index), purpose: .test)
      let moved = start.parameters.map { $0 + stream.normal($0.shape, standardDeviation: 1) }
      var zeros = moved
      zeros[0] = zeros[0] * Tensor(-0.0)
      zeros[1] = zeros[1] * Tensor(-0.0)
      for values in [start.parameters, moved, zeros] {
        let (loss, gradient) = taped(start, values)
        let found = try #require(try direct(start, values, memory: &memory), "\(index)")
        #expect(found.0 == loss, "case \(index)")
        #expect(haveSameBits(found.1, gradient), "case \(index)")
      }
      var bad = moved
      bad[0] = Tensor(repeating: .nan, shape: bad[0].shape)
      let found = try #require(try direct(start, bad, memory: &memory))
      #expect(!found.0.isFinite, "case \(index)")
    }
  }

  @Test("a loss that is no number is told, and fixed batches and large layers are left to the tape")
  func others() throws {
    var memory = Tensor([0])
    let start = DrawnProblem(ImagePerceptron(source: try digits(4), layers: [3]))
    var values = start.parameters
    values[0] = Tensor(repeating: .nan, shape: values[0].shape)
    let found = try #require(try direct(start, values, memory: &memory))
    #expect(!found.0.isFinite)
    for problem in [
      ImagePerceptron(source: try ProblemCase.images(), layers: [3]),
      ImagePerceptron(source: try digits(64), layers: [2000]),
    ] {
      let start = DrawnProblem(problem)
      #expect(try direct(start, start.parameters, memory: &memory) == nil)
    }
    let scaled = ScaledProblem(Simple(), scales: [Tensor(2)])
    #expect(try direct(DrawnProblem(scaled), [Tensor(1)], memory: &memory) == nil)
  }
}
