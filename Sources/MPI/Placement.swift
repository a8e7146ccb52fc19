import CMPI

/// Where this rank runs, and with whom it shares the place.
package struct Placement: Sendable, Hashable {
  /// The node's name.
  package let host: String

  /// The ranks of the world on this node.
  package let ranksOnNode: Int

  /// This rank's number among them.
  package let rankOnNode: Int

  /// The CPUs (hardware threads) that this process may run on: sched_getaffinity's.
  package let allowedCPUs: Int

  /// The CPUs of this node that are online.
  package let onlineCPUs: Int

  /// The CPUs that all ranks of this node may run on, taken together.
  package let allowedCPUsOfNode: Int

  /// The ranks on this node that may run on exactly the same CPUs as this one, itself included.
  package let ranksWithSameCPUs: Int

  /// The CPUs' worth of time that this process and those in its container may take together; nil
  /// where there is no quota.
  package let quota: Double?

  /// Whether the launcher, or taskset, confined this process to a part of the node.
  package var isBound: Bool { allowedCPUs < onlineCPUs }

  /// Whether the ranks of this node outnumber the CPUs that they may use.
  ///
  /// Several hosts that are one machine (network namespaces, containers) don't know of each other.
  package var isOversubscribed: Bool { ranksOnNode > allowedCPUsOfNode || isThrottled }

  /// Whether the quota leaves less than a CPU to each rank of this node.
  private var isThrottled: Bool { quota.map { $0 < Double(ranksOnNode) } ?? false }

  /// A warning where ranks outnumber the CPUs that they may use; nil where all is well.
  package var warning: String? {
    if let quota, isThrottled {
      // Up to a hundredth, without zeros at the end.
      let text = (quota * 100).rounded() / 100
      return
        "\(ranksOnNode) \(ranksOnNode == 1 ? "rank has" : "ranks share") a quota of \(text) CPUs on"
        + " \(host): \(ranksOnNode == 1 ? "it is" : "fewer ranks would be as fast; they are")"
        + " stopped for a part of the time"
    }
    guard isOversubscribed else { return nil }
    return
      "\(ranksOnNode) ranks share \(allowedCPUsOfNode) cores of \(host): fewer ranks would be as"
      + " fast"
  }

  /// The threads this rank can use without taking CPUs from another, 1 or more.
  ///
  /// A bound rank's CPUs are its own; ranks with the same CPUs share them evenly.
  package var threads: Int { max(1, allowedCPUs / max(1, ranksWithSameCPUs)) }

  /// Makes a placement of given facts.
  package init(host: String, ranksOnNode: Int, cpus: Int, quota: Double?) {
    (self.host, self.ranksOnNode, self.quota) = (host, ranksOnNode, quota)
    (rankOnNode, ranksWithSameCPUs) = (0, ranksOnNode)
    (allowedCPUs, onlineCPUs, allowedCPUsOfNode) = (cpus, cpus, cpus)
  }

  /// Finds out, as a collective over a communicator of one node's ranks.
  init(of node: Communicator) throws(MPIError) {
    let own = CPUSet.allowed()
    let all = try node.iAllGather(CommunicationBuffer(copying: own.words)).wait().array()
    let sets = (0..<node.size).map { index in
      CPUSet(words: Array(all[index * CPUSet.wordCount..<(index + 1) * CPUSet.wordCount]))
    }
    host = hostName()
    ranksOnNode = node.size
    rankOnNode = node.rank
    allowedCPUs = own.count
    onlineCPUs = CPUSet.online()
    allowedCPUsOfNode = sets.reduce(CPUSet.none) { $0.union($1) }.count
    ranksWithSameCPUs = sets.count { $0 == own }
    quota = CPUQuota.current()
  }
}

/// A set of CPU numbers.
struct CPUSet: Hashable {
  /// Enough for 8,192 CPUs, the most that Linux kernels are built for.
  static let wordCount = 128
  static let none = CPUSet(words: Array(repeating: 0, count: wordCount))

  var words: [UInt64]

  var count: Int { words.reduce(0) { $0 + $1.nonzeroBitCount } }

  func union(_ other: CPUSet) -> CPUSet {
    CPUSet(words: zip(words, other.words).map { $0 | $1 })
  }

  /// The CPUs this process may use; where the system does not tell, one.
  static func allowed() -> CPUSet {
    var result = none
    let code = CMPI_Affinity(&result.words, Int32(wordCount))
    if code != 0 || result == none { result.words[0] = 1 }
    return result
  }

  /// The number of CPUs of this node that are online.
  static func online() -> Int {
    var count: Int32 = 1
    _ = CMPI_Online_cpus(&count)
    return Int(count)
  }
}
