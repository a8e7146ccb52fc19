/// Places labels in a column so that each is near its wanted height and none covers another.
package enum LabelColumn {
  /// Heights for labels, least far from the wanted ones in the sum of squares.
  ///
  /// Labels that would cover each other form a block around their mean; blocks that then meet are
  /// joined (the pool-adjacent-violators algorithm of isotonic regression).
  ///
  /// - Parameters:
  ///   - wanted: any heights, not NaN.
  ///   - gap: the least distance between two labels.
  ///   - range: where labels may be; if it is too short for all, they go beyond its lower end.
  package static func heights(
    wanted: [Double], gap: Double, range: ClosedRange<Double>
  ) -> [Double] {
    // What is left when the k-th lowest label gives up k gaps has only to be in order.
    let order = wanted.indices.sorted { (wanted[$0], $1) < (wanted[$1], $0) }
    var blocks: [(sum: Double, count: Int)] = []
    for (rank, index) in order.enumerated() {
      blocks.append((wanted[index] - Double(rank) * gap, 1))
      while blocks.count > 1 {
        let last = blocks[blocks.count - 1]
        let previous = blocks[blocks.count - 2]
        guard previous.sum / Double(previous.count) >= last.sum / Double(last.count) else { break }
        blocks.removeLast(2)
        blocks.append((previous.sum + last.sum, previous.count + last.count))
      }
    }
    let top = range.upperBound - Double(wanted.count - 1) * gap
    var heights = wanted
    var rank = 0
    for block in blocks {
      let level = min(max(block.sum / Double(block.count), range.lowerBound), top)
      for _ in 0..<block.count {
        heights[order[rank]] = level + Double(rank) * gap
        rank += 1
      }
    }
    return heights
  }
}
