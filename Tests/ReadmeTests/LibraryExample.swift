// The README's example of using a trained optimizer from a program of one's own; the README shows
// what stands between the two marks, and a test compares them.

// README begins
import LearnedOptimizers

/// Minimizes f(x) = |x - 1|^2 with a trained optimizer: one that comes with the package, or your own
/// by `TrainedOptimizer(contentsOf: "./mnist/cw.safetensors")`.
func minimize(
  from start: [Float], steps: Int, with trained: TrainedOptimizer? = nil
) throws -> [Float] {
  let trained = try trained ?? PretrainedOptimizer.mnist.load()
  let stepper = try OptimizerStepper(trained, parameterCount: start.count)
  var x = start
  for _ in 0..<steps {
    let gradient = x.map { 2 * ($0 - 1) }
    try stepper.step(&x, gradient: gradient)
  }
  return x
}
// README ends
