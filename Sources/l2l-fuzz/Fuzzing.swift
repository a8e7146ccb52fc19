internal import Essentials
import Files
internal import Platform
import Processes

/// Inputs for the readers: a seed, and what the mutations start from.
struct Fuzzing {
  let seed: UInt64
  /// The folder of what was found to break a reader, or gets far into one, in a subfolder each.
  let corpus: String

  /// The valid inputs of a reader, and those of the corpus.
  private func seeds(_ reader: Reader) throws -> [[UInt8]] {
    let folder = Path("\(corpus)/\(reader.corpus)")
    let names = ((try? FolderListing.names(in: folder)) ?? [])
      .map { String(decoding: $0, as: UTF8.self) }.filter { $0.hasSuffix(reader.ending) }.sorted()
    let seeds =
      try reader.seeds() + names.map { try FileReader(path: "\(folder.text)/\($0)").bytes() }
    guard !seeds.isEmpty else {
      throw FileError.cannotRead(path: folder.text, call: "readdir", code: ENOENT)
    }
    return seeds
  }

  /// One input.
  func input(_ number: Int, of reader: Reader) throws -> [UInt8] {
    var mutation = Mutation(seed: seed, number: number)
    return mutation.input(from: try seeds(reader), reader.envelope)
  }

  // MARK: - In a process of its own

  /// Runs a batch here, with the number of each input noted before it; dies of what is to be found:
  /// a crash, more than a second of processor time, or 64 MB more than the valid inputs take.
  func run(_ reader: Reader, _ numbers: Range<Int>, notedIn note: String?) throws {
    let seeds = try seeds(reader)
    let folder = try scratchFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let current = try note.map(Note.init)
    // What is made once is made now.
    for seed in seeds { do { try reader.read(seed, folder) } catch {} }
    limitMemory(bytes: 64 << 20)
    for number in numbers {
      current?.write(number)
      var mutation = Mutation(seed: seed, number: number)
      let input = mutation.input(from: seeds, reader.envelope)
      limitTime()
      // An error is what a reader should have for most of them, but not this one.
      do { try reader.read(input, folder) } catch  where Self.tellsMemory(error) {
        fatalError("\(error)")
      } catch {}
    }
  }

  /// Whether a reader has asked for more memory than there is, and made an error of that.
  private static func tellsMemory(_ error: any Error) -> Bool {
    switch error {
    case is OutOfMemory, FileError.cannotRead(_, _, ENOMEM): true
    default: false
    }
  }

  /// A folder for inputs that are read as files, in memory where there is such a place.
  private func scratchFolder() throws -> String {
    let memory = "/dev/shm"
    let parent =
      access(memory, W_OK) == 0
      ? memory : ProcessInfo.processInfo.environment["TMPDIR"] ?? "/tmp"
    let folder = "\(parent)/l2l-fuzz-\(getpid())"
    _ = try Folder.make(folder)
    return folder
  }

  private func limitMemory(bytes: Int) {
    #if canImport(Glibc)
      guard let text = try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8),
        let pages = text.split(separator: " ").first.flatMap({ Int($0) })
      else { return }
      let most = rlim_t(pages * Int(getpagesize()) + bytes)
      var limit = rlimit(rlim_cur: most, rlim_max: most)
      setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
    #endif
  }

  private func limitTime() {
    #if canImport(Glibc)
      var second = itimerval(it_interval: timeval(), it_value: timeval(tv_sec: 1, tv_usec: 0))
      setitimer(__itimer_which_t(ITIMER_PROF.rawValue), &second, nil)
    #endif
  }

  // MARK: - From outside

  /// Runs a batch in a process of its own.
  ///
  /// - Returns: the input that ended it, and how; nil when all is well.
  func firstBad(_ reader: Reader, _ numbers: Range<Int>) throws -> (number: Int, how: String)? {
    let note = try scratchFolder() + ".note"
    defer { unlink(note) }
    try AtomicFile.write([UInt8](repeating: 0, count: 8), to: note)
    var variables = ProcessInfo.processInfo.environment
    variables["OPENBLAS_NUM_THREADS"] = "1"
    variables["SWIFT_BACKTRACE"] = "enable=no"
    let program = try RunningProgram(
      CommandLine.arguments[0],
      [
        reader.name, "--seed", "\(seed)", "--corpus", corpus, "--note", note, "--batch",
        "\(numbers.lowerBound)", "\(numbers.upperBound)",
      ], environment: variables, errors: STDERR_FILENO)
    let current = try Note(note)
    var (last, end) = (-1, program.wait(atMost: 60))
    // A machine that is busy is slow; an input that is under way after minutes waits for something.
    while end == nil, current.number != last {
      last = current.number
      end = program.wait(atMost: 240)
    }
    guard let end else {
      program.killAll()
      return (current.number, "it never ends")
    }
    switch end {
    case .exited(0): return nil
    case .signalled(SIGPROF): return (current.number, "over a second")
    default: return (current.number, "\(end)")
    }
  }
}

/// A number that outlives the process that wrote it.
final class Note {
  private let memory: UnsafeMutableRawPointer

  init(_ path: String) throws {
    let descriptor = open(path, O_RDWR | O_CLOEXEC)
    defer { close(descriptor) }
    guard descriptor >= 0,
      let memory = mmap(nil, 8, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0),
      memory != MAP_FAILED
    else { throw FileError.cannotWrite(path: path, call: "mmap", code: errno) }
    self.memory = memory
  }

  deinit { munmap(memory, 8) }

  func write(_ number: Int) { memory.storeBytes(of: Int64(number), as: Int64.self) }

  var number: Int { Int(memory.load(as: Int64.self)) }
}
