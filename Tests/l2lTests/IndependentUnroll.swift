import Foundation

// A second, slow computation of what `l2l unroll` writes, in Double and without the program's code:
// gradients of the optimizee by hand, second derivatives by differences of the whole unroll.

/// A function to be minimized and its gradient.
struct Optimizee {
  let loss: ([Double]) -> Double
  let gradient: ([Double]) -> [Double]
}

/// A rule without state that turns a gradient into an update.
struct Rule {
  /// All weights, flattened.
  var weights: [Double]
  /// The update for weights and a gradient.
  let update: (_ weights: [Double], _ gradient: [Double]) -> [Double]

  /// w p(g) + b for each coordinate, times a scale.
  static func coordinateWise(
    w: [Double], b: Double, scale: Double = 1, inputs: @escaping (Double) -> [Double] = { [$0] }
  ) -> Rule {
    Rule(weights: w + [b]) { weights, gradient in
      gradient.map { g in
        scale * (zip(weights, inputs(g)).reduce(weights[weights.count - 1]) { $0 + $1.0 * $1.1 })
      }
    }
  }
}

/// An unroll from a point.
struct IndependentUnroll {
  let optimizee: Optimizee
  let rule: Rule
  let start: [Double]
  let steps: Int

  private func points(_ weights: [Double]) -> [[Double]] {
    var points = [start]
    for _ in 0..<steps {
      let x = points[points.count - 1]
      points.append(zip(x, rule.update(weights, optimizee.gradient(x))).map { $0 + $1 })
    }
    return points
  }

  var losses: [Double] { points(rule.weights).map(optimizee.loss) }
  var end: [Double] { points(rule.weights)[steps] }

  /// The meta-gradient when the optimizee's gradients count as constants.
  var firstOrderGradient: [Double] {
    let gradients = points(rule.weights).map(optimizee.gradient)
    var lambdas = [gradients[steps]]
    for step in (1..<max(steps, 1)).reversed() {
      lambdas.insert(zip(lambdas[0], gradients[step]).map { $0 + $1 }, at: 0)
    }
    return differences { weights in
      (0..<steps).reduce(0) { sum, step in
        zip(rule.update(weights, gradients[step]), lambdas[step]).reduce(sum) { $0 + $1.0 * $1.1 }
      }
    }
  }

  /// The whole derivative of the meta-loss.
  var secondOrderGradient: [Double] {
    differences { points($0).reduce(0) { $0 + optimizee.loss($1) } }
  }

  /// Central differences; with steps of 1e-5 in Double they are good to about 1e-9.
  private func differences(_ function: ([Double]) -> Double) -> [Double] {
    rule.weights.indices.map { index in
      var (above, below) = (rule.weights, rule.weights)
      above[index] += 1e-5
      below[index] -= 1e-5
      return (function(above) - function(below)) / 2e-5
    }
  }
}

extension Optimizee {
  /// mean_B |W x - y|^2 for x [B, D].
  static func quadratic(w: [Double], y: [Double], batch: Int, dims: Int) -> Optimizee {
    func residual(_ x: [Double], _ b: Int, _ i: Int) -> Double {
      (0..<dims).reduce(-y[b * dims + i]) {
        $0 + w[(b * dims + i) * dims + $1] * x[b * dims + $1]
      }
    }
    return Optimizee(
      loss: { x in
        var sum = 0.0
        for b in 0..<batch { for i in 0..<dims { sum += pow(residual(x, b, i), 2) } }
        return sum / Double(batch)
      },
      gradient: { x in
        var gradient = [Double](repeating: 0, count: x.count)
        for b in 0..<batch {
          for i in 0..<dims {
            let r = residual(x, b, i)
            for j in 0..<dims {
              gradient[b * dims + j] += 2 * r * w[(b * dims + i) * dims + j] / Double(batch)
            }
          }
        }
        return gradient
      })
  }

  /// Mean softmax cross-entropy of a perceptron with at most one hidden layer; parameters are
  /// w [in, out] and b [out] of each layer in order.
  static func perceptron(
    images: [Double], labels: [Int], sizes: [Int], relu: Bool = false
  ) -> Optimizee {
    let count = labels.count
    func layers(_ x: [Double]) -> [(w: [Double], b: [Double])] {
      var rest = x[...]
      return zip(sizes, sizes.dropFirst()).map { inputs, outputs in
        defer { rest = rest.dropFirst(inputs * outputs + outputs) }
        return (
          Array(rest.prefix(inputs * outputs)),
          Array(rest.dropFirst(inputs * outputs).prefix(outputs))
        )
      }
    }
    func linear(_ x: [Double], _ layer: (w: [Double], b: [Double])) -> [Double] {
      let outputs = layer.b.count
      return (0..<outputs).map { o in
        x.indices.reduce(layer.b[o]) { $0 + x[$1] * layer.w[$1 * outputs + o] }
      }
    }
    func active(_ z: Double) -> Double { relu ? max(z, 0) : 1 / (1 + exp(-z)) }
    func slope(_ z: Double) -> Double { relu ? (z > 0 ? 1 : 0) : active(z) * (1 - active(z)) }
    func image(_ n: Int) -> [Double] { Array(images[n * sizes[0]..<(n + 1) * sizes[0]]) }
    return Optimizee(
      loss: { x in
        let layers = layers(x)
        return (0..<count).reduce(0) { sum, n in
          var z = linear(image(n), layers[0])
          if layers.count == 2 { z = linear(z.map(active), layers[1]) }
          return sum + (log(z.reduce(0) { $0 + exp($1) }) - z[labels[n]]) / Double(count)
        }
      },
      gradient: { x in
        let layers = layers(x)
        var gradients = layers.map {
          (
            w: [Double](repeating: 0, count: $0.w.count),
            b: [Double](repeating: 0, count: $0.b.count)
          )
        }
        for n in 0..<count {
          let hidden = linear(image(n), layers[0])
          let inputs = layers.count == 2 ? [image(n), hidden.map(active)] : [image(n)]
          let z = layers.count == 2 ? linear(inputs[1], layers[1]) : hidden
          let total = z.reduce(0) { $0 + exp($1) }
          var delta = z.indices.map {
            (exp(z[$0]) / total - ($0 == labels[n] ? 1 : 0)) / Double(count)
          }
          for layer in layers.indices.reversed() {
            let outputs = delta.count
            for o in 0..<outputs {
              gradients[layer].b[o] += delta[o]
              for i in inputs[layer].indices {
                gradients[layer].w[i * outputs + o] += inputs[layer][i] * delta[o]
              }
            }
            guard layer > 0 else { break }
            delta = hidden.indices.map { i in
              slope(hidden[i])
                * (0..<outputs).reduce(0) { $0 + layers[layer].w[i * outputs + $1] * delta[$1] }
            }
          }
        }
        return gradients.flatMap { $0.w + $0.b }
      })
  }
}
