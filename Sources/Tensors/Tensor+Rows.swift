internal import CKernels

extension Tensor {
  /// The chosen rows of a table [rows, ...]: [indices, ...].
  ///
  /// A row may be chosen more than once.
  ///
  /// - Precondition: rank of at least 1, indices in 0..<rows.
  public func rows(at indices: [Int32]) -> Tensor {
    demand(shape.rank >= 1, "rows of a scalar")
    let (count, size) = (shape[0], rowSize)
    checkRows(indices, below: count)
    return withUnsafeFloats { source in
      Tensor(uninitialized: shape.replacing(axis: 0, with: indices.count)) {
        ck_gather_rows_f32(Int64(indices.count), Int64(size), source, indices, $0)
      }
    }
  }

  /// A table of `count` rows of zeros to which this tensor's rows are added at the given indices, in
  /// order: the adjoint of `rows(at:)`.
  ///
  /// - Precondition: an index in 0..<count for each row.
  public func scatteredRows(to indices: [Int32], count: Int) -> Tensor {
    demand(
      shape.rank >= 1 && shape[0] == indices.count,
      "\(indices.count) indices for the rows of shape \(shape)")
    checkRows(indices, below: count)
    let size = rowSize
    return withUnsafeFloats { source in
      Tensor(uninitialized: shape.replacing(axis: 0, with: count)) {
        ck_scatter_rows_f32(
          Int64(indices.count), Int64(size), source, indices, Int64(count), $0)
      }
    }
  }

  private var rowSize: Int { shape.extents(around: 0).inner }

  private func checkRows(_ indices: [Int32], below count: Int) {
    demand(
      indices.allSatisfy { $0 >= 0 && $0 < count }, "an index of a row is outside 0..<\(count)")
  }
}
