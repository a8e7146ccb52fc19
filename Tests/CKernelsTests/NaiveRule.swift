import CKernels
import Foundation

/// A perceptron rule as its formulas say it, in double precision, one element after the other.
struct NaiveRule {
  let rule: ck_mlp_rule
  let dims: [Int]
  private var m: [[Double]]
  private var v: [Double]
  private var rows: [[Double]]
  private var columns: [[Double]]

  private var isVector: Bool { dims.count < 2 }
  private var shape: [Int] { dims.isEmpty ? [1] : dims }
  private var count: Int { shape.reduce(1, *) }
  /// Of the largest and the second largest dimension.
  private let d0: Int
  private let d1: Int

  init(_ rule: ck_mlp_rule, dims: [Int]) {
    self.rule = rule
    self.dims = dims
    let n = dims.reduce(1, *)
    let zeros = [Double](repeating: 0, count: n)
    m = Array(repeating: zeros, count: Int(rule.momentum_count))
    v = zeros
    rows = Array(repeating: zeros, count: Int(rule.factored_count))
    columns = rows
    let order = dims.indices.sorted { (dims[$0], $0) < (dims[$1], $1) }
    d0 = order.last ?? 0
    d1 = order.dropLast().last ?? 0
  }

  // MARK: - Means, given back for every element

  /// The mean over some axes, at every element.
  private func mean(_ x: [Double], over axes: [Int]) -> [Double] {
    let kept = x.indices.map { element in
      var rest = element
      var place = 0
      var stride = 1
      for axis in shape.indices.reversed() {
        if !axes.contains(axis) { place += rest % shape[axis] * stride }
        stride *= shape[axis]
        rest /= shape[axis]
      }
      return place
    }
    var sums = [Double](repeating: 0, count: count)
    for element in x.indices { sums[kept[element]] += x[element] }
    let terms = Double(axes.map { shape[$0] }.reduce(1, *))
    return kept.map { sums[$0] / terms }
  }

  private func normalized(_ x: [Double], over axes: [Int], _ epsilon: Double) -> [Double] {
    let squares = mean(x.map { $0 * $0 }, over: axes)
    return zip(x, squares).map { $0 / (epsilon + $1).squareRoot() }
  }

  // MARK: - A step

  /// The accumulators as the kernel lays them out.
  var state: [Double] {
    var all = m.flatMap { $0 } + (rule.rms_count > 0 ? v : [])
    guard !isVector else { return all + rows.flatMap { $0 } }
    // Of the numbers at every element, those where the missing dimension's index is 0.
    for (accumulators, missing) in [(rows, d0), (columns, d1)] {
      let stride = shape[(missing + 1)...].reduce(1, *)
      let kept = (0..<count).filter { $0 / stride % shape[missing] == 0 }
      for accumulator in accumulators { all += kept.map { accumulator[$0] } }
    }
    return all
  }

  mutating func step(
    _ weights: [Float], gradient: [Float], p: [Float], call: ck_mlp_rule_call, times: [Float]
  ) -> [Double] {
    let features = features(gradient: gradient, p: p)
    let last = Array(shape.indices.suffix(2))
    let axes = rule.normalizes_last_two != 0 ? last : Array(shape.indices)
    let inputs = features.map { normalized($0, over: axes, Double(rule.normalization_epsilon)) }
    let meanSquare = p.reduce(0) { $0 + Double($1) * Double($1) } / Double(count)
    var direction = (0..<count).map { element in
      let time = rule.has_time != 0 ? times.map(Double.init) : []
      let o = outputs(weights, inputs.map { $0[element] } + time)
      guard rule.head != CK_MLP_RULE_DIRECT else { return o[0] }
      let size = rule.head == CK_MLP_RULE_EXP_OF_RMS ? (meanSquare + 1e-9).squareRoot() : 1
      return o[0] * exp(Double(rule.exp_mult) * o[1]) * Double(rule.step_mult) * size
    }
    if rule.orthogonalizes != 0, !isVector {
      let matrix = shape[shape.count - 2] * shape[shape.count - 1]
      for start in stride(from: 0, to: count, by: max(matrix, 1)) {
        let slice = Array(direction[start..<start + matrix])
        direction.replaceSubrange(
          start..<start + matrix,
          with: naiveNewtonSchulz(slice, rows: matrix / (shape.last ?? 1)))
      }
    }
    if rule.normalizes_step != 0 { direction = normalized(direction, over: last, 1e-9) }
    if rule.graft != 0 {
      let (squares, seconds) = (mean(m[0].map { $0 * $0 }, over: last), mean(v, over: last))
      direction = direction.indices.map {
        direction[$0]
          * pow((squares[$0] + 1e-30) / (seconds[$0] + 1e-30), Double(rule.graft) / 2)
      }
    }
    return zip(direction, p).map {
      -Double(call.step_size) * $0 - Double(call.weight_decay) * Double($1)
    }
  }

