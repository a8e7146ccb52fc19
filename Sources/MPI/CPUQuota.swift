internal import Platform

/// How much processor time the system gives to this process's control group.
///
/// Containers and batch systems limit time (`docker --cpus`, `CPUQuota=`) as well as the set of CPUs.
/// The affinity mask does not tell: all CPUs are there, and are taken away for most of each 0.1 s.
package enum CPUQuota {
  /// The least quota of the process's groups, in CPUs; nil where there is none, or no control groups.
  static func current() -> Double? { find(reading: contents) }

  /// Looks through the files of control groups, versions 2 and 1.
  ///
  /// - Parameter read: gives the text of a file, nil for one that does not exist.
  package static func find(reading read: (String) -> String?) -> Double? {
    var least: Double?
    for line in (read("/proc/self/cgroup") ?? "").split(separator: "\n") {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      let controllers = fields[1].split(separator: ",")
      guard controllers.isEmpty || controllers.contains("cpu") else { continue }
      let roots =
        controllers.isEmpty
        ? ["/sys/fs/cgroup"] : ["/sys/fs/cgroup/\(fields[1])", "/sys/fs/cgroup/cpu"]
      // A group's limit holds for those in it; a container sees its own group at the root.
      for root in roots {
        var parts = fields[2].split(separator: "/")
        while true {
          let folder = ([root] + parts.map(String.init)).joined(separator: "/")
          if let quota = quota(in: folder, read) { least = min(least ?? quota, quota) }
          if parts.isEmpty { break }
          parts.removeLast()
        }
      }
    }
    return least
  }

  private static func quota(in folder: String, _ read: (String) -> String?) -> Double? {
    func number(_ text: Substring?) -> Double? {
      text.flatMap { Double($0) }.flatMap { $0 > 0 ? $0 : nil }
    }
    func words(_ name: String) -> [Substring] {
      (read("\(folder)/\(name)") ?? "").split { $0 == " " || $0 == "\n" }
    }
    // "max 100000" and -1 are no limits.
    let new = words("cpu.max")
    if new.count == 2, let time = number(new[0]), let period = number(new[1]) {
      return time / period
    }
    if let time = number(words("cpu.cfs_quota_us").first),
      let period = number(words("cpu.cfs_period_us").first)
    {
      return time / period
    }
    return nil
  }

  /// The text of a small file; these say nothing of their size.
  private static func contents(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 16_384)
    let count = read(descriptor, &buffer, buffer.count)
    return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
  }
}
