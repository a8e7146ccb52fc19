import CKernels
import Layers
import LearnedOptimizers
import Tensors
import TestSupport
import Testing

/// The fused kernels of `RNNprop`.
@Suite("RNNprop's engine")
struct RNNpropEngineTests {
  @Test("it computes what automatic differentiation does", arguments: RNNpropComparison.all)
  func agreement(comparison: RNNpropComparison) {
    let net = comparison.net
    let differences = comparison.differences(
      comparison.run(FusedEngine(net.rule)), comparison.run(RowEngine(net.rule)))
    #expect(differences == [])
  }

  #if compiler(>=6.2)
    @Test("it does so with every instruction set that the machine can run")
    func everyInstructionSet() async {
      await #expect(processExitsWith: .success) {
        for comparison in RNNpropComparison.all {
          let net = comparison.net
          let oracle = comparison.run(RowEngine(net.rule))
          for set in instructionSets {
            ck_deep_lstm_force_isa(set)
            let found = comparison.run(FusedEngine(net.rule))
            let differences = comparison.differences(found, oracle)
            #expect(differences.isEmpty, "instruction set \(set): \(differences)")
          }
        }
      }
    }
  #endif

  @Test("the rule's own engine is this one")
  func engine() { #expect(RNNprop().makeEngine() is FusedEngine) }

  /// No gradient, none that a square survives, denormal ones, and ones whose square is infinite.
  private static let extremes: [Float] = [
    0, -0.0, 1e30, -1e30, 1e25, .leastNonzeroMagnitude, -1e-40, 1e-30, -1e-25, 1e-21, 3e-20, 1e-19,
    -1e-12, 1, -2, 1e-8, 1e38, 7,
  ]

  @Test("extreme gradients give finite numbers, the oracle's", arguments: [[20, 20], [5]])
  func extremes(layers: [Int]) {
    let net = RNNpropComparison(layers: layers, shapes: [], steps: 0).net
    let count = Self.extremes.count
    func results(_ engine: any OptimizerEngine) -> [[Float]] {
      engine.load(net.weights)
      var states = [engine.initialState([count])]
      var lists: [[Float]] = []
      let gradients = [
        Tensor(Self.extremes, shape: [count]), .zeros([count]),
        Tensor(Self.extremes.reversed(), shape: [count]),
      ]
      let inputs = gradients.map { StepInput(gradient: $0, parameters: $0, loss: 0) }
      for input in inputs {
        var state = states[states.count - 1]
        lists.append(engine.step(input, state: &state).elements)
        states.append(state)
      }
      var weights = [Double](repeating: 0, count: net.weights.elementCount)
      engine.backward(gradients: gradients, from: states[0], into: &weights)
      lists.append(weights.map { Float($0 / 1e38) })
      var adjoint = engine.zeroAdjoint(of: states[0])
      weights = weights.map { _ in 0 }
      for step in inputs.indices.reversed() {
        let found = engine.backwardStep(
          inputs[step], state: states[step], updateAdjoint: Tensor(repeating: 1, shape: [count]),
          stateAdjoint: &adjoint, into: &weights)
        lists.append((found.gradient * gradients[step]).elements)
      }
      return lists + [weights.map { Float($0) }]
    }
    let found = results(FusedEngine(net.rule))
    let truth = results(RowEngine(net.rule))
    for (list, (mine, expected)) in zip(found, truth).enumerated() {
      #expect(mine.allSatisfy { $0.isFinite }, "list \(list)")
      for (index, (a, b)) in zip(mine, expected).enumerated() {
        #expect(abs(a - b) <= 2e-5 * max(abs(b), 1e-3), "list \(list), \(index): \(a), not \(b)")
      }
    }
  }

  @Test("a row's updates and state don't depend on the rows beside it")
  func rowsAlone() {
    let net = RNNpropComparison(layers: [20, 20], shapes: [], steps: 0).net
    let engine = net.loaded(FusedEngine(net.rule))
    let count = 1200
    var together = engine.initialState([count])
    let cuts = [0, 1, 18, 400, 1200]
    var alone = zip(cuts, cuts.dropFirst()).map { engine.initialState([$1 - $0]) }
    for step in 0..<3 {
      let gradient = Tensor.random([count], seed: step)
      let all = engine.step(gradient, state: &together).elements
      for (part, (start, end)) in zip(cuts, cuts.dropFirst()).enumerated() {
        let own = engine.step(gradient.view(from: start, shape: [end - start]), state: &alone[part])
        #expect(haveSameBits(own.elements, Array(all[start..<end])), "\(start)")
      }
    }
  }

  @Test("moments have the bits of the formulas")
  func moments() {
    let net = RNNpropComparison(layers: [7], shapes: [], steps: 0).net
    let engine = net.loaded(FusedEngine(net.rule))
    let oracle = net.loaded(RowEngine(net.rule))
    var (a, b) = (engine.initialState([100]), oracle.initialState([100]))
    for step in 0..<20 {
      let gradient = Tensor.random([100], seed: step)
      _ = engine.step(gradient, state: &a)
      _ = oracle.step(gradient, state: &b)
    }
    for index in 0..<2 {
      #expect(haveSameBits(engine.export(a)[index].elements, oracle.export(b)[index].elements))
    }
  }

  // MARK: - Against differences in double precision

  private static let layers = [5, 3]
  private static let steps = 6
  private static let rows = 3

  /// A net, gradients [step][row] and factors of the updates [step][row].
  private struct Case {
    let net = RNNpropComparison(layers: layers, shapes: [], steps: 0, scale: 0.7).net
    let gradients = (0..<steps).map { Tensor.random([rows], seed: $0) }
    let factors = (0...steps).map { Tensor.random([rows], seed: 40 + $0) }

    var naive: NaiveRNNprop {
      NaiveRNNprop(
        layers: layers, scale: Double(Float(0.7)),
        weights: net.weights.tensors.map { $0.elements.map(Double.init) })
    }

    /// The sum of updates times factors.
    func loss(_ naive: NaiveRNNprop, _ gradients: [[Double]]) -> Double {
      (0..<rows).reduce(0) { sum, row in
        let updates = naive.updates(gradients.map { $0[row] })
        return sum
          + zip(updates, factors).reduce(0) { $0 + $1.0 * Double($1.1.elements[row]) }
      }
    }
  }

  /// Derivatives of the sum of updates times factors.
  private func backward(_ each: Case, factors: [Tensor]) -> (
    gradients: [[Double]], weights: [Double]
  ) {
    let engine = each.net.loaded(FusedEngine(each.net.rule))
    var states = [engine.initialState([Self.rows])]
    let inputs = each.gradients.map { StepInput(gradient: $0, parameters: $0, loss: 0) }
    for input in inputs {
      var state = states[states.count - 1]
      _ = engine.step(input, state: &state)
      states.append(state)
    }
    var weights = [Double](repeating: 0, count: each.net.weights.elementCount)
    var adjoint = engine.zeroAdjoint(of: states[0])
    var gradients: [[Double]] = []
    for step in inputs.indices.reversed() {
      let found = engine.backwardStep(
        inputs[step], state: states[step], updateAdjoint: factors[step],
        stateAdjoint: &adjoint, into: &weights)
      gradients.append(found.gradient.elements.map(Double.init))
    }
    return (gradients.reversed(), weights)
  }

  @Test("derivatives by gradients are those of differences, through both moments")
  func gradientDerivatives() {
    let each = Case()
    let gradients = each.gradients.map { $0.elements.map(Double.init) }
    let truth = gradients.indices.map { step in
      (0..<Self.rows).map { row in
        let sides = [1e-5, -1e-5].map { distance in
          var moved = gradients
          moved[step][row] += distance
          return each.loss(each.naive, moved)
        }
        return (sides[0] - sides[1]) / 2e-5
      }
    }
    // Float32 through six steps against differences good to 1e-9.
    #expect(
      relativeError(backward(each, factors: each.factors).gradients.joined(), truth.joined()) < 1e-5
    )
  }

  @Test("derivatives by weights are those of differences, step by step and at once")
  func weightDerivatives() {
    let each = Case()
    let gradients = each.gradients.map { $0.elements.map(Double.init) }
    var truth: [Double] = []
    for (tensor, weights) in each.naive.weights.enumerated() {
      for index in weights.indices {
        let sides = [1e-5, -1e-5].map { distance in
          var moved = each.naive
          moved.weights[tensor][index] += distance
          return each.loss(moved, gradients)
        }
        truth.append((sides[0] - sides[1]) / 2e-5)
      }
    }
    #expect(relativeError(backward(each, factors: each.factors).weights, truth) < 1e-5)

    // At once: dL/d update_t is the sum of the gradients after it, which stand for constants.
    let all = each.gradients + [each.factors[Self.steps]]
    var sums = [all[Self.steps]]
    for gradient in all.dropFirst().dropLast().reversed() {
      sums.append(sums[sums.count - 1] + gradient)
    }
    let engine = each.net.loaded(FusedEngine(each.net.rule))
    var found = truth.map { _ in 0.0 }
    engine.backward(gradients: all, from: engine.initialState([Self.rows]), into: &found)
    #expect(relativeError(found, backward(each, factors: sums.reversed()).weights) < 1e-5)
  }
}
