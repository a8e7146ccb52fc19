import Autodiff
import Tensors
import TestSupport
import Testing

/// A primitive at a point inside its domain, with its twin in double precision.
struct PrimitiveCase: Sendable, CustomTestStringConvertible {
  /// The rule in Sources/Autodiff/Rules that the case is for.
  let rule: String
  let name: String
  /// The operands.
  let point: [NaiveTensor]
  let function: @Sendable ([Variable]) -> Variable
  let truth: @Sendable ([NaiveTensor]) -> NaiveTensor

  var testDescription: String { "\(name) \(point.map(\.shape))" }
}

extension PrimitiveCase {
  /// Reproducible values with magnitudes in a range, of both signs unless told otherwise.
  ///
  /// Rounded to float32, so that both twins compute at the same point.
  static func values(
    _ shape: [Int], _ magnitudes: ClosedRange<Double>, seed: Int, positive: Bool = false
  ) -> NaiveTensor {
    var stream = RandomStream(seed: UInt64(seed), purpose: .test)
    return NaiveTensor(shape: shape) { _ in
      let size =
        magnitudes.lowerBound
        + Double(stream.nextUniform()) * (magnitudes.upperBound - magnitudes.lowerBound)
      let sign: Double = !positive && stream.nextBits() & 1 == 1 ? -1 : 1
      return Double(Float(sign * size))
    }
  }

  /// All cases.
  static let all = [
    maps, arithmetic, layout, joins, products, softmax, crossEntropy, mixtures, images, layers,
  ].flatMap { $0 }

  // MARK: - Maps

  /// Cases of an element-wise map.
  static func map(
    _ rule: String, _ name: String, in magnitudes: ClosedRange<Double> = 0.1...1.5,
    positive: Bool = false, _ function: @escaping @Sendable (Variable) -> Variable,
    _ truth: @escaping @Sendable (Double) -> Double
  ) -> [PrimitiveCase] {
    [[], [5], [2, 3]].enumerated().map { seed, shape in
      PrimitiveCase(
        rule: rule, name: name,
        point: [values(shape, magnitudes, seed: seed, positive: positive)],
        function: { function($0[0]) }, truth: { $0[0].map(truth) })
    }
  }

  private static let maps: [PrimitiveCase] = [
    map("Negate", "-x", { -$0 }, { -$0 }),
    map("Exp", "exp", { $0.exp() }, { exponential($0) }),
    map("Log", "log", in: 0.3...3, positive: true, { $0.log() }, { logarithm($0) }),
    map(
      "SquareRoot", "squareRoot", in: 0.3...3, positive: true, { $0.squareRoot() },
      { $0.squareRoot() }),
    map("Square", "squared", { $0.squared() }, { $0 * $0 }),
    // Away from 0 and from the bounds: the differences must not step across a kink.
    map("Absolute", "absolute", { $0.absolute() }, { abs($0) }),
    map("ReLU", "relu", { $0.relu() }, { max($0, 0) }),
    map(
      "Clip", "clamped inside", in: 0.1...0.8, { $0.clamped(low: -1, high: 0.9) },
      { min(max($0, -1), 0.9) }),
    map(
      "Clip", "clamped outside", in: 1.1...1.5, { $0.clamped(low: -1, high: 0.9) },
      { min(max($0, -1), 0.9) }),
    map("Sigmoid", "sigmoid", in: 0...4, { $0.sigmoid() }, { 1 / (1 + exponential(-$0)) }),
    map(
      "Tanh", "tanh", in: 0...2, { $0.tanh() }, { 1 - 2 / (exponential(2 * $0) + 1) }),
    map(
      "Affine", "affine", { $0.affine(scale: -1.5, offset: 0.25) }, { $0 * -1.5 + 0.25 }),
    map("Affine", "times a number", { $0 * 2.5 }, { $0 * 2.5 }),
    map("Affine", "plus a number", { $0 + 2.5 }, { $0 + 2.5 }),
  ].flatMap { $0 }

  // MARK: - Arithmetic

