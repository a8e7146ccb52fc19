/// Memory for the elements of a collective, with one owner at a time.
///
/// A non-blocking collective consumes a buffer and gives it back when it is complete: while MPI
/// may read or write the memory nobody else can, it can't move (as an array's may) and it is not
/// freed. Keep one buffer and pass it back and forth to avoid an allocation per step:
///
///     var gradient = CommunicationBuffer<Float>(repeating: 0, count: 5_301)
///     gradient.withUnsafeMutableBufferPointer { … }
///     gradient = try world.iAllReduce(gradient, .sum).wait()
package struct CommunicationBuffer<Element: MPIElement>: ~Copyable {
  /// The elements, at an address that is never null.
  ///
  /// Not even for no elements: CMPI takes a null address as a wish to work in place.
  let storage: UnsafeMutableBufferPointer<Element>

  /// Wraps memory that `release()` gave up.
  init(adopting storage: UnsafeMutableBufferPointer<Element>) { self.storage = storage }

  /// Makes a buffer whose elements have to be written before they are read.
  init(uninitializedCount count: Int) {
    precondition(count >= 0, "a buffer can't have \(count) elements")
    // A cache line's alignment: no two buffers share a line. One element at least: see `storage`.
    let raw = UnsafeMutableRawBufferPointer.allocate(
      byteCount: max(count, 1) * MemoryLayout<Element>.stride, alignment: 64)
    let all = raw.bindMemory(to: Element.self)
    self.init(adopting: UnsafeMutableBufferPointer(start: all.baseAddress, count: count))
  }

  /// Makes a buffer of equal elements.
  package init(repeating element: Element, count: Int) {
    self.init(uninitializedCount: count)
    storage.initialize(repeating: element)
  }

  /// Makes a buffer that holds a copy of an array's elements.
  package init(copying elements: [Element]) {
    self.init(uninitializedCount: elements.count)
    elements.withUnsafeBytes { raw.copyMemory(from: $0) }
  }

  /// Makes a buffer of zero bits: of a padding that is sent but never looked at.
  init(zeroedCount count: Int) {
    self.init(uninitializedCount: count)
    raw.copyBytes(from: repeatElement(0, count: raw.count))
  }

  deinit { storage.baseAddress?.deallocate() }

  /// Gives up the memory without freeing it.
  consuming func release() -> UnsafeMutableBufferPointer<Element> {
    let storage = storage
    discard self
    return storage
  }

  // MARK: - Access

  /// The number of elements.
  package var count: Int { storage.count }

  /// The element at an index; traps outside the bounds.
  package subscript(index: Int) -> Element {
    get {
      precondition(storage.indices.contains(index), "\(index) is outside 0..<\(count)")
      return storage[index]
    }
    set {
      precondition(storage.indices.contains(index), "\(index) is outside 0..<\(count)")
      storage[index] = newValue
    }
  }

  /// Calls a closure with the elements, which must not be used after it returns.
  package borrowing func withUnsafeBufferPointer<Result, Failure: Error>(
    _ body: (UnsafeBufferPointer<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(UnsafeBufferPointer(storage))
  }

  /// Calls a closure with the mutable elements, which must not be used after it returns.
  package mutating func withUnsafeMutableBufferPointer<Result, Failure: Error>(
    _ body: (UnsafeMutableBufferPointer<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try body(storage)
  }

  /// A copy of the elements.
  package borrowing func array() -> [Element] { array(storage.indices) }

  /// A copy of some of the elements.
  borrowing func array(_ range: Range<Int>) -> [Element] {
    let source = UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(raw)[bytes(range)])
    return Array(unsafeUninitializedCapacity: range.count) { buffer, count in
      UnsafeMutableRawBufferPointer(buffer).copyMemory(from: source)
      count = range.count
    }
  }

  /// Overwrites an array of the same count.
  consuming func copy(to array: inout [Element]) {
    let source = UnsafeRawBufferPointer(raw)
    array.withUnsafeMutableBytes { $0.copyMemory(from: source) }
  }

  // MARK: - Raw memory
  //
  // Elements are bitwise-copyable, so bytes are copied: this code is not specialized for each
  // element type, and copying element by element would be ten times slower.

  private var raw: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(storage) }

  private func bytes(_ range: Range<Int>) -> Range<Int> {
    let stride = MemoryLayout<Element>.stride
    return range.lowerBound * stride..<range.upperBound * stride
  }
}

// The memory has exactly one owner (the type can't be copied, the pointer does not leave it), so
// handing it to another thread hands over everything there is.
extension CommunicationBuffer: @unchecked Sendable {}

extension UnsafeMutableBufferPointer {
  /// The address of the memory alone.
  var raw: UnsafeMutableRawPointer? { baseAddress.map { UnsafeMutableRawPointer($0) } }
}
