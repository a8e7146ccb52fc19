internal import Tensors

struct Softmax: Primitive {
  func pullback(_ site: inout Pullback) {
    let y = site.result
    let weighted = site.cotangent * y
    let rows = y.shape.replacing(axis: -1, with: 1)
    site.accumulate(weighted - y * weighted.sum(to: rows), into: 0)
  }
}

/// The softmax of a part of each row is 0 elsewhere, and so is its derivative.
struct CausalSoftmax: Primitive {
  func pullback(_ site: inout Pullback) { Softmax().pullback(&site) }
}

struct MeanCrossEntropy: Primitive {
  let labels: [Int32]

  func pullback(_ site: inout Pullback) {
    if let cotangent = site.plainCotangent {
      // The same bits in one pass.
      let slope = site.plainOperand(0).meanCrossEntropyGradient(
        labels: labels, scale: cotangent.scalar)
      return site.accumulate(Variable(slope), into: 0)
    }
    let logits = site.operand(0)
    let target = Tensor.oneHot(labels, classes: logits.shape[1])
    let scale = site.cotangent * (1 / Float(labels.count))
    site.accumulate((logits.softmax() - Variable(target)) * scale, into: 0)
  }
}

extension Variable {
  /// softmax over the last axis, computed after subtracting each row's maximum.
  public func softmax() -> Variable { .apply(Softmax(), self, value: value.softmax()) }

  /// softmax of scores [..., n, n] where row i sees columns 0...i only, zeros beyond.
  ///
  /// What attention weighs the past by.
  public func causalSoftmax() -> Variable {
    .apply(CausalSoftmax(), self, value: value.causalSoftmax())
  }

  /// The mean over rows of -log softmax(row)[label], for logits [rows, classes]; never overflows
  /// for finite logits.
  public func meanCrossEntropy(labels: [Int32]) -> Variable {
    .apply(
      MeanCrossEntropy(labels: labels), self, value: value.meanCrossEntropy(labels: labels))
  }
}
