public import Autodiff
public import Tensors

/// The convolution of images x [B, H, W, in] with filters w [kh, kw, in, out] at stride 1, each
/// image padded with zeros so that it keeps its size, plus a bias b [out].
public func convolution2D(_ x: Variable, w: Variable, b: Variable) -> Variable {
  x.convolution2D(w, bias: b)
}

/// A network of convolutions: 5 x 5 filters, then batch normalization unless switched off, ReLU,
/// and the largest of every 2 x 2 pixels.
///
/// Parameters, in order: `conv_net_2d/conv_2d_0/w` [5, 5, in, channels_0],
/// `conv_net_2d/conv_2d_0/b` [channels_0], with batch normalization `conv_net_2d/batch_norm_0/beta`
/// [channels_0], ...
public struct ConvNet2D: Sendable {
  /// Height and width of the filters.
  public static let kernelSize = 5

  /// The numbers of filters of the layers, in order; none for a network that changes nothing.
  public let channels: [Int]
  /// Whether layers are normalized over the batch.
  public let isNormalized: Bool

  /// A network with the given numbers of filters.
  ///
  /// - Precondition: numbers above 0.
  public init(channels: [Int], isNormalized: Bool) {
    precondition(channels.allSatisfy { $0 > 0 }, "numbers of filters \(channels)")
    self.channels = channels
    self.isNormalized = isNormalized
  }

  /// The parameters for images of `inputs` channels; `initializer` draws filters and biases, the
  /// offsets of normalization start at 0.
  public func parameters(inputs: Int, initializer: Initializer) -> [VariableSpecification] {
    var depth = inputs
    return channels.enumerated().flatMap { index, filters in
      defer { depth = filters }
      let name = "conv_net_2d/conv_2d_\(index)"
      let size = Self.kernelSize
      var layer = [
        VariableSpecification("\(name)/w", [size, size, depth, filters], initializer),
        VariableSpecification("\(name)/b", [filters], initializer),
      ]
      if isNormalized {
        layer.append(
          VariableSpecification("conv_net_2d/batch_norm_\(index)/beta", [filters], .zeros))
      }
      return layer
    }
  }

  /// The number of parameters.
  public var parameterCount: Int { channels.count * (isNormalized ? 3 : 2) }

  /// Height, width and channels of what comes of an image of this shape.
  public func outputShape(image: Shape) -> Shape {
    channels.reduce(image) { [($0[0] + 1) / 2, ($0[1] + 1) / 2, $1] }
  }

  /// The outputs for images x [B, H, W, in]: [B, `outputShape`...].
  public func callAsFunction(_ x: Variable, parameters: ArraySlice<Variable>) -> Variable {
    var x = x
    var next = parameters.startIndex
    for _ in channels {
      let (w, b) = (parameters[next], parameters[next + 1])
      if isNormalized {
        // Normalization subtracts what the bias adds: its derivative is 0, and it is left out.
        x = x.convolution2D(w)
          .batchNormalizedReLUMaxPool2D(offset: parameters[next + 2], window: 2, stride: 2)
      } else {
        // ReLU and the maximum may change places, and after the maximum there is less to do. Where
        // all of a window is below 0, or its largest elements are equal, derivatives agree too.
        x = convolution2D(x, w: w, b: b).maxPool2D(window: 2, stride: 2).relu()
      }
      next += isNormalized ? 3 : 2
    }
    return x
  }
}
