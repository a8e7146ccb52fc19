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
/// Parameters, in order: `mlp/linear_0/w` [in, size_0], `mlp/linear_0/b` [size_0], ...
public struct MLP: Sendable {
  /// The output sizes of the layers, in order.
  public let sizes: [Int]
  /// The activation between layers.
  public let activation: Activation

  /// A perceptron with the given layer sizes.
  ///
  /// - Precondition: at least one layer; sizes above 0.
  public init(sizes: [Int], activation: Activation) {
    precondition(!sizes.isEmpty && sizes.allSatisfy { $0 > 0 }, "layer sizes \(sizes)")
    self.sizes = sizes
    self.activation = activation
  }

  /// The parameters for rows of `inputs` numbers, all drawn by `initializer`.
  public func parameters(inputs: Int, initializer: Initializer) -> [VariableSpecification] {
    var width = inputs
    return sizes.enumerated().flatMap { index, size in
      defer { width = size }
      return [
        VariableSpecification("mlp/linear_\(index)/w", [width, size], initializer),
        VariableSpecification("mlp/linear_\(index)/b", [size], initializer),
      ]
    }
  }

  /// The outputs [rows, sizes.last] for rows x [rows, inputs].
  public func callAsFunction(_ x: Variable, parameters: ArraySlice<Variable>) -> Variable {
    var x = x
    var next = parameters.startIndex
    for layer in sizes.indices {
      if layer > 0 { x = activation(x) }
      x = linear(x, w: parameters[next], b: parameters[next + 1])
      next += 2
    }
    return x
  }
}