  private static let pairs: [([Int], [Int])] = [
    ([], []), ([2, 3], [2, 3]), ([2, 3], [3]), ([3], [2, 3]), ([2, 3], []), ([], [2, 3]),
    ([2, 1], [1, 3]), ([2, 3], [2, 1]), ([4, 1, 3], [2, 1]), ([1], [1]), ([2, 3], [1, 1]),
  ]

  private static func combination(
    _ rule: String, _ name: String,
    _ function: @escaping @Sendable (Variable, Variable) -> Variable,
    _ truth: @escaping @Sendable (Double, Double) -> Double
  ) -> [PrimitiveCase] {
    pairs.enumerated().flatMap { seed, shapes in
      let a = values(shapes.0, 0.2...1.5, seed: seed)
      let b = values(shapes.1, 0.5...1.5, seed: seed + 100)
      return [
        PrimitiveCase(
          rule: rule, name: name, point: [a, b], function: { function($0[0], $0[1]) },
          truth: { $0[0].combined(with: $0[1], truth) }),
        PrimitiveCase(
          rule: rule, name: "\(name) with a constant on the right", point: [a],
          function: { function($0[0], Variable(Tensor(b))) },
          truth: { $0[0].combined(with: b, truth) }),
        PrimitiveCase(
          rule: rule, name: "\(name) with a constant on the left", point: [b],
          function: { function(Variable(Tensor(a)), $0[0]) },
          truth: { a.combined(with: $0[0], truth) }),
      ]
    }
  }

  private static let arithmetic: [PrimitiveCase] = [
    combination("Add", "+", { $0 + $1 }, { $0 + $1 }),
    combination("Subtract", "-", { $0 - $1 }, { $0 - $1 }),
    combination("Multiply", "*", { $0 * $1 }, { $0 * $1 }),
    combination("Divide", "/", { $0 / $1 }, { $0 / $1 }),
    combination("Divide", "dividedOrZero", { $0.dividedOrZero(by: $1) }, { $0 / $1 }),
  ].flatMap { $0 }

  // MARK: - Layout

  private static func single(
    _ rule: String, _ name: String, _ shape: [Int],
    _ function: @escaping @Sendable (Variable) -> Variable,
    _ truth: @escaping @Sendable (NaiveTensor) -> NaiveTensor
  ) -> PrimitiveCase {
    PrimitiveCase(
      rule: rule, name: name, point: [values(shape, 0...1, seed: shape.count)],
      function: { function($0[0]) }, truth: { truth($0[0]) })
  }

  private static let layout: [PrimitiveCase] =
    [
      single("SumTo", "sum", [2, 3], { $0.sum() }, { $0.sum(to: []) }),
      single("SumTo", "mean", [2, 3], { $0.mean() }, { $0.sum(to: []).map { $0 / 6 } }),
      single("SumTo", "sum of a scalar", [], { $0.sum() }, { $0 }),
      single("SumTo", "sum over rows", [4, 3], { $0.sum(to: [3]) }, { $0.sum(to: [3]) }),
      single(
        "SumTo", "sum over columns", [4, 3], { $0.sum(to: [4, 1]) }, { $0.sum(to: [4, 1]) }),
      single(
        "SumTo", "sum over the middle", [2, 3, 2], { $0.sum(to: [2, 1, 2]) },
        { $0.sum(to: [2, 1, 2]) }),
      single(
        "Broadcast", "broadcast to rows", [3], { $0.broadcast(to: [2, 3]) },
        { $0.broadcast(to: [2, 3]) }),
      single(
        "Broadcast", "broadcast a scalar", [], { $0.broadcast(to: [2, 2]) },
        { $0.broadcast(to: [2, 2]) }),
      single(
        "Broadcast", "broadcast the middle", [2, 1, 2], { $0.broadcast(to: [2, 3, 2]) },
        { $0.broadcast(to: [2, 3, 2]) }),
      single(
        "Reshape", "reshaped", [2, 3], { $0.reshaped(to: [3, 1, 2]) },
        { $0.reshaped(to: [3, 1, 2]) }),
      single(
        "Transpose", "transposed", [2, 3], { $0.transposed([1, 0]) }, { $0.transposed([1, 0]) }),
      single(
        "Transpose", "transposed by a cycle", [2, 3, 4], { $0.transposed([2, 0, 1]) },
        { $0.transposed([2, 0, 1]) }),
      single(
        "Slice", "slice of rows", [4, 3], { $0.slice(axis: 0, from: 1, count: 2) },
        { $0.slice(axis: 0, from: 1, count: 2) }),
      single(
        "Slice", "slice of columns", [2, 4], { $0.slice(axis: -1, from: 1, count: 2) },
        { $0.slice(axis: -1, from: 1, count: 2) }),
      single(
        "Pad", "padded rows", [2, 3], { $0.padded(axis: 0, from: 1, to: 4) },
        { $0.padded(axis: 0, from: 1, to: 4) }),
      single(
        "Pad", "padded columns", [2, 3], { $0.padded(axis: -1, from: 2, to: 5) },
        { $0.padded(axis: -1, from: 2, to: 5) }),
    ]

