internal import ProcessGroups
internal import Tensors

extension TrainingState {
  /// What must be equal on all processes: weights and the state of their optimizer.
  var agreementItems: [(name: String, hash: UInt64)] {
    var weightHash = ContentHash()
    var adamHash = ContentHash()
    var position = ContentHash()
    for tensor in (weights + (averages ?? [])).flatMap(\.tensors) { weightHash.add(tensor) }
    for value in accumulated.joined() { weightHash.add(value.bitPattern) }
    for tensor in optimizer.firstMoments + optimizer.secondMoments { adamHash.add(tensor) }
    adamHash.add(UInt64(optimizer.stepCount))
    position.add(UInt64(epoch))
    position.add(UInt64(unroll))
    return [
      ("weights", weightHash.value), ("Adam state", adamHash.value), ("epoch", position.value),
    ]
  }
}
