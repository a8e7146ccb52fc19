import Autodiff
import Tensors

extension Machine {
  /// The three products of each convolution of the cifar problem, by themselves, and its blocks of
  /// convolution, normalization and pooling, forward and backward.
  ///
  /// Operations with the zeros of the padding count, though they are left out in part: a share may
  /// exceed 1.
  func addConvolutions(_ add: (String, Double?, () throws -> Void) throws -> Void) throws {
    var random = RandomStream(seed: 2, purpose: .test)
    for (size, channels) in [(32, 3), (16, 16), (8, 16)] {
      let geometry = ConvolutionGeometry(
        input: [128, size, size, channels], filters: [5, 5, channels, 16], stride: 1,
        padding: .same)
      let x = random.uniform(geometry.input)
      let w = random.normal(geometry.filters, standardDeviation: 0.1)
      let g = random.normal(geometry.output, standardDeviation: 0.1)
      let zeros = Tensor.zeros([16])
      let name = "convolution \(geometry.input) by \(geometry.filters)"
      try add("\(name): forward", geometry.flop) { _ = x.convolution2D(w, geometry) }
      try add("\(name): filter gradient", geometry.flop) {
        _ = x.convolution2DFilterGradient(g, geometry)
      }
      // As in training, the first layer's images need no gradient.
      let isFirst = channels == 3
      if !isFirst {
        try add("\(name): input gradient", geometry.flop) {
          _ = g.convolution2DInputGradient(w, geometry)
        }
      }
      try add(
        "\(name), normalized, rectified, pooled: forward and backward",
        geometry.flop * (isFirst ? 2 : 3)
      ) {
        let tape = Tape()
        let images = isFirst ? Variable(x) : tape.variable(x)
        let parameters = [w, zeros, zeros].map { tape.variable($0) }
        let pooled = images.convolution2D(parameters[0], bias: parameters[1])
          .batchNormalizedReLUMaxPool2D(offset: parameters[2], window: 2, stride: 2)
        _ = gradients(of: [pooled], withRespectTo: (isFirst ? [] : [images]) + parameters)
      }
    }
  }
}
