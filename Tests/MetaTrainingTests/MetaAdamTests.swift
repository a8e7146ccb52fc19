import MetaTraining
import Tensors
import Testing

@Suite("MetaAdam")
struct MetaAdamTests {
  @Test("steps are those of TensorFlow's formula, net by net")
  func formula() {
    var adam = MetaAdam(learningRate: 0.01, weightCounts: [3, 0, 2])
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
    var adam = MetaAdam(learningRate: 0.1, weightCounts: [2])
    var weights = [Tensor([1, 2])]
    for _ in 0..<3 { adam.step(&weights, gradients: [[0, 0]]) }
    #expect(weights[0].elements == [1, 2])
  }

  @Test("the first step has the size of the learning rate, for gradients of any size")
  func firstStep() {
    for g: Float in [1e-3, 1, 1e6, -1e10] {
      var adam = MetaAdam(learningRate: 0.125, weightCounts: [1])
      var weights = [Tensor([0])]
      adam.step(&weights, gradients: [[g]])
      #expect(abs(abs(weights[0].elements[0]) - 0.125) < 1e-4)
      #expect((weights[0].elements[0] < 0) == (g > 0))
    }
  }

  @Test("a copy goes on as the original does")
  func copies() {
    var adam = MetaAdam(learningRate: 0.1, weightCounts: [2])
    var weights = [Tensor([1, 2])]
    adam.step(&weights, gradients: [[1, -1]])
    var copy = adam
    var others = weights
    adam.step(&weights, gradients: [[0.5, 3]])
    copy.step(&others, gradients: [[0.5, 3]])
    #expect(weights[0].elements == others[0].elements)
  }
}
