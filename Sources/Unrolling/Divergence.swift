/// Where a loss, a gradient or a meta-gradient stopped being a finite number.
public struct Divergence: Error, Hashable, Codable, Sendable {
  /// What was not finite.
  public enum Quantity: Hashable, Codable, Sendable {
    /// The optimizee's loss.
    case loss
    /// The gradient of the loss in this parameter.
    case gradient(parameter: String)
    /// The meta-gradient of this net.
    case metaGradient(net: String)
  }

  /// The optimizee.
  public let key: OptimizeeKey
  /// The evaluation of the loss, counted from the reset.
  public let step: Int
  /// What was not finite.
  public let quantity: Quantity

  /// A divergence of which all is known.
  package init(key: OptimizeeKey, step: Int, quantity: Quantity) {
    self.key = key
    self.step = step
    self.quantity = quantity
  }
}
