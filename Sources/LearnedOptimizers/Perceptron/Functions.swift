internal import Platform

// `Variable` and `Tensor` have methods of these names.

/// The natural logarithm.
func naturalLogarithm(_ value: Double) -> Double { log(value) }

/// e to a power.
func exponential(_ value: Double) -> Double { exp(value) }

/// The hyperbolic tangent.
func hyperbolicTangent(_ value: Double) -> Double { tanh(value) }

/// A power.
func power(_ base: Double, _ exponent: Double) -> Double { pow(base, exponent) }

/// The logarithm to base 10.
func decimalLogarithm(_ value: Double) -> Double { log10(value) }
