import Autodiff
import Tensors
import TestSupport
import Testing

@Suite("Gradients")
struct GradientTests {
  private let tape = Tape()

  @Test("operations on constants record nothing")
  func constantsAreFree() {
    let x = Variable(Tensor([1, 2]))
    let y = (x * x + 1).exp().sum()
    _ = Variable.product(
      Variable(.zeros([2, 2])), Variable(.zeros([2, 2]))
    ).softmax().meanCrossEntropy(labels: [0, 1])
    #expect(tape.count == 0)
    #expect(gradient(of: y, withRespectTo: [x])[0].value.elements == [0, 0])
  }

  @Test("one operation is one entry, and a constant operand one more")
  func countsEntries() {
    let x = tape.variable(Tensor([1, 2]))
    #expect(tape.count == 1)
    _ = x.exp()
    #expect(tape.count == 2)
    _ = x * x
    #expect(tape.count == 3)
    _ = x + Variable(1)
    #expect(tape.count == 5)
    _ = x * 3
    #expect(tape.count == 6)
    // No operation, no entry.
    _ = x.reshaped(to: [2])
    _ = x.broadcast(to: [2])
    _ = x.sum(to: [2])
    #expect(tape.count == 6)
  }

  @Test("a gradient that is not recorded adds no entries")
  func plainGradientsAreFree() {
    let x = tape.variable(Tensor([1, 2]))
    let y = (x.sigmoid() * x).sum()
    let count = tape.count
    _ = gradient(of: y, withRespectTo: [x])
    #expect(tape.count == count)
  }

  @Test("what nothing depends on has gradient 0")
  func independence() {
    let x = tape.variable(Tensor([1, 2]))
    let y = tape.variable(.zeros([2, 3]))
    let loss = x.squared().sum()
    let z = tape.variable(Tensor(5))
    let results = gradient(of: loss, withRespectTo: [y, x, z])
    #expect(results[0].value.elements == [0, 0, 0, 0, 0, 0])
    #expect(results[0].shape == [2, 3])
    #expect(results[1].value.elements == [2, 4])
    #expect(results[2].value.scalar == 0)
  }

  @Test("a variable's gradient with respect to itself is 1")
  func identity() {
    let x = tape.variable(Tensor(3))
    #expect(gradient(of: x, withRespectTo: [x])[0].value.scalar == 1)
  }

  @Test("gradients with respect to a result in the middle stop there")
  func intermediates() {
    let x = tape.variable(Tensor(3))
    let y = x.squared()
    let z = y * x
    let results = gradient(of: z, withRespectTo: [y, x])
    #expect(results[0].value.scalar == 3)
    #expect(results[1].value.scalar == 27)
  }

  @Test("no derivative flows through a detached value")
  func detaching() {
    let x = tape.variable(Tensor(3))
    #expect(gradient(of: x * x.detached, withRespectTo: [x])[0].value.scalar == 3)
    #expect(gradient(of: x.squared().detached, withRespectTo: [x])[0].value.scalar == 0)
  }

  @Test("several outputs add up, each with its seed")
  func severalOutputs() {
    let x = tape.variable(Tensor([1, 2]))
    let outputs = [x.squared(), x * 3, x, Variable(Tensor([7, 7]))]
    let seeds = [[1, 10], [2, 20], [5, 50], [9, 9]].map { Variable(Tensor($0.map(Float.init))) }
    let weighted = gradients(of: outputs, seeds: seeds, withRespectTo: [x])[0].value.elements
    // 2 x seed, 3 seed and seed.
    #expect(weighted == [13, 150])
    #expect(gradients(of: outputs, withRespectTo: [x])[0].value.elements == [6, 8])
    #expect(gradients(of: [x, x], withRespectTo: [x])[0].value.elements == [2, 2])
  }

  @Test("a third derivative can be taken")
  func thirdDerivative() {
    let x = tape.variable(Tensor(2))
    let cube = x.squared() * x
    let first = gradient(of: cube, withRespectTo: [x], recording: true)
    let second = gradient(of: first[0], withRespectTo: [x], recording: true)
    let third = gradient(of: second[0], withRespectTo: [x])
    #expect([first[0], second[0], third[0]].map(\.value.scalar) == [12, 12, 6])
  }

  @Test("a tape that was reset starts anew")
  func resetting() {
    _ = tape.variable(Tensor(1)).exp()
    tape.reset()
    #expect(tape.count == 0)
    let x = tape.variable(Tensor(2))
    #expect(gradient(of: x.squared(), withRespectTo: [x])[0].value.scalar == 4)
  }

