internal import Essentials
internal import Platform

/// A line of progress on standard error, if that is a terminal that can take a line back.
struct ProgressBar {
  /// What is counted.
  let unit: String
  /// The columns of the terminal now, which may be resized; nil where there is to be no bar.
  private let columns: () -> Int?
  private let write: (String) -> Void
  private let start = Date()
  private var lastShown = Date.distantPast
  private var first: Int?
  private var isShown = false

  init(
    unit: String = "epochs", columns: @escaping () -> Int? = Self.terminalColumns,
    write: @escaping (String) -> Void = StandardError.put
  ) {
    self.unit = unit
    self.columns = columns
    self.write = write
  }

  mutating func show(_ done: Int, of count: Int) {
    let now = Date()
    if first == nil { first = done - 1 }
    guard now.timeIntervalSince(lastShown) > 0.2 || done == count else { return }
    lastShown = now
    guard let columns = columns() else { return }
    let elapsed = now.timeIntervalSince(start)
    let rate = Double(done - (first ?? 0)) / max(elapsed, 1e-9)
    let line = Self.line(done, of: count, rate: rate, unit: unit, columns: columns)
    guard !line.isEmpty else { return clear() }
    write("\r\u{1B}[K\(line)")
    isShown = true
  }

  mutating func clear() {
    if isShown { write("\r\u{1B}[K") }
    isShown = false
  }

  /// What fits into a line: in the last column terminals begin a new one, which can't be taken back.
  static func line(_ done: Int, of count: Int, rate: Double, unit: String, columns: Int) -> String {
    // No number of seconds that a training can last is above this.
    let left = Int(min(Double(count - done) / max(rate, 1e-9), 1e12))
    let clock = String(format: "%d:%02d:%02d left", left / 3600, left / 60 % 60, left % 60)
    let counted = "\(done)/\(count)"
    let speed = String(format: "%.2f", rate) + " \(unit)/s"
    let texts = ["\(counted)  \(speed)  \(clock)", "\(counted)  \(clock)", counted]
    guard let text = texts.first(where: { $0.utf8.count < columns }) else { return "" }
    let width = min(30, columns - text.utf8.count - 4)
    guard width >= 10 else { return text }
    let filled = count > 0 ? width * min(max(done, 0), count) / count : width
    return "[" + String(repeating: "#", count: filled)
      + String(repeating: ".", count: width - filled) + "] " + text
  }

  private static func terminalColumns() -> Int? {
    guard StandardError.isTerminal else { return nil }
    let type = ProcessInfo.processInfo.environment["TERM"] ?? ""
    guard !type.isEmpty, type != "dumb" else { return nil }
    var size = winsize()
    let isKnown = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return isKnown ? Int(size.ws_col) : 80
  }
}
