public import Autodiff

extension Variable {
  /// f(x w + b) for rows x [rows, in], weights w [in, out] and a bias b [out], recorded as one value.
  public func dense(w: Variable, b: Variable, _ activation: Activation = .identity) -> Variable {
    dense(w: w, b: b, function: activation.function)
  }
}
