/// The extents of a tensor's axes, outermost first; no axes for a scalar.
///
/// Kept inline (no heap), because shapes are made for every operation on scalars too.
public struct Shape: Hashable, Sendable, ExpressibleByArrayLiteral, CustomStringConvertible {
  /// The most axes a tensor may have.
  public static let maximumRank = 8

  private var extents: SIMD8<Int32>
  /// The number of axes.
  public private(set) var rank: Int
  /// The number of elements: the product of all extents, 1 for a scalar.
  public private(set) var count: Int

  /// The shape of a scalar.
  public static let scalar = Shape([])

  /// Whether extents from elsewhere make a shape: at most `maximumRank`, each in 0...Int32.max, and
  /// a count in the same range.
  public static func isValid(_ extents: [Int]) -> Bool {
    guard extents.count <= maximumRank else { return false }
    var count = 1
    for extent in extents {
      guard extent >= 0, extent <= Int(Int32.max) else { return false }
      // An empty axis does not make up for what comes before it: counts are multiplied in order.
      count *= max(extent, 1)
      guard count <= Int(Int32.max) else { return false }
    }
    return true
  }

  /// A shape with the given extents.
  ///
  /// - Precondition: at most `maximumRank` extents, each in 0...Int32.max.
  public init(_ extents: [Int]) {
    demand(extents.count <= Shape.maximumRank, "shape \(extents) has too many axes")
    self.extents = SIMD8(repeating: 1)
    rank = extents.count
    count = 1
    for (axis, extent) in extents.enumerated() {
      demand(extent >= 0 && extent <= Int(Int32.max), "shape \(extents) is out of range")
      self.extents[axis] = Int32(truncatingIfNeeded: extent)
      count *= extent
    }
  }

  /// A shape written as an array literal, as `[128, 10]`.
  public init(arrayLiteral elements: Int...) { self.init(elements) }

  /// A vector's shape, without an array.
  public init(vector count: Int) {
    extents = SIMD8(repeating: 1)
    extents[0] = Int32(count)
    rank = 1
    self.count = count
  }

  /// A matrix's shape, without an array.
  public init(rows: Int, columns: Int) {
    extents = SIMD8(repeating: 1)
    extents[0] = Int32(rows)
    extents[1] = Int32(columns)
    rank = 2
    count = rows * columns
  }

  /// The extent of one axis; negative axes count from the last.
  public subscript(axis: Int) -> Int {
    let index = axis < 0 ? axis + rank : axis
    demand(index >= 0 && index < rank, "axis \(axis) of shape \(self)")
    return Int(extents[index])
  }

  /// The extents as an array.
  public var dimensions: [Int] { (0..<rank).map { Int(extents[$0]) } }

  /// The shape as it is written in messages, `[128, 10]`.
  public var description: String { "\(dimensions)" }

  /// The shape with one axis set to another extent.
  public func replacing(axis: Int, with extent: Int) -> Shape {
    var dimensions = self.dimensions
    dimensions[axis < 0 ? axis + rank : axis] = extent
    return Shape(dimensions)
  }

  /// Whether this shape equals the last axes of `other`.
  public func isSuffix(of other: Shape) -> Bool {
    guard rank <= other.rank else { return false }
    for axis in 0..<rank where extents[axis] != other.extents[axis + other.rank - rank] {
      return false
    }
    return true
  }

  /// The shape of an element-wise operation on this shape and `other`, or nil when they don't fit.
  ///
  /// Axes are aligned at the last one; an extent of 1 stretches (NumPy's rule).
  public func broadcast(with other: Shape) -> Shape? {
    if self == other { return self }
    let rank = max(self.rank, other.rank)
    var result = [Int](repeating: 1, count: rank)
    for axis in 1...max(rank, 1) where axis <= rank {
      let a = axis <= self.rank ? self[-axis] : 1
      let b = axis <= other.rank ? other[-axis] : 1
      guard a == b || a == 1 || b == 1 else { return nil }
      result[rank - axis] = a == 1 ? b : a
    }
    return Shape(result)
  }
}
