internal import CPretrainedOptimizers
internal import Safetensors

/// Optimizers that come with the package, trained by `Scripts/reproduce`.
public enum PretrainedOptimizer: String, CaseIterable, Sendable {
  /// For quadratics whose parameters are of size 1.
  case quadratic
  /// For perceptrons on images, and other small neural networks.
  case mnist
  /// For perceptrons of many kinds, ReLU and two layers among them, and for 1,000 steps: an RNNprop.
  case perceptrons
  /// For models of any kind: a Celo2, whose learning rate is the user's.
  case celo2

  /// The one that fits what no other was trained for.
  public static let general = PretrainedOptimizer.celo2

  /// What it is for, in a line.
  public var summary: String {
    switch self {
    case .quadratic: "quadratics whose parameters are of size 1"
    case .mnist: "perceptrons of sigmoids on images, 100 steps"
    case .perceptrons:
      "perceptrons of many kinds, ReLU and two layers among them, up to 1,000 steps"
    case .celo2: "models of any kind, with a learning rate: what 'pretrained' is for other problems"
    }
  }

  /// The optimizer and the facts about its training: options, seed, commit and the curve of its
  /// evaluations.
  ///
  /// - Throws: what `TrainedOptimizer` throws; the files in the package are good.
  public func load() throws -> TrainedOptimizer {
    let file =
      switch self {
      case .quadratic: cpretrained_quadratic()
      case .mnist: cpretrained_mnist()
      case .perceptrons: cpretrained_perceptrons()
      case .celo2: cpretrained_celo2()
      }
    let bytes = Array(UnsafeBufferPointer(start: file.bytes, count: file.count))
    return try TrainedOptimizer(file: SafetensorsFile(bytes: bytes))
  }
}
