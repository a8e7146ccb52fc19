public import Tensors

/// A value that remembers how it was computed, if it was computed from a tape's variables.
///
/// Without a tape it is a constant: operations on constants alone record nothing.
///
/// ```swift
/// let tape = Tape()
/// let x = tape.variable(Tensor([1, 2]))
/// let loss = (x.squared() * 3).sum()
/// let slope = gradient(of: loss, withRespectTo: [x])[0].value  // [6, 12]
/// ```
public struct Variable {
  /// The value.
  public let value: Tensor
  let tape: Tape?
  let index: Int32

  init(value: Tensor, tape: Tape?, index: Int32) {
    self.value = value
    self.tape = tape
    self.index = index
  }

  /// A constant: no derivative flows into it.
  public init(_ constant: Tensor) {
    self.init(value: constant, tape: nil, index: -1)
  }

  /// A constant scalar.
  public init(_ constant: Float) { self.init(Tensor(constant)) }

  /// The shape of the value.
  public var shape: Shape { value.shape }

  /// The same value as a constant.
  public var detached: Variable { Variable(value) }
}

/// The record of one differentiable computation, in order.
///
/// Not thread-safe; use one tape a thread. Its memory is that of all recorded values, until `reset`
/// or until the tape and every variable on it are gone.
public final class Tape {
  struct Node {
    var value: Tensor
    var primitive: (any Primitive)?
    // The operands' places; -1 for none.
    var first: Int32 = -1
    var second: Int32 = -1
    var third: Int32 = -1
    // Where the places of the fourth and further operands start in `furtherOperands`.
    var further: Int32 = -1
    var needsGradient: Bool
  }

  // Every operation touches these: they are in one thread's hands, and nothing is called while they
  // are changed, so that checks of exclusive access at run time would cost and find nothing.
  @exclusivity(unchecked)
  var nodes: ContiguousArray<Node> = []
  /// The places of operands after the third, node after node.
  @exclusivity(unchecked)
  var furtherOperands: ContiguousArray<Int32> = []

  /// An empty tape.
  public init() {}

  /// A new independent variable, with respect to which gradients can be taken.
  public func variable(_ value: Tensor) -> Variable {
    append(Node(value: value, primitive: nil, needsGradient: true))
  }

  /// The number of recorded values, for tests of what a computation costs.
  public var count: Int { nodes.count }

  /// Forgets everything but keeps the memory of the list; variables on the tape become invalid.
  public func reset() {
    nodes.removeAll(keepingCapacity: true)
    furtherOperands.removeAll(keepingCapacity: true)
  }

  func append(_ node: Node) -> Variable {
    nodes.append(node)
    return Variable(value: node.value, tape: self, index: Int32(nodes.count - 1))
  }

  /// The place of an operand on this tape; constants are recorded without need of a gradient.
  func place(of operand: Variable) -> Int32 {
    if let tape = operand.tape {
      demand(tape === self, "an operation on variables of two tapes")
      return operand.index
    }
    return append(
      Node(value: operand.value, primitive: nil, needsGradient: false)
    ).index
  }
}
