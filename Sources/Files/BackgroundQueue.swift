internal import Platform

/// Runs jobs one after another, on a thread of its own where there can be one.
///
/// A dispatch queue waits for ever when the system gives no thread (a container's limit of
/// processes, `ulimit -u`, no room for a stack): nothing runs, and nobody is told. Here the job then
/// runs at once, in the foreground, before `async` returns.
///
/// The thread takes no signals, so that they interrupt the thread that waits for them. It starts
/// with the first job and ends with the queue, after the last one.
public final class BackgroundQueue: Sendable {
  private let worker: Worker

  /// Makes a queue without a thread.
  public convenience init() { self.init(canHaveThread: true) }

  /// Makes a queue that may be told to do without a thread, for tests.
  package init(canHaveThread: Bool) { worker = Worker(canHaveThread: canHaveThread) }

  deinit { worker.close() }

  /// Runs the job after those before it; returns at once where there is a thread.
  public func async(_ job: @escaping @Sendable () -> Void) { worker.add(job) }

  /// Waits until all jobs so far have run.
  ///
  /// - Precondition: it is not called by a job.
  public func drain() { worker.drain() }
}

/// What the queue and its thread share; the thread keeps it alive.
///
/// `@unchecked Sendable`: what changes is touched with the lock held.
private final class Worker: @unchecked Sendable {
  private let lock: UnsafeMutablePointer<pthread_mutex_t>
  private let changed: UnsafeMutablePointer<pthread_cond_t>
  private var jobs: [@Sendable () -> Void] = []
  private var isBusy = false
  private var hasThread = false
  private var isClosed = false
  private let canHaveThread: Bool

  init(canHaveThread: Bool) {
    self.canHaveThread = canHaveThread
    lock = .allocate(capacity: 1)
    changed = .allocate(capacity: 1)
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

  func add(_ job: @escaping @Sendable () -> Void) {
    pthread_mutex_lock(lock)
    if !hasThread { hasThread = startThread() }
    guard hasThread else {
      // Two callers must not run their jobs at the same time either.
      while isBusy { pthread_cond_wait(changed, lock) }
      perform(job)
      pthread_mutex_unlock(lock)
      return
    }
    jobs.append(job)
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(lock)
  }

  func drain() {
    pthread_mutex_lock(lock)
    while isBusy || !jobs.isEmpty { pthread_cond_wait(changed, lock) }
    pthread_mutex_unlock(lock)
  }

  func close() {
    pthread_mutex_lock(lock)
    isClosed = true
    pthread_cond_broadcast(changed)
    pthread_mutex_unlock(lock)
  }

  /// The thread's work.
  func run() {
    pthread_mutex_lock(lock)
    while true {
      while jobs.isEmpty, !isClosed { pthread_cond_wait(changed, lock) }
      guard !jobs.isEmpty else { break }
      perform(jobs.removeFirst())
    }
    pthread_mutex_unlock(lock)
  }

  /// Runs a job without the lock, which is held before and after.
  private func perform(_ job: @Sendable () -> Void) {
    isBusy = true
    pthread_mutex_unlock(lock)
    job()
    pthread_mutex_lock(lock)
    isBusy = false
    pthread_cond_broadcast(changed)
  }

  /// Starts the thread; false when the system gives none.
  private func startThread() -> Bool {
    guard canHaveThread else { return false }
    var attributes = pthread_attr_t()
    guard pthread_attr_init(&attributes) == 0 else { return false }
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    // Jobs write files; the usual 8 MB count against a limit of address space.
    pthread_attr_setstacksize(&attributes, 1 << 20)
    var (all, old) = (sigset_t(), sigset_t())
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &old)
    defer { pthread_sigmask(SIG_SETMASK, &old, nil) }
    let context = Unmanaged.passRetained(self)
    #if canImport(Darwin)
      var thread: pthread_t?
      let code = pthread_create(&thread, &attributes, { runWorker($0) }, context.toOpaque())
    #else
      var thread = pthread_t()
      let code = pthread_create(&thread, &attributes, { runWorker($0) }, context.toOpaque())
    #endif
    if code != 0 { context.release() }
    return code == 0
  }
}

private func runWorker(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let context else { return nil }
  Unmanaged<Worker>.fromOpaque(context).takeRetainedValue().run()
  return nil
}
