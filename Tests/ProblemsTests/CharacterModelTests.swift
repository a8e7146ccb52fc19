import Autodiff
import Datasets
import Layers
import Problems
import Tensors
import TestSupport
import Testing

/// Losses of models of characters against loops over single numbers in double precision.
@Suite("Models of characters")
struct CharacterModelTests {
  private typealias Values = [String: NaiveTensor]

  private func values(_ problem: any Problem) -> (tensors: [Tensor], naive: Values) {
    let tensors = problem.parameters.enumerated().map {
      Tensor.random($1.shape, seed: $0, standardDeviation: 0.5)
    }
    return (
      tensors,
      Dictionary(uniqueKeysWithValues: zip(problem.parameters.map(\.name), tensors.map(\.naive)))
    )
  }

  private func loss(_ problem: any Problem, _ tensors: [Tensor]) -> Double {
    var stream = RandomStream(seed: 3, purpose: .test)
    return Double(
      problem.loss(
        parameters: tensors.map { Variable($0) }, constants: [], minibatch: &stream
      ).value.scalar)
  }

  private func linear(_ x: [Double], _ name: String, _ v: Values, suffix: String = "") -> [Double] {
    guard let w = v["\(name)/w\(suffix)"], let b = v["\(name)/b\(suffix)"] else { return [] }
    return b.elements.indices.map { j in
      b.elements[j] + x.indices.reduce(0.0) { $0 + x[$1] * w[[$1, j]] }
    }
  }

  private func crossEntropy(_ logits: [Double], _ label: Int32) -> Double {
    NaiveTensor(logits, shape: [1, logits.count]).meanCrossEntropy(labels: [label]).elements[0]
  }

  private func sigmoid(_ x: Double) -> Double { 1 / (1 + exponential(-x)) }

  private func row(_ table: NaiveTensor?, _ index: Int32) -> [Double] {
    guard let table else { return [] }
    return (0..<table.shape[1]).map { table[[Int(index), $0]] }
  }

  @Test("recurrent models follow their formulas", arguments: CharacterModel.Cell.allCases)
  func recurrent(cell: CharacterModel.Cell) throws {
    let text = try ProblemCase.text()
    let hidden = 4
    let problem = CharacterModel(
      text: text, cell: cell, embeddingSize: 3, hidden: hidden, length: 5, batchSize: 2)
    let (tensors, v) = values(problem)
    var stream = RandomStream(seed: 3, purpose: .test)
    let passages = text.draw(count: 2, length: 5, &stream)
    var total = 0.0
    for passage in 0..<2 {
      var h = [Double](repeating: 0, count: hidden)
      var c = h
      for place in 0..<5 {
        let x = row(v["embedding"], passages[place][passage])
        switch cell {
        case .lstm:
          let z = linear(x + h, "lstm", v)
          for unit in 0..<hidden {
            let (i, j, f, o) = (
              z[unit], z[hidden + unit], z[2 * hidden + unit], z[3 * hidden + unit]
            )
            c[unit] = c[unit] * sigmoid(f + 1) + sigmoid(i) * hyperbolicTangent(j)
            h[unit] = hyperbolicTangent(c[unit]) * sigmoid(o)
          }
        case .gru:
          let gates = linear(x + h, "gru", v, suffix: "_gates").map(sigmoid)
          let candidate = linear(
            x + (0..<hidden).map { h[$0] * gates[$0] }, "gru", v, suffix: "_candidate"
          ).map(hyperbolicTangent)
          for unit in 0..<hidden {
            let update = gates[hidden + unit]
            h[unit] = (1 - update) * candidate[unit] + update * h[unit]
          }
        }
        total += crossEntropy(linear(h, "linear", v), passages[place + 1][passage])
      }
    }
    #expect(abs(loss(problem, tensors) - total / 10) < 1e-5 * total / 10)
  }

  @Test("a transformer follows its formulas", arguments: [1, 3])
  func transformer(heads: Int) throws {
    let text = try ProblemCase.text()
    let (size, length) = (6, 4)
    let problem = CharacterTransformer(
      text: text, size: size, heads: heads, blocks: 2, length: length, batchSize: 2)
    let (tensors, v) = values(problem)
    var stream = RandomStream(seed: 3, purpose: .test)
    let passages = text.draw(count: 2, length: length, &stream)
    func normalized(_ x: [Double], _ name: String) -> [Double] {
      let z = NaiveTensor(x, shape: [1, size]).layerNormalized(epsilon: Double(Float(1e-5)))
      return (0..<size).map {
        z.elements[$0] * (v["\(name)/gain"]?.elements[$0] ?? 0)
          + (v["\(name)/offset"]?.elements[$0] ?? 0)
      }
    }
    func sum(_ a: [Double], _ b: [Double]) -> [Double] { zip(a, b).map { $0 + $1 } }
    var total = 0.0
    for passage in 0..<2 {
      var rows = (0..<length).map {
        sum(row(v["embedding"], passages[$0][passage]), row(v["places"], Int32($0)))
      }
      for block in 0..<2 {
        let name = "block_\(block)"
        let all = rows.map { linear(normalized($0, "\(name)/norm_0"), "\(name)/attention", v) }
        let depth = size / heads
        let mixed = (0..<length).map { place in
          (0..<heads).flatMap { head -> [Double] in
            func part(_ kind: Int, _ place: Int) -> ArraySlice<Double> {
              all[place][(kind * size + head * depth)..<(kind * size + (head + 1) * depth)]
            }
            let scores = (0...place).map { other in
              zip(part(0, place), part(1, other)).reduce(0) { $0 + $1.0 * $1.1 }
                / Double(depth).squareRoot()
            }
            let weights = NaiveTensor(scores, shape: [1, place + 1]).softmax().elements
            return (0..<depth).map { unit in
              (0...place).reduce(0.0) { sum, other in
                let values = part(2, other)
                return sum + weights[other] * values[values.startIndex + unit]
              }
            }
          }
        }
        rows = zip(rows, mixed).map { sum($0, linear($1, "\(name)/attention/output", v)) }
        rows = rows.map { x in
          let inner = linear(normalized(x, "\(name)/norm_1"), "\(name)/mlp/linear_0", v)
          return sum(x, linear(inner.map(gelu), "\(name)/mlp/linear_1", v))
        }
      }
      for place in 0..<length {
        total += crossEntropy(
          linear(normalized(rows[place], "norm"), "linear", v), passages[place + 1][passage])
      }
    }
    let truth = total / Double(2 * length)
    #expect(abs(loss(problem, tensors) - truth) < 2e-5 * truth)
  }

  @Test("untrained models guess, and the default ones have some thousands of parameters")
  func defaults() throws {
    let text = try CharacterText.embedded(split: .train)
    let guess = logarithm(Double(text.vocabulary.count))
    for problem in [
      CharacterModel(text: text), CharacterModel(text: text, cell: .gru),
      CharacterTransformer(text: text),
    ] as [any Problem] {
      let start = DrawnProblem(problem)
      let loss = Double(start.loss(start.parameters.map { Variable($0) }).value.scalar)
      #expect(abs(loss - guess) < 1)
      #expect((5000...30_000).contains(start.parameters.reduce(0) { $0 + $1.count }))
    }
  }
}
