public import Autodiff
internal import Tensors

/// x w + b for rows x [rows, in], weights w [in, out] and bias b [out].
public func linear(_ x: Variable, w: Variable, b: Variable) -> Variable {
  .product(x, w) + b
}

/// The function applied between layers.
public enum Activation: String, Sendable, CaseIterable {
  /// 1 / (1 + exp(-x)).
  case sigmoid
  /// max(x, 0).
  case relu

  /// The activation of every element.
  public func callAsFunction(_ x: Variable) -> Variable {
    switch self {
    case .sigmoid: x.sigmoid()
    case .relu: x.relu()
    }
  }
}

/// A multi-layer perceptron: linear layers with an activation between them, none after the last.
///
/// Parameters, in order: `mlp/linear_0/w` [in, size_0], `mlp/linear_0/b` [size_0], with batch
/// normalization before the activation `mlp/batch_norm/beta` [size_0], ... The offset of layer i
/// after the first is `mlp/batch_norm_{i}/beta`; the last layer has none.
public struct MLP: Sendable {
  /// The output sizes of the layers, in order.
  public let sizes: [Int]
  /// The activation between layers.
  public let activation: Activation
  /// Whether layers are normalized over the batch before the activation.
  public let isNormalized: Bool

  /// A perceptron with the given layer sizes.
  ///
  /// - Precondition: at least one layer; sizes above 0.
  public init(sizes: [Int], activation: Activation, isNormalized: Bool = false) {
    precondition(!sizes.isEmpty && sizes.allSatisfy { $0 > 0 }, "layer sizes \(sizes)")
    self.sizes = sizes
    self.activation = activation
    self.isNormalized = isNormalized
  }

  /// The parameters for rows of `inputs` numbers; `initializer` draws weights and biases, the
  /// offsets of normalization start at 0.
  public func parameters(inputs: Int, initializer: Initializer) -> [VariableSpecification] {
    var width = inputs
    return sizes.enumerated().flatMap { index, size in
      defer { width = size }
      var layer = [
        VariableSpecification("mlp/linear_\(index)/w", [width, size], initializer),
        VariableSpecification("mlp/linear_\(index)/b", [size], initializer),
      ]
      if isNormalized, index < sizes.count - 1 {
        let name = index == 0 ? "mlp/batch_norm" : "mlp/batch_norm_\(index)"
        layer.append(VariableSpecification("\(name)/beta", [size], .zeros))
      }
      return layer
    }
  }

  /// The outputs [rows, sizes.last] for rows x [rows, inputs].
  public func callAsFunction(_ x: Variable, parameters: ArraySlice<Variable>) -> Variable {
    var x = x
    var parameters = parameters
    for layer in sizes.indices {
      let (w, b) = (parameters[parameters.startIndex], parameters[parameters.startIndex + 1])
      parameters = parameters.dropFirst(2)
      guard layer < sizes.count - 1 else { return linear(x, w: w, b: b) }
      if isNormalized {
        // Normalization subtracts what the bias adds: its derivative is 0, and it is left out.
        x = .product(x, w).batchNormalized(offset: parameters[parameters.startIndex])
        parameters = parameters.dropFirst()
      } else {
        x = linear(x, w: w, b: b)
      }
      x = activation(x)
    }
    return x
  }
}
