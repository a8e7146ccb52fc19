#if compiler(>=6.3)
  import Foundation
  import Processes
  import TestSupport
  import Testing

  /// Lets this thread take signals, so that `raise` returns when the handler has: threads of Swift's
  /// concurrency block them all.
  private func takeSignals() {
    var none = sigset_t()
    sigemptyset(&none)
    pthread_sigmask(SIG_SETMASK, &none, nil)
  }

  // Each test has a process of its own: signals and their handlers are the whole process's.
  @Suite("SignalWatch")
  struct SignalWatchTests {
    @Test("every signal that asks to stop is noted, and the first one counts")
    func noted() async {
      await #expect(processExitsWith: .success) {
        takeSignals()
        for number in SignalWatch.standard {
          let watch = try SignalWatch()
          #expect(watch.first == nil)
          raise(number)
          #expect(watch.first == number)
          raise(SIGTERM)
          #expect(watch.first == number)
        }
      }
    }

    @Test("a second Ctrl-C ends the program at once, a second SIGTERM does not")
    func second() async {
      await #expect(processExitsWith: .signal(SIGINT)) {
        let watch = try SignalWatch()
        takeSignals()
        for number in [SIGTERM, SIGTERM, SIGINT] { raise(number) }
        withExtendedLifetime(watch) {}
        exit(0)
      }
    }

    @Test("a signal that was ignored at the start stays ignored")
    func ignored() async {
      await #expect(processExitsWith: .success) {
        signal(SIGINT, SIG_IGN)
        signal(SIGHUP, SIG_IGN)
        let watch = try SignalWatch()
        takeSignals()
        for number in [SIGINT, SIGHUP, SIGINT] { raise(number) }
        #expect(watch.first == nil)
      }
    }

    @Test("signals are as before when watching ends, and one watches at a time")
    func restored() async {
      await #expect(processExitsWith: .signal(SIGTERM)) {
        takeSignals()
        do {
          let watch = try SignalWatch()
          #expect(throws: SignalWatch.AlreadyWatching.self) { try SignalWatch() }
          withExtendedLifetime(watch) {}
        }
        raise(SIGTERM)
      }
    }

    @Test("the notice is written once, at the first signal")
    func notice() async throws {
      let result = await #expect(
        processExitsWith: .success, observing: [\.standardErrorContent]
      ) {
        let watch = try SignalWatch(notice: "stopping\n")
        takeSignals()
        for _ in 0..<3 { raise(SIGUSR2) }
        #expect(watch.first == SIGUSR2)
      }
      let text = String(decoding: result?.standardErrorContent ?? [], as: UTF8.self)
      #expect(text.components(separatedBy: "stopping\n").count == 2)
    }

    @Test("a handler of a full pipe returns")
    func fullPipe() async {
      await #expect(processExitsWith: .success) {
        var ends: [Int32] = [0, 0]
        #expect(pipe(&ends) == 0)
        _ = fcntl(ends[1], F_SETFL, O_NONBLOCK)
        while write(ends[1], [0], 1) > 0 {}
        _ = fcntl(ends[1], F_SETFL, 0)
        let watch = try SignalWatch(notice: "stopping\n")
        takeSignals()
        let error = dup(2)
        dup2(ends[1], 2)
        raise(SIGTERM)
        dup2(error, 2)
        #expect(watch.first == SIGTERM)
      }
    }

    @Test("signals come where the system gives no thread")
    func noThreads() async {
      await #expect(processExitsWith: .success) {
        let watch = try SignalWatch()
        takeSignals()
        try Limit.addressSpace.set(to: 1 << 20)
        raise(SIGTERM)
        #expect(watch.first == SIGTERM)
      }
    }
  }
#endif