  private static let joins: [PrimitiveCase] =
    ([
      (0, [1, 3], [2, 3]), (1, [2, 2], [2, 3]), (-1, [2, 1, 2], [2, 1, 1]),
    ] as [(Int, [Int], [Int])]).map {
      axis, a, b in
      PrimitiveCase(
        rule: "Concatenate", name: "concatenated along \(axis)",
        point: [values(a, 0...1, seed: 1), values(b, 0...1, seed: 2)],
        function: { $0[0].concatenated(with: $0[1], axis: axis) },
        truth: { NaiveTensor.concatenated($0, axis: axis) })
    }

  // MARK: - Products and softmax

  private static let products: [PrimitiveCase] = {
    var cases: [PrimitiveCase] = []
    for (m, k, n) in [(2, 3, 4), (1, 1, 1), (3, 2, 1)] {
      for batch in [[], [2]] {
        for flags in [(false, false), (true, false), (false, true), (true, true)] {
          let a = batch + (flags.0 ? [k, m] : [m, k])
          let b = batch + (flags.1 ? [n, k] : [k, n])
          cases.append(
            PrimitiveCase(
              rule: "MatrixProduct", name: "product, transposed \(flags.0), \(flags.1)",
              point: [values(a, 0...1, seed: 3), values(b, 0...1, seed: 4)],
              function: { .product($0[0], $0[1], transposeA: flags.0, transposeB: flags.1) },
              truth: { .product($0[0], $0[1], transposeA: flags.0, transposeB: flags.1) }))
        }
      }
    }
    return cases
  }()

  private static let softmax: [PrimitiveCase] =
    [[5], [3, 4], [2, 1, 3], [2, 1]].map { shape in
      PrimitiveCase(
        rule: "Softmax", name: "softmax", point: [values(shape, 0...3, seed: 5)],
        function: { $0[0].softmax() }, truth: { $0[0].softmax() })
    }

  private static let crossEntropy: [PrimitiveCase] =
    [([1, 2], [1]), ([4, 3], [0, 2, 2, 1])].map { (shape: [Int], labels: [Int32]) in
      PrimitiveCase(
        rule: "MeanCrossEntropy", name: "meanCrossEntropy", point: [values(shape, 0...3, seed: 6)],
        function: { $0[0].meanCrossEntropy(labels: labels) },
        truth: { $0[0].meanCrossEntropy(labels: labels) })
    }

  // MARK: - Mixtures: operands used twice, operations on results

  private static let mixtures: [PrimitiveCase] = [
    single("Multiply", "x x", [3], { $0 * $0 }, { $0.map { $0 * $0 } }),
    single("Divide", "x / (x + 2)", [3], { $0 / ($0 + 2) }, { $0.map { $0 / ($0 + 2) } }),
    single(
      "MatrixProduct", "x x'", [2, 3], { .product($0, $0, transposeB: true) },
      { .product($0, $0, transposeB: true) }),
    single(
      "Exp", "exp(tanh x) x", [4], { $0.tanh().exp() * $0 },
      { $0.map { exponential(1 - 2 / (exponential(2 * $0) + 1)) * $0 } }),
    single(
      "Concatenate", "x beside itself", [2, 2], { $0.concatenated(with: $0, axis: 1) },
      { NaiveTensor.concatenated([$0, $0], axis: 1) }),
  ]
}
