import Foundation
import LearningToLearn
import LearningToLearnTesting
import Parts
import Testing

/// What this package brings, by the checks that come with the library.
@Suite("Parts")
struct PartsTests {
  @Test("the valley is a problem")
  func valley() throws { try checkProblem(Rosenbrock(Rosenbrock.Options()), step: 0.005) }

  @Test("the regression is a problem")
  func regression() throws {
    var options = Regression.Options()
    options.file =
      URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appending(path: "../../points.csv").path
    try checkProblem(Regression(options))
  }

  @Test("Trust is an optimizer")
  func trust() throws {
    var options = Trust.Options()
    options.decay = 0.8
    try checkOptimizer(Trust(options), catalog: [.trust])
  }

  @Test("one-sided evolution strategies are an estimator")
  func oneSided() throws { try checkEstimator(OneSided(sigma: 0.01)) }
}
