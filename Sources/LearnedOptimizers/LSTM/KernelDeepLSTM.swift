public import Autodiff
public import Settings
public import Tensors

/// An LSTM that steps convolution filters [kh, kw, cin, cout]: each kh x kw kernel is one row.
public struct KernelDeepLSTM: DeepLSTMOptimizer {
  /// `KernelDeepLSTM`.
  public static let name = "KernelDeepLSTM"
  /// The net, of width kh * kw.
  public let net: DeepLSTM
  /// Height and width of the kernels.
  public let kernelShape: [Int]

  /// A net for kernels of the given height and width.
  ///
  /// - Precondition: two extents above 0.
  public init(
    kernelShape: [Int], layers: [Int] = [20, 20], preprocess: Preprocessing = .identity,
    scale: Float = 1, initializers: WeightInitializers = .standard
  ) {
    precondition(kernelShape.count == 2 && kernelShape.allSatisfy { $0 > 0 }, "\(kernelShape)")
    self.kernelShape = kernelShape
    net = DeepLSTM(
      layers: layers, preprocess: preprocess, scale: scale, width: kernelShape[0] * kernelShape[1],
      initializers: initializers)
  }

  /// A net of options that were checked.
  init(_ settings: KernelDeepLSTMSettings) {
    kernelShape = settings.kernelShape
    net = settings.net.net(width: kernelShape.reduce(1, *))
  }

  /// kernel_shape, layers, scale, preprocess_name and preprocess_options.
  public var options: [String: JSONValue] {
    var options = netOptions
    options["kernel_shape"] = .array(kernelShape.map { .number(Double($0)) })
    return options
  }

  /// Filters [kh, kw, cin, cout] of the net's kernel shape.
  public func requirement(unmetBy shape: Shape) -> String? {
    shape.rank == 4 && shape[0] == kernelShape[0] && shape[1] == kernelShape[1]
      ? nil : "filters [\(kernelShape[0]), \(kernelShape[1]), in, out]"
  }

  /// Rows gather elements that lie apart.
  public var rowsAreContiguous: Bool { false }

  /// A row a pair of channels: [kh, kw, cin, cout] becomes [cin * cout, kh * kw].
  public func rows(from gradient: Variable) -> Variable {
    let pairs = gradient.value.count / net.width
    return gradient.reshaped(to: [net.width, pairs]).transposed([1, 0])
  }

  /// The inverse of `rows(from:)`.
  public func update(fromRows rows: Variable, shape: Shape) -> Variable {
    rows.transposed([1, 0]).reshaped(to: shape)
  }
}
