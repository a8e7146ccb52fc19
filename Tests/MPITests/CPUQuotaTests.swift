import MPI
import Testing

@Suite("CPUQuota and Placement")
struct CPUQuotaTests {
  private func quota(_ files: [String: String]) -> Double? { CPUQuota.find { files[$0] } }

  @Test("the quota of control groups, version 2, is the least on the way to the root")
  func versionTwo() {
    let group = ["/proc/self/cgroup": "0::/a/b\n"]
    #expect(quota(group) == nil)
    #expect(quota(group.merging(["/sys/fs/cgroup/a/b/cpu.max": "50000 100000\n"]) { $1 }) == 0.5)
    let both = [
      "/sys/fs/cgroup/a/b/cpu.max": "max 100000\n", "/sys/fs/cgroup/a/cpu.max": "150000 100000\n",
      "/sys/fs/cgroup/cpu.max": "400000 100000\n",
    ]
    #expect(quota(group.merging(both) { $1 }) == 1.5)
    // In a container the own group is the root.
    #expect(
      quota(["/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/cpu.max": "20000 100000"]) == 0.2)
  }

  @Test("version 1 has files of its own, and -1 for no limit")
  func versionOne() {
    let group = ["/proc/self/cgroup": "3:memory:/x\n2:cpu,cpuacct:/docker/c\n0::/\n"]
    let folder = "/sys/fs/cgroup/cpu,cpuacct"
    #expect(
      quota(
        group.merging([
          "\(folder)/docker/c/cpu.cfs_quota_us": "-1\n",
          "\(folder)/docker/c/cpu.cfs_period_us": "100000\n",
          "\(folder)/cpu.cfs_quota_us": "250000\n", "\(folder)/cpu.cfs_period_us": "100000\n",
        ]) { $1 }) == 2.5)
  }

  @Test(
    "what is no number is no quota", arguments: ["", "max", "0 100000", "x y", "100 0", "1 2 3"])
  func malformed(text: String) {
    #expect(
      quota(["/proc/self/cgroup": "0::/\nx\n::\n", "/sys/fs/cgroup/cpu.max": text]) == nil)
  }

  @Test("a quota below a core a rank is warned of, as too few cores are")
  func warnings() {
    func warning(_ ranks: Int, _ cpus: Int, _ quota: Double?) -> String? {
      Placement(host: "h", ranksOnNode: ranks, cpus: cpus, quota: quota).warning
    }
    #expect(warning(2, 2, nil) == nil && warning(2, 2, 2) == nil)
    #expect(warning(3, 2, nil)?.contains("3 ranks share 2 cores of h") == true)
    #expect(warning(2, 4, 1.5)?.contains("2 ranks share a quota of 1.5 CPUs on h") == true)
    #expect(warning(1, 4, 0.25)?.contains("1 rank has a quota of 0.25 CPUs on h") == true)
  }
}
