import Experiments
import LearnedOptimizers
import MetaTraining
import Problems
import Tensors

/// The distance of two vectors relative to the norm of the second.
func distance(_ a: [some BinaryFloatingPoint], _ b: [Float]) -> Double {
  var difference = 0.0
  var norm = 0.0
  for (x, y) in zip(a, b) {
    difference += (Double(x) - Double(y)) * (Double(x) - Double(y))
    norm += Double(y) * Double(y)
  }
  return (difference / max(norm, 1e-60)).squareRoot()
}

/// An experiment of one net that steps every parameter of a problem.
func experiment(
  _ problem: any Problem, _ optimizer: any LearnedOptimizer
) throws -> Experiment {
  try Experiment(
    problem: problem, nets: [NetAssignment(key: "cw", optimizer: optimizer)])
}

/// A coordinate-wise net with weights drawn for tests.
func net(
  _ layers: [Int], preprocess: Preprocessing = .identity, scale: Float = 1,
  initializers: WeightInitializers = .standard, seed: UInt64 = 3
) -> CoordinateWiseDeepLSTM {
  var stream = RandomStream(seed: seed, purpose: .test)
  return CoordinateWiseDeepLSTM(
    layers: layers, preprocess: preprocess, scale: scale, initializers: initializers,
    stream: &stream)
}

/// The key of a training optimizee.
func key(epoch: Int = 0, instance: Int = 0, seed: UInt64 = 0) -> InstanceKey {
  InstanceKey(seed: seed, phase: .training, epoch: epoch, instance: instance)
}
