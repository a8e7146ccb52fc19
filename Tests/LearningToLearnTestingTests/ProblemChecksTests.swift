import Autodiff
import Datasets
import Layers
import LearningToLearnTesting
import Problems
import Synchronization
import Tensors
import Testing

/// Problems that are none, each for a reason of its own.
@Suite("checkProblem")
struct ProblemChecksTests {
  /// A scalar and what is wrong with its loss.
  private struct Wrong: Problem {
    var parameters = [VariableSpecification("x", .scalar, .constant(2))]
    var constants: [VariableSpecification] = []
    var of: @Sendable (Variable) -> Variable = { $0.squared() }

    func loss(
      parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
    ) -> Variable { of(parameters[0]) }
  }

  private final class Counter: Sendable {
    private let count = Mutex(0)
    func next() -> Int {
      count.withLock {
        $0 += 1
        return $0
      }
    }
  }

  private func expectFault(_ problem: Wrong, _ words: String) {
    let fault = #expect(throws: ConformanceFault.self) { try checkProblem(problem) }
    #expect(fault?.description.contains(words) ?? false, "\(fault?.description ?? "")")
    #expect(fault?.subject == "Wrong")
  }

  @Test("a problem without faults has none")
  func right() throws { try checkProblem(Wrong()) }

  @Test("names and initial values are looked at")
  func variables() {
    expectFault(Wrong(parameters: []), "no parameters")
    let x = VariableSpecification("x", .scalar, .constant(2))
    expectFault(Wrong(parameters: [x, x]), "given twice")
    expectFault(Wrong(constants: [x]), "given twice")
    expectFault(Wrong(parameters: [.init("x", .scalar, .constant(.nan))]), "value of x")
  }

  @Test("a loss that is not finite, or that changes, is found")
  func losses() {
    expectFault(Wrong { $0 * Float.infinity }, "no finite number")
    let counter = Counter()
    expectFault(Wrong { $0 * Float(counter.next()) }, "another loss the second time")
  }

  @Test("derivatives that miss a part of the loss are found")
  func derivatives() {
    // The second factor is a number for the tape.
    expectFault(Wrong { $0 * Variable($0.value) }, "the gradient along a direction")
    // Its slope is right, its curvature not.
    expectFault(Wrong { Self.line($0) }, "Hessian")
  }

  /// Its gradient is the number 2 x for the tape: right, but without a curvature of its own.
  private static func line(_ x: Variable) -> Variable {
    let square = x.value * x.value
    return Variable(square.affine(scale: -1, offset: 0)) + x
      * Variable(x.value.affine(scale: 2, offset: 0))
  }

  @Test("a kink is no smooth loss")
  func kinks() throws {
    let kink = Wrong { ($0 + -2).absolute() + $0 }
    expectFault(kink, "Hessian")
    try checkProblem(kink, isSmooth: false)
  }

  @Test("a family whose members change is found")
  func families() throws {
    struct Family: ProblemFamily {
      let counter = Counter()
      var changes = true
      var datasets: [ImageDataset] { [] }
      func member(_ stream: inout RandomStream) -> any Problem {
        let value = changes ? Float(counter.next()) : 2
        return Wrong(parameters: [.init("x", .scalar, .constant(value))])
      }
      func normalized(_ loss: Double, of member: any Problem) -> Double { loss }
    }
    try checkFamily(Family(changes: false))
    let fault = #expect(throws: ConformanceFault.self) { try checkFamily(Family()) }
    #expect(fault?.description.contains("another member") ?? false)
  }
}
