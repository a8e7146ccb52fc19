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
  public var flattened: Tensor { .joined(tensors) }

  /// The same names with elements taken, in order, from one vector.
  ///
  /// - Precondition: the vector has `elementCount` elements.
  public func unflattening(_ vector: Tensor) -> NamedTensors {
    demand(vector.count == elementCount, "\(vector.count) values for \(elementCount)")
    return NamedTensors(names: names, tensors: vector.parts(of: tensors.map(\.shape)))
  }
}

// MARK: - Tensors one after the other in a vector

extension Tensor {
  /// The elements of all parts in one vector, part after part.
  package static func joined(_ parts: [Tensor]) -> Tensor {
    let count = parts.reduce(0) { $0 + $1.count }
    return Tensor(uninitialized: Shape(vector: count)) { target in
      var offset = 0
      for part in parts {
        part.withUnsafeFloats { (target + offset).update(from: $0, count: part.count) }
        offset += part.count
      }
    }
  }

  /// Tensors of these shapes that lie one after the other in this vector, without copies.
  package func parts(of shapes: [Shape]) -> [Tensor] {
    var offset = 0
    return shapes.map { shape in
      defer { offset += shape.count }
      return view(from: offset, shape: shape)
    }
  }
}
