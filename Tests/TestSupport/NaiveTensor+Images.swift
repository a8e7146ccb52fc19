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

  /// Calls `body` with every output, tap and input index of windows over images of this shape.
  private static func eachTap(
    _ input: [Int], _ window: (Int, Int), _ stride: Int, _ padding: Padding,
    _ body: (_ output: [Int], _ tap: [Int], _ input: [Int]) -> Void
  ) {
    let rows = windows(input[1], window.0, stride, padding)
    let columns = windows(input[2], window.1, stride, padding)
    for output in indices(of: [input[0], rows.count, columns.count]) {
      for tap in indices(of: [window.0, window.1]) {
        let row = output[1] * stride + tap[0] - rows.before
        let column = output[2] * stride + tap[1] - columns.before
        guard (0..<input[1]).contains(row), (0..<input[2]).contains(column) else { continue }
        body(output, tap, [output[0], row, column])
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
    Self.eachTap(shape, window, stride, padding) { output, tap, input in
      for channel in 0..<shape[3] {
        let x = self[input + [channel]]
        for filter in 0..<filters.shape[3] {
          result[output + [filter]] += x * filters[tap + [channel, filter]]
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
    Self.eachTap(shape, (filters.shape[0], filters.shape[1]), stride, padding) {
      output, tap, input in
      for channel in 0..<shape[3] {
        for filter in 0..<filters.shape[3] {
          result[input + [channel]] +=
            self[output + [filter]] * filters[tap + [channel, filter]]
        }
      }
    }
    return result
  }

  /// The gradient in filters of a window's extents of the sum of the products with `cotangents`.
  package func convolution2DFilterGradient(
    _ cotangents: NaiveTensor, window: (Int, Int), stride: Int, padding: Padding
  ) -> NaiveTensor {
    let filters = cotangents.shape[3]
    var result = NaiveTensor(shape: [window.0, window.1, shape[3], filters]) { _ in 0 }
    Self.eachTap(shape, window, stride, padding) { output, tap, input in
      for channel in 0..<shape[3] {
        for filter in 0..<filters {
          result[tap + [channel, filter]] +=
            self[input + [channel]] * cotangents[output + [filter]]
        }
      }
    }
    return result
  }

  /// The largest elements of square windows, and the position of each in row-major order.
  package func maxPool2D(
    window: Int, stride: Int, padding: Padding
  ) -> (maxima: NaiveTensor, places: [Int]) {
    var maxima = NaiveTensor(
      shape: Self.outputShape(shape, (window, window), stride, padding, shape[3])
    ) { _ in -.infinity }
    var places = maxima.map { _ in -1 }
    Self.eachTap(shape, (window, window), stride, padding) { output, _, input in
      for channel in 0..<shape[3] {
        let value = self[input + [channel]]
        guard places[output + [channel]] < 0 || value > maxima[output + [channel]] else { continue }
        maxima[output + [channel]] = value
        places[output + [channel]] = Double(
          zip(shape, input + [channel]).reduce(0) { $0 * $1.0 + $1.1 })
      }
    }
    return (maxima, places.elements.map { Int($0) })
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
}
