package import Tensors

// Images are [batch, height, width, channels].
extension NaiveTensor {
  /// The number of windows and the padding before the first, by TensorFlow's definition.
  private static func windows(
    _ extent: Int, _ window: Int, _ stride: Int, _ padding: Padding
  ) -> (count: Int, before: Int) {
    switch padding {
    case .valid:
      // Every start whose window ends inside.
      return ((0..<extent).filter { $0 % stride == 0 && $0 + window <= extent }.count, 0)
    case .same:
      let count = (0..<extent).filter { $0 % stride == 0 }.count
      return (count, max((count - 1) * stride + window - extent, 0) / 2)
    }
  }

  /// Calls `body` with the positions, in row-major order and without channels, of every output, tap
  /// and input of windows over images of this shape.
  private static func eachTap(
    _ input: [Int], _ window: (Int, Int), _ stride: Int, _ padding: Padding,
    _ body: (_ output: Int, _ tap: Int, _ input: Int) -> Void
  ) {
    let rows = windows(input[1], window.0, stride, padding)
    let columns = windows(input[2], window.1, stride, padding)
    for image in 0..<input[0] {
      for i in 0..<rows.count {
        for j in 0..<columns.count {
          let output = (image * rows.count + i) * columns.count + j
          for u in 0..<window.0 {
            for v in 0..<window.1 {
              let row = i * stride + u - rows.before
              let column = j * stride + v - columns.before
              guard row >= 0, row < input[1], column >= 0, column < input[2] else { continue }
              body(output, u * window.1 + v, (image * input[1] + row) * input[2] + column)
            }
          }
        }
      }
    }
  }

  private static func outputShape(
    _ input: [Int], _ window: (Int, Int), _ stride: Int, _ padding: Padding, _ channels: Int
  ) -> [Int] {
    [
      input[0], windows(input[1], window.0, stride, padding).count,
      windows(input[2], window.1, stride, padding).count, channels,
    ]
  }

  /// The convolution of these images with filters [height, width, channels, filters].
  package func convolution2D(
    _ filters: NaiveTensor, stride: Int, padding: Padding
  ) -> NaiveTensor {
    let window = (filters.shape[0], filters.shape[1])
    var result = NaiveTensor(
      shape: Self.outputShape(shape, window, stride, padding, filters.shape[3])
    ) { _ in 0 }
    let (channels, count) = (shape[3], filters.shape[3])
    Self.eachTap(shape, window, stride, padding) { output, tap, input in
      for channel in 0..<channels {
        let x = elements[input * channels + channel]
        for filter in 0..<count {
          result.elements[output * count + filter] +=
            x * filters.elements[(tap * channels + channel) * count + filter]
        }
      }
    }
    return result
  }

  /// The gradient in images of shape `input` of the sum of a convolution's products with these.
  package func convolution2DInputGradient(
    _ filters: NaiveTensor, input shape: [Int], stride: Int, padding: Padding
  ) -> NaiveTensor {
    var result = NaiveTensor(shape: shape) { _ in 0 }
    let (channels, count) = (shape[3], filters.shape[3])
    Self.eachTap(shape, (filters.shape[0], filters.shape[1]), stride, padding) {
      output, tap, input in
      for channel in 0..<channels {
        for filter in 0..<count {
          result.elements[input * channels + channel] +=
            elements[output * count + filter]
            * filters.elements[(tap * channels + channel) * count + filter]
        }
      }
    }
    return result
  }

  /// The gradient in filters of a window's extents of the sum of the products with `cotangents`.
  package func convolution2DFilterGradient(
    _ cotangents: NaiveTensor, window: (Int, Int), stride: Int, padding: Padding
  ) -> NaiveTensor {
    let (channels, count) = (shape[3], cotangents.shape[3])
    var result = NaiveTensor(shape: [window.0, window.1, channels, count]) { _ in 0 }
    Self.eachTap(shape, window, stride, padding) { output, tap, input in
      for channel in 0..<channels {
        let x = elements[input * channels + channel]
        for filter in 0..<count {
          result.elements[(tap * channels + channel) * count + filter] +=
            x * cotangents.elements[output * count + filter]
        }
      }
    }
    return result
  }

  /// The largest elements of square windows, and the position of each in row-major order.
  package func maxPool2D(
    window: Int, stride: Int, padding: Padding
  ) -> (maxima: NaiveTensor, places: [Int]) {
    let target = Self.outputShape(shape, (window, window), stride, padding, shape[3])
    var maxima = NaiveTensor(shape: target) { _ in -.infinity }
    var places = [Int](repeating: -1, count: maxima.elements.count)
    let channels = shape[3]
    Self.eachTap(shape, (window, window), stride, padding) { output, _, input in
      for channel in 0..<channels {
        let value = elements[input * channels + channel]
        let position = output * channels + channel
        guard places[position] < 0 || value > maxima.elements[position] else { continue }
        maxima.elements[position] = value
        places[position] = input * channels + channel
      }
    }
    return (maxima, places)
  }

  /// (x - mean) / sqrt(variance + epsilon) + offset over all axes but the last.
  package func batchNormalized(offset: NaiveTensor, epsilon: Double) -> NaiveTensor {
    let columns = [shape[shape.count - 1]]
    let rows = Double(elements.count / columns[0])
    let mean = sum(to: columns).map { $0 / rows }
    let centered = combined(with: mean, -)
    let variance = centered.map { $0 * $0 }.sum(to: columns).map { $0 / rows }
    return centered.combined(with: variance) { $0 / ($1 + epsilon).squareRoot() }
      .combined(with: offset, +)
  }

  /// The gradient in x of the sum of the products of x normalized and this.
  package func batchNormalizationGradient(_ x: NaiveTensor, epsilon: Double) -> NaiveTensor {
    let columns = [shape[shape.count - 1]]
    let rows = Double(elements.count / columns[0])
    func mean(_ y: NaiveTensor) -> NaiveTensor { y.sum(to: columns).map { $0 / rows } }
    let centered = x.combined(with: mean(x), -)
    let deviation = mean(centered.map { $0 * $0 }).map { ($0 + epsilon).squareRoot() }
    let z = centered.combined(with: deviation, /)
    return combined(with: mean(self), -)
      .combined(with: z.combined(with: mean(combined(with: z, *)), *), -)
      .combined(with: deviation, /)
  }
}
