import CKernels
import Testing

/// The perceptrons' engine against the formulas in double precision.
@Suite("Perceptron rules' kernels")
struct MLPRuleTests {
  @Test("three steps on tensors of all ranks are the formulas'", arguments: RuleCase.all)
  func agreement(rule: RuleCase) {
    #expect(rule.differences() == [])
  }

  #if compiler(>=6.2)
    // In a process of its own: the choice of the instruction set is the process's.
    @Test("they are with every instruction set that the machine can run")
    func everyInstructionSet() async {
      await #expect(processExitsWith: .success) {
        for set in instructionSets {
          ck_force_isa(set)
          #expect(ck_isa_in_use() == set)
          for rule in RuleCase.all {
            let differences = rule.differences()
            #expect(differences.isEmpty, "\(set) \(rule.testDescription): \(differences)")
          }
        }
      }
    }
  #endif

  private static let extremes: [(name: String, gradient: @Sendable (inout Numbers) -> Float)] = [
    ("zero", { _ in 0 }),
    ("denormal", { $0.float() * 0x1p-133 }),
    (
      "of many sizes",
      { $0.float() * Float(sign: .plus, exponent: Int($0.bits() % 80) - 60, significand: 1) }
    ),
    ("1e30", { $0.float() < 0 ? -1e30 : 1e30 }),
  ]

  @Test("extreme gradients give what the formulas give", arguments: RuleCase.all)
  func extremes(rule: RuleCase) {
    for (name, make) in Self.extremes {
      // Where g isn't clipped, its square is infinite in float32.
      if name == "1e30", rule.rule.gradient_limit == .infinity { continue }
      for dims in [[5], [40], [7, 5], [40, 36], [3, 3, 2, 4]] {
        var numbers = Numbers(seed: dims.count)
        let count = dims.reduce(1, *)
        let p = numbers.floats(count)
        let gradient = (0..<count).map { _ in make(&numbers) }
        let call = ck_mlp_rule_call(step_size: 0.01, weight_decay: 0, times: nil)
        var naive = NaiveRule(rule.rule, dims: dims)
        var state = rule.initialState(dims)
        let truth = naive.step(
          rule.weights, gradient: gradient, p: p, call: call, times: RuleCase.times(0))
        let update = rule.run(dims, gradient: gradient, p: p, state: &state, call: call, step: 0)
        let error = largestError(update, truth)
        #expect(error < rule.tolerance * 10, "\(name) \(dims)")
      }
    }
  }

  @Test("a NaN in the gradient is in the update", arguments: RuleCase.all)
  func nan(rule: RuleCase) {
    var numbers = Numbers(seed: 1)
    var gradient = numbers.floats(64)
    gradient[3] = .nan
    var state = rule.initialState([8, 8])
    let call = ck_mlp_rule_call(step_size: 0.01, weight_decay: 0, times: nil)
    let update = rule.run(
      [8, 8], gradient: gradient, p: numbers.floats(64), state: &state, call: call, step: 0)
    #expect(update[3].isNaN)
  }

  @Test(
    "tensors without elements are left alone",
    arguments: [[0], [0, 3], [3, 0], [2, 0, 3], [0, 0]])
  func empty(dims: [Int]) {
    for rule in RuleCase.all {
      var state = rule.initialState(dims)
      let before = state
      let call = ck_mlp_rule_call(step_size: 1, weight_decay: 0, times: nil)
      #expect(rule.run(dims, gradient: [], p: [], state: &state, call: call, step: 0) == [])
      #expect(state == before)
    }
  }

  @Test("the rules have the published numbers of weights")
  func weightCounts() {
    // Without AdafacMLPLOpt's seven offsets, and what is around Celo's inner rule.
    let counts = RuleCase.all.prefix(5).map {
      var rule = $0.rule
      return ck_mlp_rule_weight_count(&rule)
    }
    #expect(counts == [347, 347, 159, 190, 1762])
  }

  @Test("the state's parts lie where the offsets say")
  func stateOffsets() {
    var rule = RuleCase.all[0].rule
    var offsets = [Int64](repeating: 0, count: 5)
    // m and v [7, 5]; r is per column, as the rows are the longer dimension, and c per row.
    ck_mlp_rule_state_offsets(&rule, 2, [7, 5], &offsets)
    #expect(offsets == [0, 105, 140, 155, 176])
    ck_mlp_rule_state_offsets(&rule, 1, [6], &offsets)
    #expect(offsets == [0, 18, 24, 42, 42])
  }
}