  /// The perceptron's outputs for one element's inputs, which may be fewer than the weights are for.
  private func outputs(_ weights: [Float], _ inputs: [Double]) -> [Double] {
    var rule = rule
    var x = inputs
    var at = 0
    var fanIn = Int(ck_mlp_rule_input_count(&rule))
    let widths = [rule.widths.0, rule.widths.1, rule.widths.2, rule.widths.3]
      .prefix(Int(rule.layer_count)).map(Int.init)
    for (layer, width) in (widths + [Int(rule.outputs)]).enumerated() {
      var y = (0..<width).map { Double(weights[at + fanIn * width + $0]) }
      for (i, value) in x.enumerated() {
        for j in 0..<width { y[j] += value * Double(weights[at + i * width + j]) }
      }
      at += (fanIn + 1) * width
      fanIn = width
      x = layer < widths.count ? y.map { max($0, 0) } : y
    }
    return x
  }

  // MARK: - Features

  private mutating func features(gradient: [Float], p: [Float]) -> [[Double]] {
    let limit = Double(rule.gradient_limit)
    let g = gradient.map { min(max(Double($0), -limit), limit) }
    func average(_ old: [Double], _ new: [Double], _ decay: Double) -> [Double] {
      zip(old, new).map { decay * $0 + (1 - decay) * $1 }
    }
    let momenta = decays(rule.momentum_decays)
    for k in m.indices { m[k] = average(m[k], g, momenta[k]) }
    v = average(v, g.map { $0 * $0 }, rule.rms_decay)
    let s = v.map { 1 / ($0 + Double(rule.rms_epsilon)).squareRoot() }
    let q = g.map { $0 * $0 + 1e-30 }
    var factors: [[Double]] = []
    let factored = decays(rule.factored_decays)
    for k in rows.indices {
      rows[k] = average(rows[k], isVector ? q : mean(q, over: [d0]), factored[k])
      columns[k] = isVector ? rows[k] : average(columns[k], mean(q, over: [d1]), factored[k])
      guard !isVector else {
        factors.append(rows[k].map { 1 / ($0 + 1e-9).squareRoot() })
        continue
      }
      let means = mean(rows[k], over: [d1])
      factors.append(
        (0..<count).map { i in
          1 / max(rows[k][i] / (means[i] + 1e-9), 1e-9).squareRoot()
            / max(columns[k][i], 1e-9).squareRoot()
        })
    }
    func product(_ a: [Double], _ b: [Double]) -> [Double] { zip(a, b).map { $0 * $1 } }
    func roots(_ x: [Double], _ epsilon: Double) -> [Double] {
      x.map { 1 / ($0 + epsilon).squareRoot() }
    }
    let all: [[[Double]]] = [
      [g], [g.map { min(max($0, -0.1), 0.1) }], [p.map(Double.init)], m, [v],
      m.map { product($0, s) }, [s], factors.map { product(g, $0) }, [product(g, s)], rows,
      columns, rows.map { roots($0, 1e-8) }, columns.map { roots($0, 1e-8) },
      m.indices.map { k in
        guard k < rows.count else { return [] }
        return product(m[k], isVector ? roots(rows[k], Double(rule.vector_epsilon)) : factors[k])
      },
    ]
    let stops = isVector && rule.vectors_stop_at_row != 0
    return groups.flatMap { stops && $0 >= CK_MLP_RULE_ROW ? [] : all[$0] }
  }

  private var groups: [Int] {
    withUnsafeBytes(of: rule.groups) {
      $0.bindMemory(to: Int32.self).prefix(Int(rule.group_count)).map(Int.init)
    }
  }

  private func decays<Tuple>(_ tuple: Tuple) -> [Double] {
    withUnsafeBytes(of: tuple) { Array($0.bindMemory(to: Double.self)) }
  }
}

/// Newton and Schulz's iteration on x [rows, columns] in double precision.
func naiveNewtonSchulz(_ x: [Double], rows: Int) -> [Double] {
  guard rows > 0, !x.isEmpty else { return x }
  let columns = x.count / rows
  func turned(_ x: [Double], _ rows: Int, _ columns: Int) -> [Double] {
    (0..<x.count).map { x[$0 % rows * columns + $0 / rows] }
  }
  guard rows <= columns else {
    return turned(naiveNewtonSchulz(turned(x, rows, columns), rows: columns), columns, rows)
  }
  func product(_ a: [Double], _ b: [Double], _ inner: Int) -> [Double] {
    let width = b.count / inner
    return (0..<a.count / inner * width).map { place in
      (0..<inner).reduce(0) {
        $0 + a[place / width * inner + $1] * b[$1 * width + place % width]
      }
    }
  }
  let norm = x.reduce(0) { $0 + $1 * $1 }.squareRoot() + 1e-8
  var y = x.map { $0 / norm }
  for _ in 0..<5 {
    let a = product(y, turned(y, rows, columns), columns)
    let b = zip(a, product(a, a, rows)).map { -4.7750 * $0 + 2.0315 * $1 }
    y = zip(y, product(b, y, rows)).map { 3.4445 * $0 + $1 }
  }
  return y
}
