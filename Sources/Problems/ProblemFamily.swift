public import Datasets
public import Tensors

/// A distribution of problems: which one an optimizee gets follows from its random numbers.
///
/// Members share what they can (data sets, layouts), so that drawing one costs next to nothing beside
/// the optimization of it. A problem is a family of one, which draws nothing.
public protocol ProblemFamily: Sendable {
  /// The data sets that members read, for notices and for comparing between processes.
  var datasets: [ImageDataset] { get }

  /// The problem of one optimizee.
  ///
  /// - Parameter stream: the optimizee's random numbers; initial parameters are drawn after it.
  func member(_ stream: inout RandomStream) -> any Problem

  /// A member's loss on a scale that all members share, for means over them.
  func normalized(_ loss: Double, of member: any Problem) -> Double
}

extension Problem {
  /// None.
  public var datasets: [ImageDataset] { [] }

  /// The problem itself; draws nothing.
  public func member(_ stream: inout RandomStream) -> any Problem { self }

  /// The loss as it is.
  public func normalized(_ loss: Double, of member: any Problem) -> Double { loss }
}
