import CMPI

/// A number type that MPI can move between processes and reduce.
///
/// The conforming types are those of this module: `UInt8`, `Int32`, `Int64`, `UInt64`, `Float` and
/// `Double`. No other can be added, since a `Datatype` can't be made outside.
package protocol MPIElement: BitwiseCopyable, Sendable {
  /// MPI's name of this type.
  static var datatype: Datatype { get }
}

/// One of MPI's predefined element types.
package struct Datatype: Sendable, Hashable {
  let code: Int32

  init(_ code: Int) { self.code = Int32(code) }
}

/// How the values of all ranks become one.
///
/// MPI chooses the order and grouping of a reduction by the number of ranks, the element count
/// and the network: a floating-point `sum` is not reproducible, a `max`, a `min` or a sum of
/// integers is.
package struct ReduceOperation<Element: MPIElement>: Sendable {
  let code: Int32

  /// The sum; integers wrap around.
  package static var sum: Self { Self(code: Int32(CMPI_SUM)) }

  /// The greatest value; what a NaN gives is not specified.
  package static var max: Self { Self(code: Int32(CMPI_MAX)) }

  /// The smallest value; what a NaN gives is not specified.
  package static var min: Self { Self(code: Int32(CMPI_MIN)) }
}

extension ReduceOperation where Element: FixedWidthInteger {
  /// The bits that are set on any rank.
  package static var bitwiseOr: Self { Self(code: Int32(CMPI_BOR)) }
}

// MARK: - Conformances

extension UInt8: MPIElement {
  /// MPI_UINT8_T.
  package static var datatype: Datatype { Datatype(CMPI_UINT8) }
}

extension Int32: MPIElement {
  /// MPI_INT32_T.
  package static var datatype: Datatype { Datatype(CMPI_INT32) }
}

extension Int64: MPIElement {
  /// MPI_INT64_T.
  package static var datatype: Datatype { Datatype(CMPI_INT64) }
}

extension UInt64: MPIElement {
  /// MPI_UINT64_T.
  package static var datatype: Datatype { Datatype(CMPI_UINT64) }
}

extension Float: MPIElement {
  /// MPI_FLOAT.
  package static var datatype: Datatype { Datatype(CMPI_FLOAT) }
}

extension Double: MPIElement {
  /// MPI_DOUBLE.
  package static var datatype: Datatype { Datatype(CMPI_DOUBLE) }
}
