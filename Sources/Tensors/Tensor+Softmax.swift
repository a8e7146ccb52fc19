internal import CKernels

extension Tensor {
  /// softmax over the last axis: exp(x - max) / sum exp(x - max), for any finite logits.
  public func softmax() -> Tensor {
    demand(shape.rank >= 1, "softmax of a scalar")
    let n = shape[-1]
    return withUnsafeFloats { source in
      Tensor(uninitialized: shape) {
        ck_softmax_f32(Int64(n == 0 ? 0 : count / n), Int64(n), source, $0)
      }
    }
  }

  /// softmax of scores [..., n, n] where row i sees columns 0...i only: zeros beyond.
  ///
  /// - Precondition: two axes at least, the last two equal.
  public func causalSoftmax() -> Tensor {
    demand(
      shape.rank >= 2 && shape[-1] == shape[-2], "a causal softmax of scores of shape \(shape)")
    let n = shape[-1]
    return withUnsafeFloats { source in
      Tensor(uninitialized: shape) {
        ck_causal_softmax_f32(Int64(n == 0 ? 0 : count / n), Int64(n), source, $0)
      }
    }
  }

  /// The mean over rows of -log softmax(row)[label], for logits [rows, classes].
  ///
  /// - Precondition: one label a row, each in 0..<classes.
  public func meanCrossEntropy(labels: [Int32]) -> Tensor {
    demand(
      shape.rank == 2 && shape[0] == labels.count,
      "\(labels.count) labels for logits of shape \(shape)")
    let classes = shape[1]
    demand(
      labels.allSatisfy { $0 >= 0 && $0 < classes }, "a label is outside 0..<\(classes)")
    return Tensor(
      withUnsafeFloats { ck_cross_entropy_f32(Int64(labels.count), Int64(classes), $0, labels) })
  }

  /// 1 at each row's label, 0 elsewhere: [labels.count, classes].
  public static func oneHot(_ labels: [Int32], classes: Int) -> Tensor {
    var result = Tensor.zeros([labels.count, classes])
    result.withUnsafeMutableFloats { target in
      for (row, label) in labels.enumerated() { target[row * classes + Int(label)] = 1 }
    }
    return result
  }
}
