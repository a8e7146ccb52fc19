internal import Platform
public import Settings

/// How a learning rate goes on over a run: a factor for every step.
///
/// With T steps and a warm-up of w = round(share T), the factor of step t, counted from 0, is
///
///     t < w: t / w
///     constant:      1
///     cosine:        (1 + cos(pi (t - w) / (T - w))) / 2
///     exponential:   0.01^((t - w) / (T - w))
///     inverse root:  sqrt(s / max(t, s)), s = max(w, 1)
///
/// as optax's `join_schedules` of a `linear_schedule` from 0 and a `cosine_decay_schedule` or
/// `exponential_decay` has it.
public struct RateSchedule: Hashable, Sendable {
  /// The form after the warm-up.
  public enum Form: String, CaseIterable, Sendable {
    /// The rate stays.
    case constant
    /// Half a cosine, to 0.
    case cosine
    /// To a hundredth.
    case exponential
    /// One over the root of the step.
    case inverseRoot = "inverse-root"
  }

  /// The form after the warm-up.
  public var form: Form
  /// The share of all steps in which the rate rises from 0.
  public var warmup: Double

  /// A schedule.
  ///
  /// - Precondition: a warm-up from 0 to 1.
  public init(_ form: Form = .constant, warmup: Double = 0) {
    precondition((0...1).contains(warmup), "a warm-up of \(warmup)")
    self.form = form
    self.warmup = warmup
  }

  /// Always the same rate.
  public static let constant = RateSchedule()

  /// The form and the warm-up, as `cosine+0.05`.
  public var text: String { warmup > 0 ? "\(form.rawValue)+\(warmup)" : form.rawValue }

  /// The schedule that a text says; nil when it says none.
  public init?(text: String) {
    let parts = text.split(separator: "+", maxSplits: 1, omittingEmptySubsequences: false)
    guard let form = parts.first.flatMap({ Form(rawValue: String($0)) }) else { return nil }
    guard parts.count == 2 else {
      self.init(form)
      return
    }
    guard let warmup = Double(parts[1]), warmup > 0, warmup <= 1 else { return nil }
    self.init(form, warmup: warmup)
  }

  /// What the rate of a step is multiplied by; 1 where the number of steps is not known.
  public func factor(step: Int, of count: Int?) -> Double {
    guard let count else { return 1 }
    let warm = Int((warmup * Double(count)).rounded())
    if step < warm { return Double(step) / Double(warm) }
    let share = min(Double(step - warm) / Double(max(count - warm, 1)), 1)
    switch form {
    case .constant: return 1
    case .cosine: return (1 + cos(.pi * share)) / 2
    case .exponential: return pow(0.01, share)
    case .inverseRoot:
      let start = Double(max(warm, 1))
      return (start / max(Double(step), start)).squareRoot()
    }
  }
}

extension RateSchedule: SettingValue {
  /// A form, with a warm-up or without.
  public static var placeholder: String { "FORM[+WARM-UP]" }
  /// The forms.
  public static func expectation(_ bounds: Bounds) -> String {
    "\(Form.allCases.map(\.rawValue).joined(separator: ", ")), each with the share of a warm-up or"
      + " without, as cosine+0.05"
  }
  /// What `text` is.
  public init?(settingTexts texts: [String]) {
    guard let text = texts.last else { return nil }
    self.init(text: text)
  }
  /// What `settingJSON` is.
  public init?(settingJSON json: JSONValue) {
    guard let text = json.string else { return nil }
    self.init(text: text)
  }
  /// `text`.
  public var settingText: String { text }
  /// `text`.
  public var settingJSON: JSONValue { .string(text) }
}

extension RateSchedule: RawRepresentable, Codable {
  /// `text`, which stands in files.
  public var rawValue: String { text }
  /// The schedule that a text says; nil when it says none.
  public init?(rawValue: String) { self.init(text: rawValue) }
}
