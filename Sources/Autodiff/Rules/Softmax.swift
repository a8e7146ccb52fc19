internal import Tensors

struct Softmax: Primitive {
  func pullback(_ site: inout Pullback) {
    let y = site.result
    let weighted = site.cotangent * y
    let rows = y.shape.replacing(axis: -1, with: 1)
    site.accumulate(weighted - y * weighted.sum(to: rows), into: 0)
  }
}

struct MeanCrossEntropy: Primitive {
  let labels: [Int32]

  func pullback(_ site: inout Pullback) {
    let logits = site.operand(0)
    let target = Tensor.oneHot(labels, classes: logits.shape[1])
    let scale = site.cotangent * (1 / Float(labels.count))
    site.accumulate((logits.softmax() - Variable(target)) * scale, into: 0)
  }
}

extension Variable {
  /// softmax over the last axis, computed after subtracting each row's maximum.
  public func softmax() -> Variable { .apply(Softmax(), self, value: value.softmax()) }

  /// The mean over rows of -log softmax(row)[label], for logits [rows, classes]; never overflows
  /// for finite logits.
  public func meanCrossEntropy(labels: [Int32]) -> Variable {
    .apply(
      MeanCrossEntropy(labels: labels), self, value: value.meanCrossEntropy(labels: labels))
  }
}
