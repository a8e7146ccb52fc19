internal import Foundation
public import Tensors

/// Adam in TensorFlow's form: the optimizer of the nets' weights.
///
///     lr_n = lr sqrt(1 - b2^n) / (1 - b1^n)
///     m' = b1 m + (1 - b1) g,  v' = b2 v + (1 - b2) g^2
///     w' = w - lr_n m' / (sqrt(v') + epsilon)
///
/// n counts steps from 1. epsilon stands outside the bias correction ("epsilon hat" of Kingma and
/// Ba, 2014, section 2).
public struct MetaAdam: Sendable {
  /// The step size lr.
  public var learningRate: Float
  /// Decay of the first moment.
  public static let beta1: Float = 0.9
  /// Decay of the second moment.
  public static let beta2: Float = 0.999
  /// Added to the root of the second moment.
  public static let epsilon: Float = 1e-8

  /// How many steps were taken.
  public var stepCount: Int
  /// For each net, the first moments of its weights, flattened.
  public var firstMoments: [Tensor]
  /// For each net, the second moments of its weights, flattened.
  public var secondMoments: [Tensor]

  /// Adam before its first step on weights of the given sizes, one a net.
  public init(learningRate: Float, weightCounts: [Int]) {
    self.learningRate = learningRate
    stepCount = 0
    firstMoments = weightCounts.map { .zeros(Shape(vector: $0)) }
    secondMoments = firstMoments
  }

  /// Takes one step: changes the weights, one vector a net.
  ///
  /// - Parameters:
  ///   - weights: flattened weights, one vector a net.
  ///   - gradients: finite numbers of the same layout.
  public mutating func step(_ weights: inout [Tensor], gradients: [[Float]]) {
    stepCount += 1
    let n = Double(stepCount)
    let (b1, b2) = (MetaAdam.beta1, MetaAdam.beta2)
    let rate = Float(
      Double(learningRate) * (1 - pow(Double(b2), n)).squareRoot() / (1 - pow(Double(b1), n)))
    for net in weights.indices where weights[net].count > 0 {
      let gradient = gradients[net]
      let count = weights[net].count
      precondition(gradient.count == count, "\(gradient.count) gradients for \(count) weights")
      weights[net].withUnsafeMutableFloats { w in
        firstMoments[net].withUnsafeMutableFloats { m in
          secondMoments[net].withUnsafeMutableFloats { v in
            for index in 0..<count {
              let g = gradient[index]
              m[index] += (g - m[index]) * (1 - b1)
              v[index] += (g * g - v[index]) * (1 - b2)
              w[index] -= rate * m[index] / (v[index].squareRoot() + MetaAdam.epsilon)
            }
          }
        }
      }
    }
  }
}
