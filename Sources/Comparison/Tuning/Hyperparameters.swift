public import LearnedOptimizers

/// What one trial of an optimizer is made with.
public struct Hyperparameters: Hashable, Sendable, Codable {
  /// Which of them a search may choose.
  public struct Dimensions: OptionSet, Hashable, Sendable {
    /// A bit a dimension.
    public let rawValue: Int
    /// The dimensions of these bits.
    public init(rawValue: Int) { self.rawValue = rawValue }

    /// The learning rate.
    public static let rate = Dimensions(rawValue: 1)
    /// The decay of the first moment.
    public static let momentum = Dimensions(rawValue: 2)
    /// The weight decay.
    public static let weightDecay = Dimensions(rawValue: 4)
    /// How the rate goes on.
    public static let schedule = Dimensions(rawValue: 8)
  }

  /// The learning rate.
  public var rate: Float
  /// The decay of the first moment, or the momentum; nil for the optimizer's own.
  public var momentum: Double?
  /// The decoupled weight decay; nil for the optimizer's own.
  public var weightDecay: Float?
  /// How the rate goes on.
  public var schedule: RateSchedule

  /// A rate, and the rest where it differs from the optimizer's own.
  public init(
    rate: Float, momentum: Double? = nil, weightDecay: Float? = nil,
    schedule: RateSchedule = .constant
  ) {
    self.rate = rate
    self.momentum = momentum
    self.weightDecay = weightDecay
    self.schedule = schedule
  }
}

/// A trial and what came of it.
package struct Trial: Equatable, Sendable {
  /// What it was made with.
  package let hyperparameters: Hyperparameters
  /// The mean final loss; infinite when a run diverged.
  package let loss: Double

  /// A trial of which all is known.
  package init(_ hyperparameters: Hyperparameters, loss: Double) {
    self.hyperparameters = hyperparameters
    self.loss = loss
  }
}
