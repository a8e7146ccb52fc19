// The README's example of using a trained optimizer from a program of one's own; the README shows
// what stands between the two marks, and a test compares them.

// README begins
import LearnedOptimizers

/// Minimizes f(x) = |x - 1|^2 with the optimizer saved in a file.
func minimize(from start: [Float], steps: Int, optimizer path: String) throws -> [Float] {
  let saved = try SavedOptimizer(contentsOf: path)
  let stepper = OptimizerStepper(saved.optimizer, parameterCount: start.count)
  var x = start
  for _ in 0..<steps {
    let gradient = x.map { 2 * ($0 - 1) }
    try stepper.step(&x, gradient: gradient)
  }
  return x
}
// README ends
