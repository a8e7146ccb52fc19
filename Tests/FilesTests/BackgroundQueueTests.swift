import Files
import Synchronization
import TestSupport
import Testing

@Suite("BackgroundQueue")
struct BackgroundQueueTests {
  @Test("jobs run in order, with a thread and without one", arguments: [true, false])
  func order(canHaveThread: Bool) {
    let queue = BackgroundQueue(canHaveThread: canHaveThread)
    let seen = Mutex<[Int]>([])
    for index in 0..<1000 { queue.async { seen.withLock { $0.append(index) } } }
    queue.drain()
    #expect(seen.withLock { $0 } == Array(0..<1000))
  }

  @Test("without a thread the job has run when async returns")
  func foreground() {
    let queue = BackgroundQueue(canHaveThread: false)
    let done = Mutex(false)
    queue.async { done.withLock { $0 = true } }
    #expect(done.withLock { $0 })
  }

  #if compiler(>=6.3)
    @Test("where the system gives no thread, jobs run all the same")
    func limit() async {
      // In a process of its own. Root has no limit of processes, so there is no room for a stack.
      await #expect(processExitsWith: .success) {
        let queue = BackgroundQueue()
        let done = Mutex(0)
        try Limit.addressSpace.set(to: 1 << 20)
        for _ in 0..<10 { queue.async { done.withLock { $0 += 1 } } }
        #expect(done.withLock { $0 } == 10)
        queue.drain()
      }
    }
  #endif

  @Test("what was asked for runs though the queue is gone")
  func end() async throws {
    let done = Mutex(0)
    do {
      let queue = BackgroundQueue()
      for _ in 0..<100 { queue.async { done.withLock { $0 += 1 } } }
    }
    while done.withLock({ $0 }) < 100 { try await Task.sleep(for: .milliseconds(1)) }
  }
}
