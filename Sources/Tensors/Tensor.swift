internal import CKernels

/// A dense array of float32 values in row-major order.
///
/// Tensors are values: an operation returns a new tensor, copies share storage until one of them
/// is written to. Reading is safe from several threads; a view shares the storage of its base.
///
/// `@unchecked Sendable`: elements are written only by the sole owner (before the tensor is
/// returned, or after `isKnownUniquelyReferenced`), and are read-only otherwise.
///
/// ```swift
/// let a = Tensor([1, 2, 3, 4], shape: [2, 2])
/// let b = a + a.affine(scale: 2, offset: 1)  // [4, 7, 10, 13]
/// ```
public struct Tensor: @unchecked Sendable {
  /// The extents of the axes.
  public let shape: Shape
  var storage: TensorStorage
  var offset: Int

  init(shape: Shape, storage: TensorStorage, offset: Int = 0) {
    self.shape = shape
    self.storage = storage
    self.offset = offset
  }

  /// A tensor whose elements `body` writes, all of them: they start out undefined.
  public init(
    uninitialized shape: Shape, initializedBy body: (UnsafeMutablePointer<Float>) -> Void
  ) {
    self.init(shape: shape, storage: .make(count: shape.count))
    body(storage.pointer)
  }

  /// A tensor of one repeated value.
  public init(repeating value: Float, shape: Shape) {
    self.init(uninitialized: shape) { $0.update(repeating: value, count: shape.count) }
  }

  /// A scalar.
  public init(_ value: Float) {
    self.init(shape: .scalar, storage: .make(count: 1))
    storage.pointer.pointee = value
  }

  /// A tensor of the given elements, in row-major order; a vector when no shape is given.
  ///
  /// - Precondition: as many elements as the shape holds.
  public init(_ elements: [Float], shape: Shape? = nil) {
    let shape = shape ?? Shape(vector: elements.count)
    demand(
      elements.count == shape.count, "\(elements.count) elements do not fill shape \(shape)")
    self.init(uninitialized: shape) { target in
      for (index, element) in elements.enumerated() { target[index] = element }
    }
  }

  /// A tensor in memory of somebody else's, without a copy.
  ///
  /// The memory must stay where it is, written by nobody else, as long as the tensor and views of it
  /// are used; `owned` is what may be kept longer.
  package init(borrowing memory: UnsafeMutablePointer<Float>, shape: Shape) {
    self.init(shape: shape, storage: .borrowing(memory))
  }

  /// The tensor itself, or a copy where its memory is somebody else's.
  package var owned: Tensor {
    guard storage.isBorrowed else { return self }
    return Tensor(uninitialized: shape) { target in
      withUnsafeFloats { target.update(from: $0, count: count) }
    }
  }

  /// A tensor of zeros.
  public static func zeros(_ shape: Shape) -> Tensor { Tensor(repeating: 0, shape: shape) }

  /// The number of elements.
  public var count: Int { shape.count }

  /// The elements in row-major order.
  public var elements: [Float] {
    withUnsafeFloats { Array(UnsafeBufferPointer(start: $0, count: count)) }
  }

  /// The only element of a tensor that has one.
  public var scalar: Float {
    demand(count == 1, "a tensor of shape \(shape) is no scalar")
    return withUnsafeFloats { $0.pointee }
  }

  /// Calls `body` with the address of the first element, valid during the call only.
  public func withUnsafeFloats<Result, Failure: Error>(
    _ body: (UnsafePointer<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    // The pointer stays valid because `storage` is kept alive until after the call.
    defer { withExtendedLifetime(storage) {} }
    return try body(UnsafePointer(storage.pointer + offset))
  }

  /// Calls `body` with the address of the first element to write to, copying shared storage first.
  public mutating func withUnsafeMutableFloats<Result, Failure: Error>(
    _ body: (UnsafeMutablePointer<Float>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    if !isKnownUniquelyReferenced(&storage) {
      let copy = TensorStorage.make(count: count)
      withUnsafeFloats { copy.pointer.update(from: $0, count: count) }
      storage = copy
      offset = 0
    }
    defer { withExtendedLifetime(storage) {} }
    return try body(storage.pointer + offset)
  }

  /// Becomes a tensor whose elements `body` writes, all of them: they start out undefined.
  ///
  /// Memory of the same size is used again, unless somebody else has it too.
  package mutating func overwrite(shape: Shape, by body: (UnsafeMutablePointer<Float>) -> Void) {
    if shape != self.shape || offset != 0 || storage.isBorrowed
      || !isKnownUniquelyReferenced(&storage)
    {
      self = Tensor(shape: shape, storage: .make(count: shape.count))
    }
    body(storage.pointer)
    withExtendedLifetime(storage) {}
  }

  /// The same elements in another shape, without a copy.
  ///
  /// - Precondition: both shapes hold as many elements.
  public func reshaped(to shape: Shape) -> Tensor {
    demand(shape.count == count, "shape \(self.shape) can't become \(shape)")
    return Tensor(shape: shape, storage: storage, offset: offset)
  }

  /// Elements `start ..< start + shape.count` of the row-major order as a tensor of their own,
  /// sharing this one's storage.
  public func view(from start: Int, shape: Shape) -> Tensor {
    demand(
      start >= 0 && start + shape.count <= count,
      "view of \(shape) at \(start) in a tensor of shape \(self.shape)")
    return Tensor(shape: shape, storage: storage, offset: offset + start)
  }
}

/// The memory of a tensor: header and elements in one allocation, or, if it is large, elements in a
/// block that is reused.
///
/// Elements start on a 64-byte boundary, a cache line and the widest vector register.
final class TensorStorage: ManagedBuffer<TensorStorage.Block, Float> {
  /// A block of reused memory; none for what is in the allocation itself; without bytes where the
  /// memory is somebody else's.
  struct Block {
    var memory: UnsafeMutableRawPointer?
    var bytes = 0
  }

  static func make(count: Int) -> TensorStorage {
    let bytes = count * MemoryLayout<Float>.stride
    let isLarge = bytes >= CK_STORAGE_LARGE
    // `create` is called on this class and so returns it. 15 more floats leave room to align.
    let buffer = create(minimumCapacity: isLarge ? 1 : count + 16) { _ in
      isLarge ? Block(memory: ck_storage_allocate(bytes), bytes: bytes) : Block()
    }
    return unsafeDowncast(buffer, to: TensorStorage.self)
  }

  static func borrowing(_ memory: UnsafeMutablePointer<Float>) -> TensorStorage {
    let buffer = create(minimumCapacity: 0) { _ in Block(memory: UnsafeMutableRawPointer(memory)) }
    return unsafeDowncast(buffer, to: TensorStorage.self)
  }

  var isBorrowed: Bool {
    withUnsafeMutablePointerToHeader { $0.pointee.memory != nil && $0.pointee.bytes == 0 }
  }

  deinit {
    withUnsafeMutablePointerToHeader { header in
      guard let memory = header.pointee.memory, header.pointee.bytes > 0 else { return }
      ck_storage_free(memory, header.pointee.bytes)
    }
  }

  /// The first element; valid as long as the storage lives.
  var pointer: UnsafeMutablePointer<Float> {
    withUnsafeMutablePointers { header, base in
      if let memory = header.pointee.memory {
        return memory.assumingMemoryBound(to: Float.self)
      }
      return base + ((64 - Int(bitPattern: base) & 63) & 63) / MemoryLayout<Float>.stride
    }
  }
}
