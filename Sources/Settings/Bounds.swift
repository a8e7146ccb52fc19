/// The range that a setting's number must lie in.
public struct Bounds: Equatable, Sendable {
  private let lower: Double
  private let upper: Double
  private let excludesLower: Bool
  private let excludesUpper: Bool

  /// Every finite number.
  public static let any = Bounds(lower: -.infinity, upper: .infinity)

  /// Numbers greater than `lower` and, with a limit, less than that.
  public static func above(_ lower: Double, below upper: Double = .infinity) -> Bounds {
    Bounds(lower: lower, upper: upper, excludesLower: true, excludesUpper: true)
  }

  /// Numbers of `lower` or more and, with a limit, less than that.
  public static func atLeast(_ lower: Double, below upper: Double = .infinity) -> Bounds {
    Bounds(lower: lower, upper: upper, excludesUpper: true)
  }

  /// Numbers from `lower` to `upper`, both included.
  public static func from(_ lower: Double, to upper: Double) -> Bounds {
    Bounds(lower: lower, upper: upper)
  }

  private init(
    lower: Double, upper: Double, excludesLower: Bool = false, excludesUpper: Bool = false
  ) {
    self.lower = lower
    self.upper = upper
    self.excludesLower = excludesLower
    self.excludesUpper = excludesUpper
  }

  /// Whether a number lies in the range; what is not finite lies in none.
  public func contains(_ value: Double) -> Bool {
    guard value.isFinite else { return false }
    return (excludesLower ? value > lower : value >= lower)
      && (excludesUpper ? value < upper : value <= upper)
  }
}

extension Bounds: CustomStringConvertible {
  /// The range in words that follow a noun, as `above 0 and below 1000`; empty for every number.
  public var description: String {
    func text(_ bound: Double) -> String { JSONValue.number(bound).text }
    if !excludesLower, !excludesUpper, lower.isFinite, upper.isFinite {
      return "from \(text(lower)) to \(text(upper))"
    }
    var parts: [String] = []
    if lower.isFinite {
      parts.append(excludesLower ? "above \(text(lower))" : "of at least \(text(lower))")
    }
    if upper.isFinite {
      parts.append(excludesUpper ? "below \(text(upper))" : "of at most \(text(upper))")
    }
    return parts.joined(separator: " and ")
  }
}
