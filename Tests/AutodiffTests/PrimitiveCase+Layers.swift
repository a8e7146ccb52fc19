import Autodiff
import Tensors
import TestSupport

extension PrimitiveCase {
  /// Activations, layers of networks, tables and attention.
  static let layers = activations + dense + normalizations + tables + attention + joins

  private static let activations: [PrimitiveCase] = [
    map("Sine", "sine", in: 0...4, { $0.sine() }, sine),
    map("Cosine", "cosine", in: 0...4, { $0.cosine() }, cosine),
    map("Softplus", "softplus", in: 0...4, { $0.softplus() }, softplus),
    map("SiLU", "silu", in: 0...4, { $0.silu() }, silu),
    map("SiLUSlope", "slope of silu", in: 0...4, { $0.siluSlope() }, siluSlope),
    map("GELU", "gelu", in: 0...3, { $0.gelu() }, gelu),
    map("GELUSlope", "slope of gelu", in: 0...3, { $0.geluSlope() }, geluSlope),
    map("ELU", "elu", { $0.elu() }, elu),
    map("ELUSlope", "slope of elu", { $0.eluSlope() }, eluSlope),
  ].flatMap { $0 }

  private static let functions: [(ElementwiseFunction, @Sendable (Double) -> Double)] = [
    (.identity, { $0 }), (.sigmoid, { 1 / (1 + exponential(-$0)) }), (.relu, { max($0, 0) }),
    (.tanh, hyperbolicTangent), (.elu, elu), (.silu, silu), (.gelu, gelu),
  ]

  private static let dense: [PrimitiveCase] = functions.flatMap { function, truth in
    ([(2, 3, 4), (1, 1, 1), (5, 2, 17)] as [(Int, Int, Int)]).flatMap { rows, inputs, outputs in
      // Biases that keep sums away from the kinks at 0.
      let x = values([rows, inputs], 0.1...0.3, seed: 1)
      let w = values([inputs, outputs], 0.1...0.3, seed: 2)
      let b = values([outputs], 0.6...1.2, seed: 3)
      let name = "dense \(function)"
      return [
        PrimitiveCase(
          rule: "Dense", name: name, point: [x, w, b],
          function: { $0[0].dense(w: $0[1], b: $0[2], function: function) },
          truth: { NaiveTensor.product($0[0], $0[1]).combined(with: $0[2], +).map(truth) }),
        PrimitiveCase(
          rule: "Dense", name: "\(name) of constant rows", point: [w, b],
          function: { Variable(Tensor(x)).dense(w: $0[0], b: $0[1], function: function) },
          truth: { NaiveTensor.product(x, $0[0]).combined(with: $0[1], +).map(truth) }),
      ]
    }
  }

  private static let normalizations: [PrimitiveCase] =
    ([[3, 4], [2, 2, 5], [1, 2], [5], [2, 17]] as [[Int]]).flatMap { shape in
      let epsilon: Float = 0.125
      let x = values(shape, 0...2, seed: 6)
      return [
        PrimitiveCase(
          rule: "LayerNormalization", name: "layerNormalized", point: [x],
          function: { $0[0].layerNormalized(epsilon: epsilon) },
          truth: { $0[0].layerNormalized(epsilon: Double(epsilon)) }),
        PrimitiveCase(
          rule: "LayerNormalizationGradient", name: "gradient of layerNormalized",
          point: [values(shape, 0...1, seed: 8), x],
          function: { point in
            point[0].layerNormalizationGradient(
              point[1], point[1].value.layerNormalized(epsilon: epsilon), epsilon: epsilon)
          },
          truth: { $0[0].layerNormalizationGradient($0[1], epsilon: Double(epsilon)) }),
      ]
    }

  private static let tables: [PrimitiveCase] =
    ([([4, 3], [0, 3, 3, 1, 0]), ([2], [1, 1]), ([3, 2, 2], [2]), ([3, 1], [])]
    as [([Int], [Int32])])
    .flatMap { shape, indices in
      let rows = [indices.count] + shape.dropFirst()
      return [
        PrimitiveCase(
          rule: "GatherRows", name: "rows at \(indices)", point: [values(shape, 0...1, seed: 1)],
          function: { $0[0].rows(at: indices) }, truth: { $0[0].rows(at: indices) }),
        PrimitiveCase(
          rule: "ScatterRows", name: "rows scattered to \(indices)",
          point: [values(rows, 0...1, seed: 2)],
          function: { $0[0].scatteredRows(to: indices, count: shape[0]) },
          truth: { $0[0].scatteredRows(to: indices, count: shape[0]) }),
      ]
    }

  private static let attention: [PrimitiveCase] =
    [[1, 1], [4, 4], [2, 3, 3], [2, 1, 5, 5]].map { shape in
      PrimitiveCase(
        rule: "CausalSoftmax", name: "causalSoftmax", point: [values(shape, 0...3, seed: 5)],
        function: { $0[0].causalSoftmax() }, truth: { $0[0].causalSoftmax() })
    }

  private static let joins: [PrimitiveCase] = (1...6).map { count in
    PrimitiveCase(
      rule: "Concatenate", name: "\(count) values concatenated",
      point: (0..<count).map { values([2, $0 % 3 + 1], 0...1, seed: $0) },
      function: { .concatenated($0, axis: 1) },
      truth: { NaiveTensor.concatenated($0, axis: 1) })
  }
}
