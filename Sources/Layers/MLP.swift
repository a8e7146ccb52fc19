public import Autodiff
package import Tensors

/// x w + b for rows x [rows, in], weights w [in, out] and bias b [out].
public func linear(_ x: Variable, w: Variable, b: Variable) -> Variable {
  .product(x, w) + b
}

/// A multi-layer perceptron: linear layers with an activation between them, none after the last.
///
/// A fused one computes and records layer by layer (`Variable.dense`): half the time for layers of some
/// dozens of units, with other last bits.
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
  /// Whether a layer is computed as a whole.
  public let isFused: Bool

  /// A perceptron with the given layer sizes.
  ///
  /// - Precondition: at least one layer; sizes above 0; not both normalized and fused.
  public init(
    sizes: [Int], activation: Activation, isNormalized: Bool = false, isFused: Bool = false
  ) {
    precondition(!sizes.isEmpty && sizes.allSatisfy { $0 > 0 }, "layer sizes \(sizes)")
    precondition(!(isNormalized && isFused), "a fused perceptron is not normalized")
    self.isFused = isFused
    self.sizes = sizes
    self.activation = activation
    self.isNormalized = isNormalized
  }

  /// The parameters for rows of `inputs` numbers; `initializer` draws weights and biases, the
  /// offsets of normalization start at 0.
  public func parameters(inputs: Int, initializer: Initializer) -> [VariableSpecification] {
    parameters(inputs: inputs, biases: initializer) { _ in initializer }
  }

  /// The parameters for rows of `inputs` numbers, with weights drawn as `weights` says for a layer's
  /// number of inputs.
  public func parameters(
    inputs: Int, biases: Initializer, weights: (_ inputs: Int) -> Initializer
  ) -> [VariableSpecification] {
    var width = inputs
    return sizes.enumerated().flatMap { index, size in
      defer { width = size }
      var layer = [
        VariableSpecification("mlp/linear_\(index)/w", [width, size], weights(width)),
        VariableSpecification("mlp/linear_\(index)/b", [size], biases),
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
    if isFused { return fused(x, parameters: parameters) }
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

  /// The same with a mean cross-entropy and without a tape: nil unless fused, and small.
  package func pass(rows: Int, inputs: Int) -> PerceptronPass? {
    guard isFused else { return nil }
    return PerceptronPass(rows: rows, inputs: inputs, sizes: sizes, function: activation.function)
  }

  private func fused(_ x: Variable, parameters: ArraySlice<Variable>) -> Variable {
    var x = x
    var next = parameters.startIndex
    for layer in sizes.indices {
      let function = layer < sizes.count - 1 ? activation.function : .identity
      x = x.dense(w: parameters[next], b: parameters[next + 1], function: function)
      next += 2
    }
    return x
  }
}
