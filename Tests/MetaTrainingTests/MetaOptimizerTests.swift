import MetaTraining
import Tensors
import Testing

@Suite("MetaOptimizer")
struct MetaOptimizerTests {
  @Test("steps are those of TensorFlow's formula, net by net")
  func formula() {
    var adam = MetaOptimizer(learningRate: 0.01, weightCounts: [3, 0, 2])
    var weights = [Tensor([1, -2, 0.5]), Tensor([]), Tensor([10, 0])]
    let (b1, b2) = (Double(Float(0.9)), Double(Float(0.999)))
    var truth = weights.map { $0.elements.map(Double.init) }
    var first = truth.map { $0.map { _ in 0.0 } }
    var second = first
    var powers = (1.0, 1.0)
    for step in 0..<20 {
      let gradients: [[Float]] = [
        [1, -0.001, Float(step)], [], [step.isMultiple(of: 2) ? 1e4 : -1e4, 1e-12],
      ]
      adam.step(&weights, gradients: gradients)
      powers = (powers.0 * b1, powers.1 * b2)
      let rate = 0.01 * (1 - powers.1).squareRoot() / (1 - powers.0)
      for net in truth.indices {
        for index in truth[net].indices {
          let g = Double(gradients[net][index])
          first[net][index] = b1 * first[net][index] + (1 - b1) * g
          second[net][index] = b2 * second[net][index] + (1 - b2) * g * g
          truth[net][index] -= rate * first[net][index] / (second[net][index].squareRoot() + 1e-8)
          // Steps of 0.01, each right to a few roundings, on weights of up to 10.
          let weight = Double(weights[net].elements[index])
          #expect(abs(weight - truth[net][index]) < 1e-6 * (1 + abs(truth[net][index])))
        }
      }
      #expect(adam.stepCount == step + 1)
    }
  }

  @Test("a gradient of 0 changes nothing before the first other one")
  func zeroGradient() {
    var adam = MetaOptimizer(learningRate: 0.1, weightCounts: [2])
    var weights = [Tensor([1, 2])]
    for _ in 0..<3 { adam.step(&weights, gradients: [[0, 0]]) }
    #expect(weights[0].elements == [1, 2])
  }

  @Test("the first step has the size of the learning rate, for gradients of any size")
  func firstStep() {
    for g: Float in [1e-3, 1, 1e6, -1e10] {
      var adam = MetaOptimizer(learningRate: 0.125, weightCounts: [1])
      var weights = [Tensor([0])]
      adam.step(&weights, gradients: [[g]])
      #expect(abs(abs(weights[0].elements[0]) - 0.125) < 1e-4)
      #expect((weights[0].elements[0] < 0) == (g > 0))
    }
  }

  @Test("a copy goes on as the original does")
  func copies() {
    var adam = MetaOptimizer(learningRate: 0.1, weightCounts: [2])
    var weights = [Tensor([1, 2])]
    adam.step(&weights, gradients: [[1, -1]])
    var copy = adam
    var others = weights
    adam.step(&weights, gradients: [[0.5, 3]])
    copy.step(&others, gradients: [[0.5, 3]])
    #expect(weights[0].elements == others[0].elements)
  }

  @Test("AdamW also takes the decay's share of the weight before the step")
  func adamW() {
    let (rate, decay) = (0.01, 0.1)
    var adam = MetaOptimizer(learningRate: Float(rate), weightCounts: [3])
    var adamW = MetaOptimizer(
      .adamw, learningRate: Float(rate), weightDecay: Float(decay), weightCounts: [3])
    var weights = [Tensor([1, -2, 100])]
    for step in 0..<10 {
      let before = weights[0].elements
      var plain = weights
      let gradients: [[Float]] = [[1, 0, Float(step) - 5]]
      adam.step(&plain, gradients: gradients)
      adamW.step(&weights, gradients: gradients)
      for index in 0..<3 {
        let expected = Double(plain[0].elements[index]) - rate * decay * Double(before[index])
        // Two roundings at up to 100.
        #expect(abs(Double(weights[0].elements[index]) - expected) < 2e-7 * abs(expected))
      }
    }
    #expect(
      adam.firstMoments[0].elements == adamW.firstMoments[0].elements
        && adam.secondMoments[0].elements == adamW.secondMoments[0].elements)
  }

  @Test("AdamW without gradients decays alone, Adam with a decay does not")
  func decayAlone() {
    var weights = [Tensor([2])]
    var adamW = MetaOptimizer(
      .adamw, learningRate: 0.5, weightDecay: 0.5, weightCounts: [1])
    for _ in 0..<3 { adamW.step(&weights, gradients: [[0]]) }
    #expect(weights[0].elements == [2 * 0.75 * 0.75 * 0.75])
    var adam = MetaOptimizer(learningRate: 0.5, weightDecay: 0.5, weightCounts: [1])
    adam.step(&weights, gradients: [[0]])
    #expect(weights[0].elements == [2 * 0.75 * 0.75 * 0.75])
  }

  @Test("gradient descent with momentum is that of the formula", arguments: [0, 0.5, 0.9])
  func descent(momentum: Double) {
    var sgd = MetaOptimizer(
      .sgd, learningRate: 0.125, momentum: Float(momentum), weightCounts: [2, 0, 1])
    var weights = [Tensor([1, -2]), Tensor([]), Tensor([10])]
    var truth = [[1.0, -2], [], [10]]
    var velocity = truth.map { $0.map { _ in 0.0 } }
    for step in 0..<20 {
      let gradients: [[Float]] = [[0.5, -Float(step)], [], [step.isMultiple(of: 2) ? 3 : -2]]
      sgd.step(&weights, gradients: gradients)
      for net in truth.indices {
        for index in truth[net].indices {
          velocity[net][index] = momentum * velocity[net][index] + Double(gradients[net][index])
          truth[net][index] -= 0.125 * velocity[net][index]
          let weight = Double(weights[net].elements[index])
          #expect(abs(weight - truth[net][index]) < 2e-6 * (1 + abs(truth[net][index])))
        }
      }
    }
    #expect(sgd.stepCount == 20)
    #expect(sgd.secondMoments.allSatisfy { $0.elements.allSatisfy { $0 == 0 } })
  }

  @Test(
    "frozen weights stay, others are stepped as without", arguments: MetaOptimizer.Rule.allCases)
  func frozen(rule: MetaOptimizer.Rule) {
    var all = MetaOptimizer(rule, learningRate: 0.1, weightDecay: 0.1, weightCounts: [3, 2])
    var some = all
    var (weights, partly) = (
      [Tensor([1, 2, 3]), Tensor([4, 5])], [Tensor([1, 2, 3]), Tensor([4, 5])]
    )
    for step in 0..<5 {
      let gradients: [[Float]] = [[1, -1, Float(step)], [2, 0.5]]
      all.step(&weights, gradients: gradients)
      some.step(
        &partly, gradients: gradients, frozen: [[true, false, true], [false, false]])
    }
    #expect(partly[0].elements == [1, weights[0].elements[1], 3])
    #expect(partly[1].elements == weights[1].elements)
  }
}
