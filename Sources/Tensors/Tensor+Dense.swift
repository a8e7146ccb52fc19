internal import CKernels

/// A function applied element by element to the outputs of a layer.
package enum ElementwiseFunction: Sendable, CaseIterable {
  case identity, sigmoid, relu, tanh, elu, silu, gelu

  /// Whether the derivative at z can be told from f(z) alone.
  package var slopeFollowsFromResult: Bool {
    switch self {
    case .identity, .sigmoid, .relu, .tanh, .elu: true
    case .silu, .gelu: false
    }
  }

  var kernel: ck_activation {
    switch self {
    case .identity: CK_ACTIVATION_IDENTITY
    case .sigmoid: CK_ACTIVATION_SIGMOID
    case .relu: CK_ACTIVATION_RELU
    case .tanh: CK_ACTIVATION_TANH
    case .elu: CK_ACTIVATION_ELU
    case .silu: CK_ACTIVATION_SILU
    case .gelu: CK_ACTIVATION_GELU
    }
  }
}

extension Tensor {
  /// f(x w + b) for rows x [rows, in], weights w [in, out] and a bias b [out].
  ///
  /// - Returns: the result, and what the slopes of `function` are told from: the result itself, or
  ///   x w + b.
  package func dense(
    w: Tensor, b: Tensor, _ function: ElementwiseFunction
  ) -> (result: Tensor, slopeSource: Tensor) {
    var sums = Tensor.product(self, w, kernel: .small)
    let shape = sums.shape
    demand(
      b.shape == Shape(vector: shape[1]), "a bias of shape \(b.shape) for outputs of shape \(shape)"
    )
    let (rows, n) = (Int64(shape[0]), Int64(shape[1]))
    let result: Tensor? = b.withUnsafeFloats { bias in
      sums.withUnsafeMutableFloats { z in
        guard function.slopeFollowsFromResult else {
          return Tensor(uninitialized: shape) {
            ck_bias_activation_f32(function.kernel, rows, n, bias, z, $0)
          }
        }
        ck_bias_activation_f32(function.kernel, rows, n, bias, z, z)
        return nil
      }
    }
    return (result: result ?? sums, slopeSource: sums)
  }

  /// These cotangents of f(z), times the slopes f'(z).
  ///
  /// - Parameter slopeSource: what `dense` returned as such.
  package func pulledBack(
    through function: ElementwiseFunction, slopeSource: Tensor
  ) -> Tensor {
    demand(shape == slopeSource.shape, "cotangents of \(shape) for \(slopeSource.shape)")
    if function == .identity { return self }
    return withUnsafeFloats { cotangent in
      slopeSource.withUnsafeFloats { source in
        Tensor(uninitialized: shape) {
          ck_activation_gradient_f32(function.kernel, Int64(count), source, cotangent, $0)
        }
      }
    }
  }

  /// The gradient in logits [rows, classes] of their mean cross-entropy, times `scale`.
  package func meanCrossEntropyGradient(labels: [Int32], scale: Float) -> Tensor {
    demand(
      shape.rank == 2 && shape[0] == labels.count,
      "\(labels.count) labels for logits of shape \(shape)")
    return withUnsafeFloats { source in
      Tensor(uninitialized: shape) {
        ck_cross_entropy_gradient_f32(
          Int64(labels.count), Int64(shape[1]), source, labels,
          scale * (1 / Float(labels.count)), $0)
      }
    }
  }
}
