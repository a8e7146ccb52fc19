import Autodiff
import Foundation
import LearnedOptimizers
import MetaGradients
import MetaTraining
import Problems
import Tensors
import TestSupport
import Testing
import TrainingTestSupport
import Unrolling

/// The reference's quadratic (batch 4, 10 dimensions) with a 20 + 20 LSTM without preprocessing.
///
/// Tolerance 1e-5 of the norm: float32 rounding through 20 steps leaves about 5e-7; the reference
/// itself moves by 1e-6 when its inputs move by half an ulp.
@Suite("Numbers of the reference program: quadratic")
struct GoldenQuadraticTests {
  private let golden: Golden
  private let optimizer: Weighted<CoordinateWiseDeepLSTM>

  init() throws {
    golden = try Golden("quadratic_identity", in: .module)
    var optimizer = net([20, 20])
    optimizer.weights.tensors = try optimizer.weights.names.map { [golden] in
      try golden("weights/\($0)")
    }
    self.optimizer = optimizer
  }

  private func makeUnroller() throws -> (Unroller, Optimizee) {
    let unroller = try experiment(Quadratic(batchSize: 4, dimensions: 10), optimizer)
      .makeUnroller()
    var optimizee = unroller.makeOptimizee(key())
    optimizee.parameters = try golden("x0/x").reshaped(to: [40])
    optimizee.constants = [try golden("const/w"), try golden("const/y")]
    return (unroller, optimizee)
  }

  @Test("the optimizee's loss and gradient")
  func lossAndGradient() throws {
    let tape = Tape()
    let x = tape.variable(try golden("x0/x"))
    var stream = RandomStream(seed: 0, purpose: .test)
    let loss = Quadratic(batchSize: 4, dimensions: 10).loss(
      parameters: [x], constants: [try golden("const/w"), try golden("const/y")],
      minibatch: &stream)
    let gradient = gradient(of: loss, withRespectTo: [x])[0].value
    let (expectedLoss, expectedGradient) = try (
      golden("optimizee/loss").elements, golden("optimizee/grad/x").elements
    )
    #expect(distance(loss.value.elements, expectedLoss) < 1e-6)
    #expect(distance(gradient.elements, expectedGradient) < 1e-6)
  }

  @Test("losses, final parameters and meta-gradients", arguments: [false, true])
  func unroll(secondDerivatives: Bool) throws {
    var (unroller, optimizee) = try makeUnroller()
    let outcome = try unroller.unroll(
      &optimizee, steps: 20, secondDerivatives ? .second() : .first)
    let prefix = secondDerivatives ? "sd1" : "sd0"
    let losses = try golden("\(prefix)/fx").elements
    let metaLoss = Double(try golden("\(prefix)/meta_loss").scalar)
    let final = try golden("\(prefix)/x_final/x").elements
    #expect(distance(outcome.losses, losses) < 1e-5)
    #expect(abs(outcome.metaLoss / metaLoss - 1) < 1e-5)
    #expect(distance(optimizee.parameters.elements, final) < 1e-5)
    var start = 0
    for (name, weight) in zip(optimizer.weights.names, optimizer.weights.tensors) {
      let mine = Array(outcome.gradients[0][start..<start + weight.count])
      start += weight.count
      let expected = try golden("\(prefix)/grad/\(name)").elements
      #expect(distance(mine, expected) < 1e-5, "\(name)")
    }
  }

  @Test("five steps of meta-training, values carried on", arguments: [false, true])
  func trajectory(secondDerivatives: Bool) throws {
    var (unroller, optimizee) = try makeUnroller()
    let prefix = secondDerivatives ? "sd1/train" : "sd0/train"
    let costs = try golden("\(prefix)/cost").elements
    var adam = MetaOptimizer(learningRate: 0.001, weightCounts: [optimizer.weights.elementCount])
    var weights = [optimizer.weights.flattened]
    for step in 0..<5 {
      let outcome = try unroller.unroll(
        &optimizee, steps: 20, secondDerivatives ? .second() : .first)
      #expect(abs(outcome.finalLoss / Double(costs[step]) - 1) < 1e-4, "step \(step)")
      adam.step(&weights, gradients: [outcome.gradients[0].map { Float($0) }])
      unroller.load([optimizer.weights.unflattening(weights[0])])
    }
    let trained = optimizer.weights.unflattening(weights[0])
    for (name, weight) in zip(trained.names, trained.tensors) {
      // Adam's first steps have the size of the learning rate whatever the gradient's, so that a
      // gradient near 0 may change a weight by 5 steps of 0.001 at most; together far less.
      let expected = try golden("\(prefix)/weights/\(name)").elements
      #expect(distance(weight.elements, expected) < 1e-4, "\(name)")
    }
  }
}
