internal import Foundation

// `Variable` and `Tensor` have methods of these names.

/// The natural logarithm.
func naturalLogarithm(_ value: Double) -> Double { log(value) }

/// e to a power.
func exponential(_ value: Double) -> Double { exp(value) }