  @Test("a variable that is not needed any more takes its tape with it")
  func tapesAreFreed() {
    weak var weakTape: Tape?
    do {
      let tape = Tape()
      weakTape = tape
      let x = tape.variable(Tensor(1))
      _ = gradient(of: x.exp(), withRespectTo: [x], recording: true)
    }
    #expect(weakTape == nil)
  }

  #if compiler(>=6.2)
    @Test("values on two tapes, a vector's gradient and a wrong seed end the program")
    func refused() async {
      await #expect(processExitsWith: .failure) {
        _ = Tape().variable(Tensor(1)) + Tape().variable(Tensor(1))
      }
      await #expect(processExitsWith: .failure) {
        let x = Tape().variable(Tensor([1, 2]))
        _ = gradient(of: x, withRespectTo: [x])
      }
      await #expect(processExitsWith: .failure) {
        let x = Tape().variable(Tensor([1, 2]))
        _ = gradients(of: [x], seeds: [Variable(1)], withRespectTo: [x])
      }
    }
  #endif
}

@Suite("Hessian-vector product")
struct HessianVectorProductTests {
  @Test("a quadratic form's product is that of its symmetric matrix")
  func knownHessian() {
    let a = Tensor.random([4, 4], seed: 1)
    let x = Tensor.random([4, 1], seed: 2)
    let v = Tensor.random([4, 1], seed: 3)
    let tape = Tape()
    let point = tape.variable(x)
    let form = Variable.product(point, .product(Variable(a), point), transposeA: true).sum()
    let result = hessianVectorProduct(of: form, at: [point], direction: [v])
    let symmetric = a.naive.combined(with: a.naive.transposed([1, 0]), +)
    // A dozen float32 operations on numbers near 1.
    #expect(
      relativeError(
        result.gradient[0].naive.elements, NaiveTensor.product(symmetric, x.naive).elements) < 1e-6)
    #expect(
      relativeError(
        result.product[0].naive.elements, NaiveTensor.product(symmetric, v.naive).elements) < 1e-6)
  }

  @Test("a perceptron's product agrees with differences of its gradient")
  func perceptron() {
    let images = Variable(Tensor.random([6, 5], seed: 4))
    let labels: [Int32] = [0, 1, 2, 0, 1, 2]
    let shapes: [Shape] = [[5, 4], [4], [4, 3], [3]]
    let start = shapes.enumerated().map { Tensor.random($1, seed: 5 + $0) }
    let direction = shapes.enumerated().map { Tensor.random($1, seed: 15 + $0) }
    func loss(_ p: [Variable]) -> Variable {
      let hidden = (Variable.product(images, p[0]) + p[1]).sigmoid()
      return (Variable.product(hidden, p[2]) + p[3]).meanCrossEntropy(labels: labels)
    }
    func slope(_ step: Float) -> [Double] {
      let tape = Tape()
      let point = zip(start, direction).map {
        tape.variable($0 + $1.affine(scale: step, offset: 0))
      }
      return gradient(of: loss(point), withRespectTo: point)
        .flatMap { $0.value.elements.map(Double.init) }
    }
    let tape = Tape()
    let point = start.map { tape.variable($0) }
    let result = hessianVectorProduct(of: loss(point), at: point, direction: direction)
    // Fourth-order differences: truncation h^4 ~ 1e-6, rounding 1e-7 / h ~ 3e-6 of the gradient.
    let h: Float = 0.03125
    let near = zip(slope(h), slope(-h)).map { $0 - $1 }
    let far = zip(slope(2 * h), slope(-2 * h)).map { $0 - $1 }
    let differences = zip(near, far).map { (8 * $0 - $1) / (12 * Double(h)) }
    let product = result.product.flatMap { $0.elements.map(Double.init) }
    #expect(relativeError(product, differences) < 1e-4)
    #expect(
      relativeError(result.gradient.flatMap { $0.elements.map(Double.init) }, slope(0)) < 1e-6)
  }

  @Test("a linear function's product is 0")
  func linear() {
    let tape = Tape()
    let x = tape.variable(Tensor([1, 2, 3]))
    let y = tape.variable(Tensor(4))
    let result = hessianVectorProduct(
      of: (x * 2).sum() + y, at: [x, y], direction: [Tensor([1, 1, 1]), Tensor(1)])
    #expect(result.gradient.map(\.elements) == [[2, 2, 2], [1]])
    #expect(result.product.map(\.elements) == [[0, 0, 0], [0]])
  }
}
