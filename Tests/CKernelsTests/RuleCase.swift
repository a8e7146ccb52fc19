import CKernels
import Testing

/// A rule and the tensors that it is tried on.
struct RuleCase: CustomTestStringConvertible, Sendable {
  let testDescription: String
  let rule: ck_mlp_rule

  private init(_ name: String, _ make: (inout ck_mlp_rule) -> Void) {
    var rule = ck_mlp_rule()
    make(&rule)
    testDescription = name
    self.rule = rule
  }

  static let all = [
    RuleCase("Celo2") { ck_mlp_rule_make_celo2(&$0, 1) },
    RuleCase("Celo2-base") { ck_mlp_rule_make_celo2(&$0, 0) },
    RuleCase("Celo") { ck_mlp_rule_make_celo(&$0) },
    RuleCase("AdafacMLPLOpt") { ck_mlp_rule_make_adafac_mlp_lopt(&$0) },
    RuleCase("MLPLOpt") { ck_mlp_rule_make_mlp_lopt(&$0) },
    RuleCase("AdafacMLPLOpt of width 32") {
      ck_mlp_rule_make_adafac_mlp_lopt(&$0)
      $0.widths = (32, 32, 0, 0)
    },
    RuleCase("no hidden layer") {
      ck_mlp_rule_make_celo(&$0)
      $0.layer_count = 0
    },
    RuleCase("four layers of odd widths, one output") {
      ck_mlp_rule_make_celo2(&$0, 0)
      $0.layer_count = 4
      $0.widths = (5, 64, 1, 13)
      $0.outputs = 1
    },
    RuleCase("groups in another order, none left out for vectors") {
      ck_mlp_rule_make_celo2(&$0, 0)
      $0.groups.0 = Int32(CK_MLP_RULE_FACTORED_M)
      $0.groups.13 = Int32(CK_MLP_RULE_G)
      $0.vectors_stop_at_row = 0
      $0.normalizes_step = 0
      $0.head = Int32(CK_MLP_RULE_EXP)
    },
    RuleCase("no accumulator but momentum, orthogonal, over the last two axes") {
      ck_mlp_rule_make_mlp_lopt(&$0)
      $0.momentum_count = 2
      $0.has_time = 0
      $0.normalizes_last_two = 1
      $0.orthogonalizes = 1
    },
    RuleCase("Celo2, grafted") {
      ck_mlp_rule_make_celo2(&$0, 1)
      $0.graft = 0.5
    },
    RuleCase("Celo2-base, grafted whole") {
      ck_mlp_rule_make_celo2(&$0, 0)
      $0.graft = 1
    },
  ]

  /// Sizes around a vector and a block, degenerate ones, and all places of the largest dimensions.
  static let shapes: [[Int]] = [
    [], [1], [7], [8], [9], [16], [31], [32], [33], [100], [1, 1], [1, 5], [5, 1], [2, 2], [7, 5],
    [4, 9], [5, 31], [5, 32], [33, 5], [64, 10], [10, 32], [33, 33], [1, 64], [64, 1], [9, 100],
    [1100, 2], [3, 1, 2], [3, 3, 2, 4], [5, 5, 1, 8], [2, 40, 3], [40, 3, 40], [3, 40, 33],
    [33, 3, 35], [9, 9, 9], [34, 3, 3, 2], [2, 34, 3, 34],
  ]

  var weights: [Float] {
    var rule = rule
    var numbers = Numbers(seed: 17)
    return numbers.floats(Int(ck_mlp_rule_weight_count(&rule)), scale: 0.7)
  }

  /// Newton and Schulz's polynomial amplifies rounding in directions of small singular values.
  var tolerance: Double { rule.orthogonalizes != 0 ? 2e-4 : 2e-5 }

  // MARK: - Running the kernel

  /// Zeros, as many as a tensor's state has numbers.
  func initialState(_ dims: [Int]) -> [Float] {
    var rule = rule
    let count = ck_mlp_rule_state_floats(&rule, Int32(dims.count), dims.map(Int64.init))
    return [Float](repeating: 0, count: Int(count))
  }

  static func times(_ step: Int) -> [Float] {
    var times = [Float](repeating: 0, count: Int(CK_MLP_RULE_TIMES))
    ck_mlp_rule_time_features(Int64(step), &times)
    return times
  }

  /// The update of a step, or with `applies` the new p.
  func run(
    _ dims: [Int], gradient: [Float], p: [Float], state: inout [Float], call: ck_mlp_rule_call,
    step: Int, applies: Bool = false
  ) -> [Float] {
    var rule = rule
    let rank = Int32(dims.count)
    let extents = dims.map(Int64.init)
    let weights = weights
    var result = applies ? p : [Float](repeating: .nan, count: p.count)
    withScratch(ck_mlp_rule_scratch_floats(&rule, rank, extents)) { scratch in
      Self.times(step).withUnsafeBufferPointer { times in
        var call = call
        call.times = times.baseAddress
        if applies {
          ck_mlp_rule_apply(
            &rule, &call, weights, rank, extents, gradient, &result, &state, scratch)
        } else {
          ck_mlp_rule_step(
            &rule, &call, weights, rank, extents, gradient, p, &state, &result, scratch)
        }
      }
    }
    return result
  }

  // MARK: - Against the naive twin

  /// Three steps on every shape beside the naive twin: a line for each that differs.
  func differences() -> [String] {
    Self.shapes.enumerated().flatMap { differences($1, seed: $0) }
  }

  private func differences(_ dims: [Int], seed: Int) -> [String] {
    var numbers = Numbers(seed: seed)
    let count = dims.reduce(1, *)
    var p = numbers.floats(count)
    var naive = NaiveRule(rule, dims: dims)
    var state = initialState(dims)
    var found: [String] = []
    for step in 0..<3 {
      let scale = Float([1, 1e-3, 30][(seed + step) % 3])
      let gradient = numbers.floats(count, scale: scale)
      let call = ck_mlp_rule_call(
        step_size: 0.01, weight_decay: seed % 3 == 0 ? 0.001 : 0, times: nil)
      let truth = naive.step(
        weights, gradient: gradient, p: p, call: call, times: Self.times(step))
      var other = state
      let update = run(dims, gradient: gradient, p: p, state: &state, call: call, step: step)
      let applied = run(
        dims, gradient: gradient, p: p, state: &other, call: call, step: step, applies: true)
      let error = largestError(update, truth)
      if !(error < tolerance) { found.append("\(dims) step \(step): \(error)") }
      let stateError = largestError(state, naive.state)
      if !(stateError < 1e-5) { found.append("\(dims) step \(step): state \(stateError)") }
      let sum = zip(p, update).map { $0 + $1 }
      if !haveSameBits(applied, sum) || !haveSameBits(state, other) {
        found.append("\(dims) step \(step): apply isn't step")
      }
      p = sum
    }
    return found
  }
}
