import CMPI

/// Gathering, where ranks may give different numbers of elements.
///
/// The counts are exchanged first, so that no rank need know another's.
extension Communicator {
  /// One element of each rank, in the order of ranks, on every rank.
  package func allGather<Element: MPIElement>(_ element: Element) throws(MPIError) -> [Element] {
    try iAllGather(CommunicationBuffer(repeating: element, count: 1)).wait().array()
  }

  /// The arrays of all ranks, in the order of ranks, on every rank.
  package func allGather<Element: MPIElement>(
    _ elements: [Element]
  ) throws(MPIError) -> [[Element]] {
    let layout = try Layout(counts: allGather(Int64(elements.count)))
    guard layout.total <= maximumCount else {
      return try allGatherLarge(elements, layout)
    }
    let sent = CommunicationBuffer(copying: elements).release()
    let gathered = space(Element.self, layout.total)
    let numbers = layout.numbers()
    let operation = try Operation("MPI_Iallgatherv", elements: 0, on: self) { _, _, request in
      CMPI_Iallgatherv(
        sent.baseAddress, Int32(sent.count), gathered.baseAddress, numbers.baseAddress,
        numbers.baseAddress?.advanced(by: size), Element.datatype.code, handle, request)
    }
    let result = pending(gathered, attachments: (sent.raw, numbers.raw), operation: operation)
    return layout.split(try result.wait())
  }

  /// The arrays of all ranks, in the order of ranks, at the root; nil elsewhere.
  package func gather<Element: MPIElement>(
    _ elements: [Element], to root: Int
  ) throws(MPIError) -> [[Element]]? {
    let layout = try Layout(counts: allGather(Int64(elements.count)))
    guard layout.total <= maximumCount else {
      return try gatherLarge(elements, layout, to: root)
    }
    let sent = CommunicationBuffer(copying: elements).release()
    let gathered = space(Element.self, rank == root ? layout.total : 0)
    let numbers = layout.numbers()
    let operation = try Operation("MPI_Igatherv", elements: 0, on: self) { _, _, request in
      CMPI_Igatherv(
        sent.baseAddress, Int32(sent.count), gathered.baseAddress, numbers.baseAddress,
        numbers.baseAddress?.advanced(by: size), Element.datatype.code, rank32(root), handle,
        request)
    }
    let result = pending(gathered, attachments: (sent.raw, numbers.raw), operation: operation)
    let all = try result.wait()
    return rank == root ? layout.split(all) : nil
  }

  // MARK: - More elements than MPI's int offsets can say

  /// A broadcast from each rank.
  private func allGatherLarge<Element: MPIElement>(
    _ elements: [Element], _ layout: Layout
  ) throws(MPIError) -> [[Element]] {
    var result: [[Element]] = []
    for (root, count) in layout.counts.enumerated() {
      let buffer =
        root == rank
        ? CommunicationBuffer(copying: elements)
        : CommunicationBuffer<Element>(uninitializedCount: count)
      result.append(try iBroadcast(buffer, from: root).wait().array())
    }
    return result
  }

  /// A gather of equal shares: as large as the largest, so that its pieces find their places.
  private func gatherLarge<Element: MPIElement>(
    _ elements: [Element], _ layout: Layout, to root: Int
  ) throws(MPIError) -> [[Element]]? {
    let share = layout.counts.max() ?? 0
    var buffer = CommunicationBuffer<Element>(zeroedCount: share)
    buffer.withUnsafeMutableBufferPointer { _ = $0.update(fromContentsOf: elements) }
    let all = try iGather(buffer, to: root).wait()
    guard rank == root else { return nil }
    return layout.counts.enumerated().map { index, count in
      all.array(index * share..<index * share + count)
    }
  }
}

/// Where each rank's elements lie among all ranks' elements.
private struct Layout {
  let counts: [Int]
  let total: Int

  init(counts: [Int64]) {
    self.counts = counts.map { Int($0) }
    total = self.counts.reduce(0, +)
  }

  /// The counts and then the offsets as MPI takes them; `total` must fit into an Int32.
  func numbers() -> UnsafeMutableBufferPointer<Int32> {
    var offset = 0
    var offsets: [Int32] = []
    for count in counts {
      offsets.append(Int32(offset))
      offset += count
    }
    return CommunicationBuffer(copying: counts.map { Int32($0) } + offsets).release()
  }

  func split<Element>(_ all: borrowing CommunicationBuffer<Element>) -> [[Element]] {
    var offset = 0
    return counts.map { count in
      defer { offset += count }
      return all.array(offset..<offset + count)
    }
  }
}
