internal import Platform

/// The program's arguments and environment as text that is just what was given.
///
/// `CommandLine.arguments` and `String(cString:)` replace bytes that are not UTF-8: a file of another
/// name would be written. Such arguments are refused.
public enum ProgramArguments {
  /// The arguments behind the program's name.
  ///
  /// - Throws: `FileError.notUTF8`.
  public static func strings(
    _ count: Int32 = CommandLine.argc,
    _ values: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?> = CommandLine.unsafeArgv
  ) throws(FileError) -> [String] {
    var strings: [String] = []
    for index in 1..<max(1, Int(count)) {
      guard let value = values[index] else { break }
      strings.append(try string(value))
    }
    return strings
  }

  /// The value of an environment variable; nil when it is not set.
  ///
  /// - Throws: `FileError.notUTF8`.
  public static func variable(_ name: String) throws(FileError) -> String? {
    guard let value = getenv(name) else { return nil }
    return try string(value)
  }

  private static func string(_ value: UnsafePointer<CChar>) throws(FileError) -> String {
    guard let string = String(validatingCString: value) else {
      throw .notUTF8(text: String(cString: value))
    }
    return string
  }
}
