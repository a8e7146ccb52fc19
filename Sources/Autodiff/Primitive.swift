public import Tensors

/// An operation with a derivative rule.
///
/// The value is computed by the function that calls `Variable.apply`; the rule must use only
/// `Variable` operations, so that gradients can be differentiated again. Implementations are small
/// structs that hold the operation's parameters (axes, bounds), not its operands.
public protocol Primitive: Sendable {
  /// Adds the operands' cotangents, given the result's, through `site`.
  func pullback(_ site: inout Pullback)
}

extension Variable {
  /// The result of `primitive` on one operand, recorded if the operand is on a tape.
  public static func apply(_ primitive: some Primitive, _ a: Variable, value: Tensor) -> Variable {
    guard let tape = a.tape else { return Variable(value) }
    let needs = tape.nodes[Int(a.index)].needsGradient
    return tape.append(
      Tape.Node(
        value: value, primitive: primitive, first: a.index, needsGradient: needs))
  }

  /// The result of `primitive` on two operands, recorded if one of them is on a tape.
  public static func apply(
    _ primitive: some Primitive, _ a: Variable, _ b: Variable, value: Tensor
  ) -> Variable {
    guard let tape = a.tape ?? b.tape else { return Variable(value) }
    let first = tape.place(of: a)
    let second = tape.place(of: b)
    let needs = tape.nodes[Int(first)].needsGradient || tape.nodes[Int(second)].needsGradient
    return tape.append(
      Tape.Node(
        value: value, primitive: primitive, first: first, second: second, needsGradient: needs))
  }

  /// The result of `primitive` on three operands, recorded if one of them is on a tape.
  public static func apply(
    _ primitive: some Primitive, _ a: Variable, _ b: Variable, _ c: Variable, value: Tensor
  ) -> Variable {
    guard let tape = a.tape ?? b.tape ?? c.tape else { return Variable(value) }
    let places = (tape.place(of: a), tape.place(of: b), tape.place(of: c))
    let needs =
      tape.nodes[Int(places.0)].needsGradient || tape.nodes[Int(places.1)].needsGradient
      || tape.nodes[Int(places.2)].needsGradient
    return tape.append(
      Tape.Node(
        value: value, primitive: primitive, first: places.0, second: places.1, third: places.2,
        needsGradient: needs))
  }
}

extension Variable {
  /// The result of `primitive` on any number of operands, recorded if one of them is on a tape.
  ///
  /// - Precondition: at least one operand.
  public static func apply(
    _ primitive: some Primitive, _ operands: [Variable], value: Tensor
  ) -> Variable {
    guard let tape = operands.lazy.compactMap(\.tape).first else { return Variable(value) }
    let places = operands.map { tape.place(of: $0) }
    var node = Tape.Node(value: value, primitive: primitive, first: places[0], needsGradient: false)
    node.needsGradient = places.contains { tape.nodes[Int($0)].needsGradient }
    if places.count > 1 { node.second = places[1] }
    if places.count > 2 { node.third = places[2] }
    if places.count > 3 {
      node.further = Int32(tape.furtherOperands.count)
      tape.furtherOperands.append(contentsOf: places[3...])
    }
    return tape.append(node)
  }
}

/// Where a pullback reads an operation's operands and leaves their cotangents.
public struct Pullback {
  let tape: Tape
  let isRecording: Bool
  var cotangents: ContiguousArray<Variable?>
  var nodeIndex: Int
  /// The cotangent of the operation's result.
  public var cotangent: Variable

  private func operandIndex(_ operand: Int) -> Int32 {
    switch operand {
    case 0: tape.nodes[nodeIndex].first
    case 1: tape.nodes[nodeIndex].second
    case 2: tape.nodes[nodeIndex].third
    default: tape.furtherOperands[Int(tape.nodes[nodeIndex].further) + operand - 3]
    }
  }

  /// An operand, the first being 0.
  public func operand(_ operand: Int) -> Variable {
    let index = operandIndex(operand)
    let value = tape.nodes[Int(index)].value
    return isRecording ? Variable(value: value, tape: tape, index: index) : Variable(value)
  }

  /// The operation's result.
  public var result: Variable {
    let value = tape.nodes[nodeIndex].value
    return isRecording
      ? Variable(value: value, tape: tape, index: Int32(nodeIndex)) : Variable(value)
  }

  /// The cotangent's value if what a rule computes is not recorded: it may then work on plain tensors,
  /// in fewer passes, for results of the same bits.
  var plainCotangent: Tensor? { isRecording ? nil : cotangent.value }

