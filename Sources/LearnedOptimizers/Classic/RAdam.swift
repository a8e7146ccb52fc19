public import Autodiff
public import Layers
public import Settings
public import Tensors

/// Rectified Adam (Liu et al., 2020, https://arxiv.org/abs/1908.03265): as long as the second moment's
/// variance is not known, the bias-corrected mean alone, then Adam with a factor that grows to 1.
///
///     rho_max = 2 / (1 - b2) - 1,  rho = rho_max - 2 t b2^t / (1 - b2^t)
///     factor = sqrt((rho - 4) (rho - 2) rho_max / ((rho_max - 4) (rho_max - 2) rho)) from rho = 5 on
public struct RAdam: RowwiseOptimizer {
  /// `RAdam`.
  public static let name = "RAdam"
  /// The constants.
  public let settings: AdamSettings
  /// None.
  public var weights: [VariableSpecification] { [] }

  private static let threshold = 5.0

  /// RAdam with these constants.
  public init(_ settings: AdamSettings) { self.settings = settings }

  /// RAdam with the given constants.
  public init(
    learningRate: Float = 0.001, beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Float = 1e-8
  ) {
    self.init(
      AdamSettings(learningRate: learningRate, beta1: beta1, beta2: beta2, epsilon: epsilon))
  }

  /// learning_rate, beta1, beta2 and epsilon.
  public var options: [String: JSONValue] { settings.json }

  /// m and v.
  public var rowStateShapes: [Shape] { [Shape(vector: 1), Shape(vector: 1)] }

  /// One step.
  public func update(rows: Variable, state: [Variable], index: Int, weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let moments = settings.moments
    let next = moments.next(rows, state)
    let mean = moments.mean(next[0], index)
    let most = 2 / (1 - moments.beta2) - 1
    let forgotten = 1 - moments.unforgotten(moments.beta2, index)
    let rho = most - 2 * Double(index + 1) * forgotten / (1 - forgotten)
    guard rho >= Self.threshold else { return (mean * -settings.learningRate, next) }
    let square = (rho - 4) * (rho - 2) * most / ((most - 4) * (most - 2) * rho)
    let factor = Float(square.squareRoot())
    return (mean / moments.root(next[1], index) * (-settings.learningRate * factor), next)
  }
}
