/// A tensor of doubles whose operations are loops over indices: what fast operations are tested
/// against.
package struct NaiveTensor: Sendable {
  /// The extents of the axes.
  package var shape: [Int]
  /// The elements in row-major order.
  package var elements: [Double]

  /// A tensor of the given elements.
  package init(_ elements: [Double], shape: [Int]) {
    precondition(elements.count == shape.reduce(1, *), "\(elements.count) elements for \(shape)")
    self.shape = shape
    self.elements = elements
  }

  /// A tensor whose elements are functions of their indices.
  package init(shape: [Int], element: (_ index: [Int]) -> Double) {
    self.init(NaiveTensor.indices(of: shape).map(element), shape: shape)
  }

  /// All indices of a shape, in row-major order.
  package static func indices(of shape: [Int]) -> [[Int]] {
    shape.reduce([[]]) { prefixes, extent in
      prefixes.flatMap { prefix in (0..<extent).map { prefix + [$0] } }
    }
  }

  /// The element at an index.
  package subscript(index: [Int]) -> Double {
    get { elements[position(of: index)] }
    set { elements[position(of: index)] = newValue }
  }

  private func position(of index: [Int]) -> Int {
    zip(shape, index).reduce(0) { $0 * $1.0 + $1.1 }
  }

  private func positive(_ axis: Int) -> Int { axis < 0 ? axis + shape.count : axis }
}

// MARK: - Element by element

extension NaiveTensor {
  /// Every element replaced.
  package func map(_ operation: (Double) -> Double) -> NaiveTensor {
    NaiveTensor(elements.map(operation), shape: shape)
  }

  /// The shape that two shapes broadcast to, by NumPy's rule; nil when they don't fit.
  package static func broadcast(_ a: [Int], _ b: [Int]) -> [Int]? {
    let rank = max(a.count, b.count)
    let a = Array(repeating: 1, count: rank - a.count) + a
    let b = Array(repeating: 1, count: rank - b.count) + b
    var result: [Int] = []
    for (m, n) in zip(a, b) {
      guard m == n || m == 1 || n == 1 else { return nil }
      result.append(m == 1 ? n : m)
    }
    return result
  }

  /// The index in this tensor that an index of a broadcast shape reads.
  private func source(of index: [Int]) -> [Int] {
    zip(shape, index.suffix(shape.count)).map { $0 == 1 ? 0 : $1 }
  }

  /// The elements repeated to fill a shape.
  package func broadcast(to target: [Int]) -> NaiveTensor {
    NaiveTensor(shape: target) { self[source(of: $0)] }
  }

  /// The operation on all pairs of elements, with broadcasting.
  ///
  /// - Precondition: shapes that fit.
  package func combined(
    with other: NaiveTensor, _ operation: (Double, Double) -> Double
  ) -> NaiveTensor {
    guard let target = NaiveTensor.broadcast(shape, other.shape) else {
      preconditionFailure("shapes \(shape) and \(other.shape)")
    }
    return NaiveTensor(shape: target) {
      operation(self[source(of: $0)], other[other.source(of: $0)])
    }
  }

  /// Sums over the axes along which `target` would be stretched.
  package func sum(to target: [Int]) -> NaiveTensor {
    var result = NaiveTensor(shape: target) { _ in 0 }
    for index in NaiveTensor.indices(of: shape) { result[result.source(of: index)] += self[index] }
    return result
  }
}

// MARK: - Layout

extension NaiveTensor {
  /// The same elements in another shape.
  package func reshaped(to target: [Int]) -> NaiveTensor { NaiveTensor(elements, shape: target) }

  /// The axes in another order.
  package func transposed(_ order: [Int]) -> NaiveTensor {
    NaiveTensor(shape: order.map { shape[$0] }) { index in
      var source = index
      for (position, axis) in order.enumerated() { source[axis] = index[position] }
      return self[source]
    }
  }

  /// Elements `start ..< start + count` along one axis.
  package func slice(axis: Int, from start: Int, count: Int) -> NaiveTensor {
    let axis = positive(axis)
    var target = shape
    target[axis] = count
    return NaiveTensor(shape: target) { index in
      var source = index
      source[axis] += start
      return self[source]
    }
  }

  /// Zeros around the tensor along one axis.
  package func padded(axis: Int, from start: Int, to extent: Int) -> NaiveTensor {
    let axis = positive(axis)
    var target = shape
    target[axis] = extent
    return NaiveTensor(shape: target) { index in
      var source = index
      source[axis] -= start
      return (0..<shape[axis]).contains(source[axis]) ? self[source] : 0
    }
  }

  /// Tensors joined along one axis.
  package static func concatenated(_ tensors: [NaiveTensor], axis: Int) -> NaiveTensor {
    let axis = tensors[0].positive(axis)
    var target = tensors[0].shape
    target[axis] = tensors.reduce(0) { $0 + $1.shape[axis] }
    return NaiveTensor(shape: target) { index in
      var index = index
      for tensor in tensors {
        if index[axis] < tensor.shape[axis] { return tensor[index] }
        index[axis] -= tensor.shape[axis]
      }
      return .nan
    }
  }
}

// MARK: - Products and softmax

extension NaiveTensor {
  private var matrixTransposed: NaiveTensor {
    transposed(shape.count == 2 ? [1, 0] : [0, 2, 1])
  }

  /// The matrix product of two matrices or two batches of matrices.
  package static func product(
    _ a: NaiveTensor, _ b: NaiveTensor, transposeA: Bool = false, transposeB: Bool = false
  ) -> NaiveTensor {
    let a = transposeA ? a.matrixTransposed : a
    let b = transposeB ? b.matrixTransposed : b
    let rank = a.shape.count
    let inner = a.shape[rank - 1]
    return NaiveTensor(shape: a.shape.dropLast() + [b.shape[rank - 1]]) { index in
      let batch = Array(index.dropLast(2))
      let row = index[rank - 2]
      let column = index[rank - 1]
      return (0..<inner).reduce(0.0) { $0 + a[batch + [row, $1]] * b[batch + [$1, column]] }
    }
  }

  /// softmax over the last axis.
  package func softmax() -> NaiveTensor {
    let columns = shape[shape.count - 1]
    var result = self
    for start in stride(from: 0, to: elements.count, by: max(columns, 1)) {
      let row = elements[start..<start + columns]
      let largest = row.max() ?? 0
      let powers = row.map { exponential($0 - largest) }
      let total = powers.reduce(0, +)
      for column in 0..<columns { result.elements[start + column] = powers[column] / total }
    }
    return result
  }

  /// The mean over rows of -log softmax(row)[label].
  package func meanCrossEntropy(labels: [Int32]) -> NaiveTensor {
    let columns = shape[1]
    let sum = labels.enumerated().reduce(0.0) { sum, item in
      let row = elements[item.offset * columns..<(item.offset + 1) * columns]
      let largest = row.max() ?? 0
      let total = row.reduce(0.0) { $0 + exponential($1 - largest) }
      return sum + logarithm(total) + (largest - row[row.startIndex + Int(item.element)])
    }
    return NaiveTensor([sum / Double(labels.count)], shape: [])
  }
}
