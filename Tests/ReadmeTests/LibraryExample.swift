// The README's example of using a trained optimizer from a program of one's own; the README shows
// what stands between the two marks, and a test compares them.

// README begins
import LearnedOptimizers

/// Minimizes |x - 1|^2; one of your own is `try TrainedOptimizer(contentsOf: path)`.
func minimize(from start: [Float], steps: Int, own: TrainedOptimizer? = nil) throws -> [Float] {
  let trained = try own ?? PretrainedOptimizer.mnist.load()
  let stepper = try OptimizerStepper(trained, parameterCount: start.count)
  var x = start
  for _ in 0..<steps { try stepper.step(&x, gradient: x.map { 2 * ($0 - 1) }) }
  return x
}
// README ends
