import Autodiff
import Tensors
import TestSupport

extension PrimitiveCase {
  /// Convolutions, poolings and batch normalizations.
  static let images = convolutions + poolings + normalizations + normalizedPoolings

  private static let convolutions: [PrimitiveCase] = {
    var cases: [PrimitiveCase] = []
    let shapes: [([Int], [Int], Int)] = [
      ([1, 3, 4, 2], [3, 3, 2, 2], 1), ([2, 4, 3, 1], [2, 3, 1, 3], 1),
      ([1, 5, 4, 2], [2, 2, 2, 1], 2), ([2, 2, 3, 3], [1, 1, 3, 2], 1),
      ([1, 5, 5, 1], [3, 2, 1, 2], 3),
    ]
    for (input, window, stride) in shapes {
      for padding in Padding.allCases {
        let geometry = ConvolutionGeometry(
          input: Shape(input), filters: Shape(window), stride: stride, padding: padding)
        let name = "stride \(stride) \(padding)"
        let x = values(input, 0...1, seed: 1)
        let w = values(window, 0...1, seed: 2)
        let g = values(geometry.output.dimensions, 0...1, seed: 3)
        cases.append(
          PrimitiveCase(
            rule: "Convolution2D", name: "convolution2D \(name)", point: [x, w],
            function: { $0[0].convolution2D($0[1], stride: stride, padding: padding) },
            truth: { $0[0].convolution2D($0[1], stride: stride, padding: padding) }))
        let bias = values([window[3]], 0...1, seed: 4)
        cases.append(
          PrimitiveCase(
            rule: "Convolution2D", name: "convolution2D with a bias, \(name)", point: [x, w, bias],
            function: {
              $0[0].convolution2D($0[1], bias: $0[2], stride: stride, padding: padding)
            },
            truth: {
              $0[0].convolution2D($0[1], stride: stride, padding: padding).combined(with: $0[2], +)
            }))
        cases.append(
          PrimitiveCase(
            rule: "Convolution2DInputGradient", name: "input gradient \(name)", point: [g, w],
            function: { $0[0].convolution2DInputGradient($0[1], geometry) },
            truth: {
              $0[0].convolution2DInputGradient(
                $0[1], input: input, stride: stride, padding: padding)
            }))
        cases.append(
          PrimitiveCase(
            rule: "Convolution2DFilterGradient", name: "filter gradient \(name)", point: [x, g],
            function: { $0[0].convolution2DFilterGradient($0[1], geometry) },
            truth: {
              $0[0].convolution2DFilterGradient(
                $0[1], window: (window[0], window[1]), stride: stride, padding: padding)
            }))
      }
    }
    return cases
  }()

  private static let poolings: [PrimitiveCase] = {
    var cases: [PrimitiveCase] = []
    for (shape, window, stride) in [
      ([2, 4, 3, 2], 2, 2), ([1, 5, 5, 3], 3, 2), ([1, 3, 4, 1], 2, 1),
    ] {
      for padding in Padding.allCases {
        // Far enough apart that the differences do not change which is the largest.
        let count = shape.reduce(1, *)
        let x = NaiveTensor((0..<count).map { Double($0 * 7 % count) * 0.125 }, shape: shape)
        let name = "window \(window) stride \(stride) \(padding)"
        let (_, indices) = Tensor(x).maxPool2D(window: window, stride: stride, padding: padding)
        let places = x.maxPool2D(window: window, stride: stride, padding: padding).places
        let pooled = indices.shape.dimensions
        cases.append(
          PrimitiveCase(
            rule: "MaxPool2D", name: "maxPool2D \(name)", point: [x],
            function: { $0[0].maxPool2D(window: window, stride: stride, padding: padding) },
            truth: { $0[0].maxPool2D(window: window, stride: stride, padding: padding).maxima }))
        cases.append(
          PrimitiveCase(
            rule: "Gather", name: "gathered \(name)", point: [values(shape, 0...1, seed: 4)],
            function: { $0[0].gathered(at: indices) },
            truth: { x in NaiveTensor(places.map { x[0].elements[$0] }, shape: pooled) }))
        cases.append(
          PrimitiveCase(
            rule: "Scatter", name: "scattered \(name)", point: [values(pooled, 0...1, seed: 5)],
            function: { $0[0].scattered(to: indices) },
            truth: { g in
              var result = NaiveTensor(shape: shape) { _ in 0 }
              for (place, value) in zip(places, g[0].elements) { result.elements[place] += value }
              return result
            }))
      }
    }
    return cases
  }()

