/// An ordered list of tensors with unique names: the weights of a net, the parameters of a problem.
public struct NamedTensors: Sendable {
  /// The names, in order.
  public let names: [String]
  /// The tensors, in the order of their names.
  public var tensors: [Tensor]

  /// Tensors under the given names.
  ///
  /// - Precondition: as many names as tensors, no name twice.
  public init(names: [String], tensors: [Tensor]) {
    demand(names.count == tensors.count, "\(names.count) names, \(tensors.count) tensors")
    demand(Set(names).count == names.count, "a name is given twice: \(names)")
    self.names = names
    self.tensors = tensors
  }

  /// No tensors.
  public init() { self.init(names: [], tensors: []) }

  /// The number of tensors.
  public var count: Int { tensors.count }

  /// The number of elements of all tensors.
  public var elementCount: Int { tensors.reduce(0) { $0 + $1.count } }

  /// The tensor of a name, nil when there is none.
  public subscript(name: String) -> Tensor? {
    names.firstIndex(of: name).map { tensors[$0] }
  }

  /// All elements in one vector, tensor after tensor.
  public var flattened: Tensor {
    Tensor(uninitialized: Shape(vector: elementCount)) { target in
      var start = 0
      for tensor in tensors {
        tensor.withUnsafeFloats { (target + start).update(from: $0, count: tensor.count) }
        start += tensor.count
      }
    }
  }

  /// The same names with elements taken, in order, from one vector.
  ///
  /// - Precondition: the vector has `elementCount` elements.
  public func unflattening(_ vector: Tensor) -> NamedTensors {
    demand(vector.count == elementCount, "\(vector.count) values for \(elementCount)")
    var start = 0
    let parts = tensors.map { tensor in
      defer { start += tensor.count }
      return vector.view(from: start, shape: tensor.shape)
    }
    return NamedTensors(names: names, tensors: parts)
  }
}
