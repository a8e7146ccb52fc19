/// Where a setting was given.
public enum SettingPlace: Equatable, Sendable {
  /// As an option of the program.
  case commandLine
  /// Among the options of the problem of this name.
  case problem(String)
  /// Among the options of the net of this class.
  case net(String)
  /// In the recipe of this name.
  case recipe(String)
  /// In a file.
  case file
}

/// A setting that can't be used.
public struct SettingError: Error, Equatable, Sendable {
  /// What is wrong with it.
  public enum Fault: Equatable, Sendable {
    /// There is none of this name.
    case unknown(valid: [String])
    /// The value can't be read or is out of range.
    case invalid(value: String, expected: String)
    /// It was given more than once.
    case repeated(values: [String])
    /// It is missing where all must be.
    case missing
    /// It does not go with itself or with other settings, for a reason in words.
    case contradiction(reason: String)
  }

  /// Which setting.
  public let name: String
  /// Where it was given.
  public let place: SettingPlace
  /// What is wrong with it.
  public let fault: Fault

  /// An error of facts; see `description` for the sentence.
  public init(_ name: String, in place: SettingPlace, _ fault: Fault) {
    self.name = name
    self.place = place
    self.fault = fault
  }

  /// The same error of a setting that was given elsewhere.
  public func moved(to place: SettingPlace) -> SettingError { SettingError(name, in: place, fault) }
}