  private static let normalizations: [PrimitiveCase] =
    ([[4, 2], [2, 2, 3, 2], [5, 1], [7], [3, 17]] as [[Int]]).flatMap { shape in
      let epsilon: Float = 0.125
      let columns = [shape[shape.count - 1]]
      let x = values(shape, 0...2, seed: 6)
      return [
        PrimitiveCase(
          rule: "BatchNormalization", name: "batchNormalized",
          point: [x, values(columns, 0...1, seed: 7)],
          function: { $0[0].batchNormalized(offset: $0[1], epsilon: epsilon) },
          truth: { $0[0].batchNormalized(offset: $0[1], epsilon: Double(epsilon)) }),
        PrimitiveCase(
          rule: "BatchNormalizationGradient", name: "gradient of batchNormalized",
          point: [values(shape, 0...1, seed: 8), x],
          function: { point in
            // What the pullback records, with the statistics of the point.
            point[0].batchNormalizationGradient(
              point[1], point[1].value.batchStatistics(epsilon: epsilon), epsilon: epsilon)
          },
          truth: { $0[0].batchNormalizationGradient($0[1], epsilon: Double(epsilon)) }),
      ]
    }

  private static let normalizedPoolings: [PrimitiveCase] =
    ([([2, 4, 3, 2], 2, 2), ([1, 5, 5, 3], 3, 2), ([2, 3, 4, 1], 2, 1)] as [([Int], Int, Int)])
    .flatMap { shape, window, stride in
      Padding.allCases.flatMap { padding in
        let epsilon: Float = 0.125
        let count = shape.reduce(1, *)
        let channels = shape[3]
        // Far enough apart, and from 0 when normalized, that differences step across no kink.
        let x = NaiveTensor((0..<count).map { Double($0 * 7 % count) * 0.125 }, shape: shape)
        let offset = NaiveTensor((0..<channels).map { 0.26 - 0.5 * Double($0) }, shape: [channels])
        let name = "window \(window) stride \(stride) \(padding)"
        let result = Tensor(x).normalizedAndPooled(
          offset: Tensor(offset), epsilon: epsilon, window: window, stride: stride,
          padding: padding)
        let g = values(result.result.shape.dimensions, 0...1, seed: 9)
        let places = x.maxPool2D(window: window, stride: stride, padding: padding).places
        let passes = x.batchNormalized(offset: offset, epsilon: Double(epsilon)).map {
          $0 > 0 ? 1 : 0
        }
        return [
          PrimitiveCase(
            rule: "NormalizedMaxPool2D", name: "normalized and pooled, \(name)",
            point: [x, offset],
            function: {
              $0[0].batchNormalizedReLUMaxPool2D(
                offset: $0[1], epsilon: epsilon, window: window, stride: stride, padding: padding)
            },
            truth: {
              $0[0].batchNormalized(offset: $0[1], epsilon: Double(epsilon)).map { max($0, 0) }
                .maxPool2D(window: window, stride: stride, padding: padding).maxima
            }),
          PrimitiveCase(
            rule: "NormalizedMaxPool2DGradient", name: "gradient of normalized and pooled, \(name)",
            point: [g, x],
            function: {
              $0[0].normalizedPoolingGradient(
                $0[1],
                $0[1].value.normalizedAndPooled(
                  offset: Tensor(offset), epsilon: epsilon, window: window, stride: stride,
                  padding: padding), epsilon: epsilon)
            },
            truth: { point in
              var scattered = NaiveTensor(shape: shape) { _ in 0 }
              for (place, value) in zip(places, point[0].elements) {
                scattered.elements[place] += value * passes.elements[place]
              }
              return scattered.batchNormalizationGradient(point[1], epsilon: Double(epsilon))
            }),
        ]
      }
    }
}
