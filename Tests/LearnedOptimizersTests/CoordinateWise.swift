import LearnedOptimizers
import Tensors

/// A coordinate-wise net with weights drawn for tests.
func coordinateWise(
  _ layers: [Int], _ preprocess: Preprocessing = .identity, scale: Float = 1,
  initializers: WeightInitializers = .standard, seed: UInt64 = 1
) -> CoordinateWiseDeepLSTM {
  var stream = RandomStream(seed: seed, purpose: .test)
  return CoordinateWiseDeepLSTM(
    layers: layers, preprocess: preprocess, scale: scale, initializers: initializers,
    stream: &stream)
}
