internal import Platform
package import Tensors

/// The optimizer of the nets' weights.
///
/// Adam in TensorFlow's form,
///
///     lr_n = lr sqrt(1 - b2^n) / (1 - b1^n)
///     m' = b1 m + (1 - b1) g,  v' = b2 v + (1 - b2) g^2
///     w' = w - lr_n m' / (sqrt(v') + epsilon)
///
/// where n counts steps from 1 and epsilon stands outside the bias correction ("epsilon hat" of Kingma
/// and Ba, 2014, section 2); AdamW (Loshchilov and Hutter, "Decoupled weight decay regularization",
/// 2019), which also subtracts lr times the decay times w; or gradient descent with momentum (Polyak,
/// 1964), m' = mu m + g, w' = w - lr m'.
public struct MetaOptimizer: Sendable {
  /// Which of them.
  public enum Rule: String, CaseIterable, Sendable {
    /// Adam.
    case adam
    /// Adam with decoupled weight decay.
    case adamw
    /// Gradient descent with momentum.
    case sgd
  }

  /// Decay of the first moment.
  package static let beta1: Float = 0.9
  /// Decay of the second moment.
  package static let beta2: Float = 0.999
  /// Added to the root of the second moment.
  package static let epsilon: Float = 1e-8

  /// How weights are stepped.
  package let rule: Rule
  /// The step size lr.
  package var learningRate: Float
  /// AdamW's decay.
  package let weightDecay: Float
  /// Gradient descent's mu.
  package let momentum: Float
  /// How many steps were taken.
  package var stepCount: Int
  /// For each net, the first moments of its weights, flattened.
  package var firstMoments: [Tensor]
  /// For each net, the second moments of its weights, flattened; zeros without Adam.
  package var secondMoments: [Tensor]

  /// The optimizer before its first step on weights of the given sizes, one a net.
  package init(
    _ rule: Rule = .adam, learningRate: Float, weightDecay: Float = 0, momentum: Float = 0.9,
    weightCounts: [Int]
  ) {
    self.rule = rule
    self.learningRate = learningRate
    self.weightDecay = rule == .adamw ? weightDecay : 0
    self.momentum = momentum
    stepCount = 0
    firstMoments = weightCounts.map { .zeros(Shape(vector: $0)) }
    secondMoments = firstMoments
  }

  /// Takes one step: changes the weights, one vector a net.
  ///
  /// - Parameters:
  ///   - weights: flattened weights, one vector a net.
  ///   - gradients: finite numbers of the same layout.
  ///   - frozen: which weights stay as they are, one list a net; nil for none.
  package mutating func step(
    _ weights: inout [Tensor], gradients: [[Float]], frozen: [[Bool]]? = nil
  ) {
    stepCount += 1
    for net in weights.indices where weights[net].count > 0 {
      let count = weights[net].count
      precondition(
        gradients[net].count == count, "\(gradients[net].count) gradients for \(count) weights")
      let before = weights[net]
      switch rule {
      case .adam, .adamw: stepAdam(&weights[net], gradients[net], net)
      case .sgd: stepDescent(&weights[net], gradients[net], net)
      }
      guard let frozen = frozen?[net] else { continue }
      before.withUnsafeFloats { before in
        weights[net].withUnsafeMutableFloats { w in
          for index in 0..<count where frozen[index] { w[index] = before[index] }
        }
      }
    }
  }

  private mutating func stepAdam(_ weights: inout Tensor, _ gradient: [Float], _ net: Int) {
    let n = Double(stepCount)
    let (b1, b2) = (Self.beta1, Self.beta2)
    let rate = Float(
      Double(learningRate) * (1 - pow(Double(b2), n)).squareRoot() / (1 - pow(Double(b1), n)))
    let decay = learningRate * weightDecay
    let count = weights.count
    weights.withUnsafeMutableFloats { w in
      firstMoments[net].withUnsafeMutableFloats { m in
        secondMoments[net].withUnsafeMutableFloats { v in
          for index in 0..<count {
            let g = gradient[index]
            m[index] += (g - m[index]) * (1 - b1)
            v[index] += (g * g - v[index]) * (1 - b2)
            let decayed = decay == 0 ? 0 : decay * w[index]
            w[index] -= rate * m[index] / (v[index].squareRoot() + Self.epsilon)
            w[index] -= decayed
          }
        }
      }
    }
  }

  private mutating func stepDescent(_ weights: inout Tensor, _ gradient: [Float], _ net: Int) {
    let count = weights.count
    weights.withUnsafeMutableFloats { w in
      firstMoments[net].withUnsafeMutableFloats { m in
        for index in 0..<count {
          m[index] = momentum * m[index] + gradient[index]
          w[index] -= learningRate * m[index]
        }
      }
    }
  }
}
