internal import Platform

/// A failed system call, before it is known for which path to report it.
struct CallFailure: Error {
  let call: String
  let code: Int32

  /// Notes `errno`, so it must be made right after the call.
  init(_ call: String) { self.init(call, code: errno) }

  init(_ call: String, code: Int32) {
    self.call = call
    self.code = code
  }
}

/// Writing as much as the system takes.
enum Writing {
  /// Writes all bytes, in as many calls as the system needs.
  ///
  /// A short count is no failure: network file systems and signals cut writes, and the next call
  /// goes on or says what is wrong. A descriptor that would block is waited for.
  ///
  /// - Parameter patience: seconds without progress until EAGAIN is a failure.
  /// - Returns: how many bytes are written; when not all are, `errno` says why.
  static func all(
    _ bytes: [UInt8], to descriptor: Int32, patience: Double,
    _ write: (Int32, UnsafeRawPointer, Int) -> Int
  ) -> Int {
    var code: Int32 = 0
    var total = 0
    withoutSizeSignal {
      bytes.withUnsafeBytes { buffer in
        var waited = 0.0
        while total < buffer.count {
          guard let start = UnsafeRawBufferPointer(rebasing: buffer[total...]).baseAddress
          else { return }
          let count = write(descriptor, start, buffer.count - total)
          if count > 0 {
            total += count
            waited = 0
          } else if count == 0 {
            code = EIO
            return
          } else if errno == EAGAIN, waited < patience {
            var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
            poll(&entry, 1, 50)
            waited += 0.05
          } else if errno != EINTR {
            code = errno
            return
          }
        }
      }
    }
    errno = code
    return total
  }

  /// Keeps a write beyond the file-size limit from ending the process: EFBIG tells of it.
  ///
  /// The signal goes to the thread that writes. Blocked there, it stays pending and is taken away,
  /// so that what the program does with SIGXFSZ elsewhere is as it was.
  static func withoutSizeSignal(_ body: () -> Void) {
    #if os(Linux)
      var (set, old, pending) = (sigset_t(), sigset_t(), sigset_t())
      sigemptyset(&set)
      sigaddset(&set, SIGXFSZ)
      sigpending(&pending)
      let wasPending = sigismember(&pending, SIGXFSZ) == 1
      pthread_sigmask(SIG_BLOCK, &set, &old)
      body()
      if !wasPending {
        var none = timespec()
        while sigtimedwait(&set, nil, &none) < 0, errno == EINTR {}
      }
      pthread_sigmask(SIG_SETMASK, &old, nil)
    #else
      body()
    #endif
  }
}
