import LearnedOptimizers
import TestSupport

/// A coordinate-wise net with weights drawn for tests.
func coordinateWise(
  _ layers: [Int], _ preprocess: Preprocessing = .identity, scale: Float = 1,
  initializers: WeightInitializers = .standard, seed: UInt64 = 1
) -> Weighted<CoordinateWiseDeepLSTM> {
  Weighted(
    CoordinateWiseDeepLSTM(
      layers: layers, preprocess: preprocess, scale: scale, initializers: initializers),
    seed: seed)
}
