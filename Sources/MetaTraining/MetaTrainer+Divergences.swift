internal import Unrolling

// Each divergence is told once, on the rank that prints.
extension MetaTrainer {
  private var codes: DivergenceCode { DivergenceCode(unroller: unroller, seed: options.seed) }

  /// 0 for no divergence, and for those already reported.
  func newCode(of divergence: Divergence?) -> Int64 {
    guard let divergence, reported.insert(divergence).inserted else { return 0 }
    return codes.code(divergence)
  }

  /// Tells the observer of the divergences that any process has found.
  func report(_ reports: [WindowReport]) {
    for (particle, report) in reports.enumerated() where report.divergence != 0 {
      observer?.diverged(codes.divergence(report.divergence, particle: particle))
    }
  }

  /// Tells of all of them once more.
  func forgetReportedDivergences() { reported = [] }
}

/// Where a process's time went since the last log line, in seconds.
struct Stopwatch {
  var compute = 0.0
  var wait = 0.0
  var reduce = 0.0
  var total = 0.0
  var epochs = 0
}
