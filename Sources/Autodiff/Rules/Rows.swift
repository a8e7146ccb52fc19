internal import Tensors

struct GatherRows: Primitive {
  let indices: [Int32]

  func pullback(_ site: inout Pullback) {
    site.accumulate(
      site.cotangent.scatteredRows(to: indices, count: site.shape(0)[0]), into: 0)
  }
}

struct ScatterRows: Primitive {
  let indices: [Int32]

  func pullback(_ site: inout Pullback) {
    site.accumulate(site.cotangent.rows(at: indices), into: 0)
  }
}

extension Variable {
  /// The chosen rows of a table [rows, ...], an embedding: [indices, ...].
  ///
  /// A row may be chosen more than once.
  public func rows(at indices: [Int32]) -> Variable {
    .apply(GatherRows(indices: indices), self, value: value.rows(at: indices))
  }

  /// A table of `count` rows of zeros to which these rows are added: the adjoint of `rows(at:)`.
  public func scatteredRows(to indices: [Int32], count: Int) -> Variable {
    .apply(
      ScatterRows(indices: indices), self,
      value: value.scatteredRows(to: indices, count: count))
  }
}