  /// The value of an operand.
  func plainOperand(_ operand: Int) -> Tensor { tape.nodes[Int(operandIndex(operand))].value }

  /// Whether an operand's cotangent is wanted at all.
  public func needs(_ operand: Int) -> Bool {
    tape.nodes[Int(operandIndex(operand))].needsGradient
  }

  /// The shape of an operand.
  public func shape(_ operand: Int) -> Shape { tape.nodes[Int(operandIndex(operand))].value.shape }

  /// Adds `cotangent` to an operand's; shapes must be equal.
  public mutating func accumulate(_ cotangent: Variable, into operand: Int) {
    let index = Int(operandIndex(operand))
    demand(
      cotangent.shape == tape.nodes[index].value.shape,
      "a cotangent of shape \(cotangent.shape) for an operand of \(tape.nodes[index].value.shape)")
    if let sum = cotangents[index] {
      cotangents[index] = sum + cotangent
    } else {
      cotangents[index] = cotangent
    }
  }
}

/// The gradients of `outputs`, weighted by `seeds`, with respect to `variables`.
///
/// g_j = sum over i of seeds_i · d outputs_i / d variables_j, zeros where nothing depends on a
/// variable. With `recording` the results are on the tape and can be differentiated again; else
/// they are constants. Cost: about twice the operations of the forward computation.
///
/// - Parameters:
///   - outputs: values on one tape; constants contribute nothing.
///   - seeds: one cotangent an output, of its shape; ones when nil.
///   - variables: places on the same tape.
public func gradients(
  of outputs: [Variable], seeds: [Variable]? = nil, withRespectTo variables: [Variable],
  recording: Bool = false
) -> [Variable] {
  guard let tape = outputs.lazy.compactMap({ $0.tape }).first else {
    return variables.map { Variable(Tensor.zeros($0.shape)) }
  }
  let last = outputs.reduce(-1) { max($0, Int($1.index)) }
  var lowest = last
  for variable in variables {
    demand(variable.tape === tape, "a gradient with respect to a value not on the tape")
    lowest = min(lowest, Int(variable.index))
  }
  var site = Pullback(
    tape: tape, isRecording: recording,
    cotangents: ContiguousArray(repeating: nil, count: last + 1), nodeIndex: last,
    cotangent: outputs[0])
  for (position, output) in outputs.enumerated() where output.tape != nil {
    demand(output.tape === tape, "gradients of values on two tapes")
    let seed = seeds?[position] ?? Variable(Tensor(repeating: 1, shape: output.shape))
    demand(
      seed.shape == output.shape, "a seed of shape \(seed.shape) for an output of \(output.shape)")
    let index = Int(output.index)
    site.cotangents[index] = site.cotangents[index].map { $0 + seed } ?? seed
  }
  if last > lowest {
    for index in stride(from: last, to: lowest, by: -1) {
      guard let cotangent = site.cotangents[index], tape.nodes[index].needsGradient,
        let primitive = tape.nodes[index].primitive
      else { continue }
      site.nodeIndex = index
      site.cotangent = cotangent
      primitive.pullback(&site)
    }
  }
  return variables.map { variable in
    (variable.index <= last ? site.cotangents[Int(variable.index)] : nil)
      ?? Variable(Tensor.zeros(variable.shape))
  }
}

/// The gradient of a scalar with respect to `variables`.
///
/// - Precondition: `output` has one element.
public func gradient(
  of output: Variable, withRespectTo variables: [Variable], recording: Bool = false
) -> [Variable] {
  demand(output.value.count == 1, "the gradient of a value of shape \(output.shape)")
  return gradients(of: [output], withRespectTo: variables, recording: recording)
}

/// The product of a scalar function's Hessian with a direction, by differentiating its gradient.
///
/// H v = d (g · v) / d x (Pearlmutter, 1994), exact, at about four times the function's cost.
///
/// - Parameters:
///   - variables: the point x, as independent variables on the tape of `output`.
///   - direction: v, one tensor a variable.
/// - Returns: the gradient at x and H v, each one tensor a variable.
public func hessianVectorProduct(
  of output: Variable, at variables: [Variable], direction: [Tensor]
) -> (gradient: [Tensor], product: [Tensor]) {
  let first = gradient(of: output, withRespectTo: variables, recording: true)
  let second = gradients(
    of: first, seeds: direction.map { Variable($0) }, withRespectTo: variables)
  return (first.map(\.value), second.map(\.value))
}
