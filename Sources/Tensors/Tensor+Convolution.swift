internal import CKernels

/// The shapes of a convolution, its stride and padding.
package struct ConvolutionGeometry: Sendable, Equatable {
  /// Images [batch, height, width, channels].
  package let input: Shape
  /// Filters [window height, window width, channels, filters].
  package let filters: Shape
  /// The result [batch, out height, out width, filters].
  package let output: Shape
  /// The distance of two windows, in rows and in columns.
  package let stride: Int
  private let rows: WindowPlacement
  private let columns: WindowPlacement

  /// The convolution of images with filters.
  ///
  /// - Precondition: both of rank 4, with equal numbers of channels, no extent 0 but the batch's.
  package init(input: Shape, filters: Shape, stride: Int, padding: Padding) {
    demand(
      input.rank == 4 && filters.rank == 4 && input[3] == filters[2] && filters.count > 0,
      "convolution of images of shape \(input) with filters of shape \(filters)")
    self.input = input
    self.filters = filters
    self.stride = stride
    rows = WindowPlacement(extent: input[1], window: filters[0], stride: stride, padding: padding)
    columns = WindowPlacement(
      extent: input[2], window: filters[1], stride: stride, padding: padding)
    output = [input[0], rows.count, columns.count, filters[3]]
  }

  /// The operations of one of the three products: two for each filter weight and each window.
  package var flop: Double { 2 * Double(output.count / max(filters[3], 1)) * Double(filters.count) }

  /// The windows, and the numbers in each.
  private var windows: (count: Int, size: Int) {
    (output.count / max(filters[3], 1), filters.count / max(filters[3], 1))
  }

  /// Tells the log what product of windows and filters a convolution is.
  func noteForward() { ProductLog.note(m: windows.count, n: filters[3], k: windows.size) }

  /// The same of the gradient in the images.
  func noteInputGradient() {
    ProductLog.note(m: windows.count, n: windows.size, k: filters[3], transposeB: true)
  }

  /// The same of the gradient in the filters.
  func noteFilterGradient() {
    ProductLog.note(m: windows.size, n: filters[3], k: windows.count, transposeA: true)
  }

  var kernelShape: ck_convolution {
    ck_convolution(
      batch: Int64(input[0]), height: Int64(input[1]), width: Int64(input[2]),
      channels: Int64(input[3]), window_height: Int64(filters[0]),
      window_width: Int64(filters[1]), filters: Int64(filters[3]), stride: Int64(stride),
      top: Int64(rows.before), left: Int64(columns.before), out_height: Int64(rows.count),
      out_width: Int64(columns.count))
  }
}

extension Tensor {
  /// The convolution of images with filters (no filter is mirrored: a cross-correlation), plus a
  /// bias for each filter.
  ///
  /// Images [batch, height, width, channels] and filters [window height, window width, channels,
  /// filters] give [batch, out height, out width, filters]; 2 FLOP for each filter weight and
  /// each window.
  ///
  /// - Precondition: equal numbers of channels, at least one window, a bias for each filter.
  public func convolution2D(
    _ filters: Tensor, bias: Tensor? = nil, stride: Int = 1, padding: Padding = .same
  ) -> Tensor {
    convolution2D(
      filters, bias: bias,
      ConvolutionGeometry(
        input: shape, filters: filters.shape, stride: stride, padding: padding))
  }

  /// The convolution of these images with filters, for a known geometry.
  package func convolution2D(
    _ filters: Tensor, bias: Tensor? = nil, _ geometry: ConvolutionGeometry
  ) -> Tensor {
    demand(
      shape == geometry.input && filters.shape == geometry.filters,
      "convolution of \(shape) with \(filters.shape), not \(geometry.input), \(geometry.filters)")
    geometry.noteForward()
    let kernel = { (shape: UnsafePointer<ck_convolution>, biases: UnsafePointer<Float>?) in
      Tensor.convolve(geometry, self, filters, geometry.output) {
        ck_convolution_f32(shape, $0, $1, biases, $2, $3)
      }
    }
    return withUnsafePointer(to: geometry.kernelShape) { shape in
      guard let bias else { return kernel(shape, nil) }
      demand(
        bias.shape == [geometry.filters[3]],
        "a bias of shape \(bias.shape) for filters of shape \(geometry.filters)")
      return bias.withUnsafeFloats { kernel(shape, $0) }
    }
  }

  /// The gradient in the images of the sum of a convolution's products with these cotangents.
  package func convolution2DInputGradient(
    _ filters: Tensor, _ geometry: ConvolutionGeometry
  ) -> Tensor {
    demand(
      shape == geometry.output && filters.shape == geometry.filters,
      "input gradient of \(shape), \(filters.shape), not \(geometry.output), \(geometry.filters)")
    geometry.noteInputGradient()
    return withUnsafePointer(to: geometry.kernelShape) { shape in
      Tensor.convolve(geometry, self, filters, geometry.input) {
        ck_convolution_input_gradient_f32(shape, $0, $1, $2, $3)
      }
    }
  }

  /// The gradient in the filters of the sum of the convolution's products with `cotangents`.
  package func convolution2DFilterGradient(
    _ cotangents: Tensor, _ geometry: ConvolutionGeometry
  ) -> Tensor {
    demand(
      shape == geometry.input && cotangents.shape == geometry.output,
      "filter gradient of \(shape), \(cotangents.shape), not \(geometry.input), "
        + "\(geometry.output)")
    geometry.noteFilterGradient()
    return withUnsafePointer(to: geometry.kernelShape) { shape in
      Tensor.convolve(geometry, self, cotangents, geometry.filters) {
        ck_convolution_filter_gradient_f32(shape, $0, $1, $2, $3)
      }
    }
  }

  /// Calls a kernel with two operands, room for its result and scratch memory.
  private static func convolve(
    _ geometry: ConvolutionGeometry, _ a: Tensor, _ b: Tensor, _ result: Shape,
    _ kernel: (
      UnsafePointer<Float>, UnsafePointer<Float>, UnsafeMutablePointer<Float>,
      UnsafeMutablePointer<Float>
    ) -> Void
  ) -> Tensor {
    let floats = withUnsafePointer(to: geometry.kernelShape, ck_convolution_scratch_floats)
    let scratch = TensorStorage.make(count: Int(floats))
    return a.withUnsafeFloats { a in
      b.withUnsafeFloats { b in
        Tensor(uninitialized: result) { result in
          withExtendedLifetime(scratch) { kernel(a, b, result, scratch.pointer) }
        }
      }
    }
  }
}
