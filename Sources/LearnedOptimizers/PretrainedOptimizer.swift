internal import CPretrainedOptimizers
internal import Safetensors

/// Optimizers that come with the package, trained by `Scripts/reproduce`.
public enum PretrainedOptimizer: String, CaseIterable, Sendable {
  /// For quadratics whose parameters are of size 1.
  case quadratic
  /// For perceptrons on images, and other small neural networks.
  case mnist

  /// The optimizer and the facts about its training: options, seed, commit and the curve of its
  /// evaluations.
  ///
  /// - Throws: what `TrainedOptimizer` throws; the files in the package are good.
  public func load() throws -> TrainedOptimizer {
    let file =
      switch self {
      case .quadratic: cpretrained_quadratic()
      case .mnist: cpretrained_mnist()
      }
    let bytes = Array(UnsafeBufferPointer(start: file.bytes, count: file.count))
    return try TrainedOptimizer(file: SafetensorsFile(bytes: bytes))
  }
}
