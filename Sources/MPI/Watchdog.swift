internal import Platform

/// Reports a call of MPI that takes too long and can be given no time limit.
///
/// MPI_Init and MPI_Finalize wait for ever for a rank that does not come. The report is made by
/// another thread while the call still waits, so it must not call MPI and has to end the process:
/// the launcher then ends the others. Where the system gives no thread nobody watches; a queue of
/// Dispatch would wait for one, and keep signals from ending the process.
struct Watchdog {
  private let watch: Watch?

  /// Starts to wait for `cancel`, where there are a limit and somebody to report to.
  init(
    _ function: StaticString, limit: Duration?, rank: Int?,
    report: (@Sendable (MPIError) -> Never)?
  ) {
    guard let limit, let report else {
      watch = nil
      return
    }
    // The host's name is asked for now, since MPI knows it.
    let host = hostName()
    let (seconds, attoseconds) = limit.components
    let total = Double(seconds) + Double(attoseconds) / 1e18
    // Over a year is for ever.
    watch = Watch(seconds: min(total, 4e7)) {
      report(
        .timeout(
          TimedOutOperation(function: "\(function)", seconds: total, rank: rank, host: host)))
    }
    watch?.start()
  }

  /// The call has returned.
  func cancel() { watch?.cancel() }
}

/// What the watchdog and its thread share.
///
/// `@unchecked Sendable`: what changes is touched with the lock held.
private final class Watch: @unchecked Sendable {
  private let seconds: Double
  private let report: @Sendable () -> Void
  private let lock = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let changed = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var isOver = false

  init(seconds: Double, report: @escaping @Sendable () -> Void) {
    self.seconds = seconds
    self.report = report
    lock.initialize(to: pthread_mutex_t())
    changed.initialize(to: pthread_cond_t())
    pthread_mutex_init(lock, nil)
    pthread_cond_init(changed, nil)
  }

  deinit {
    pthread_cond_destroy(changed)
    pthread_mutex_destroy(lock)
    changed.deallocate()
    lock.deallocate()
  }

  func start() {
    var attributes = pthread_attr_t()
    guard pthread_attr_init(&attributes) == 0 else { return }
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, 1 << 20)
    // Signals are for the thread that works.
    var (all, old) = (sigset_t(), sigset_t())
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &old)
    defer { pthread_sigmask(SIG_SETMASK, &old, nil) }
    let context = Unmanaged.passRetained(self)
    #if canImport(Darwin)
      var thread: pthread_t?
    #else
      var thread = pthread_t()
    #endif
    let code = pthread_create(&thread, &attributes, { runWatch($0) }, context.toOpaque())
    if code != 0 { context.release() }
  }

  func cancel() {
    pthread_mutex_lock(lock)
    isOver = true
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(lock)
  }

  /// The thread's work.
  func run() {
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let whole = Int(seconds)
    let nanoseconds = Int(now.tv_nsec) + Int((seconds - Double(whole)) * 1e9)
    var end = timespec()
    end.tv_sec = now.tv_sec + whole + nanoseconds / 1_000_000_000
    end.tv_nsec = nanoseconds % 1_000_000_000
    pthread_mutex_lock(lock)
    var code: Int32 = 0
    while !isOver, code != ETIMEDOUT { code = pthread_cond_timedwait(changed, lock, &end) }
    let isDue = !isOver
    pthread_mutex_unlock(lock)
    if isDue { report() }
  }
}

private func runWatch(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let context else { return nil }
  Unmanaged<Watch>.fromOpaque(context).takeRetainedValue().run()
  return nil
}
