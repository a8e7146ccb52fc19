import Autodiff
import Layers
import LearnedOptimizers
import MetaGradients
import MetaTraining
import Problems
import Settings
import Tensors
import TestSupport
import Testing
import TrainingTestSupport
import Unrolling

/// |A v - y|^2 / n for v = all parameters joined: filters, a vector and one that no net steps.
private struct Coupled: Problem {
  let parameters = [
    VariableSpecification("filters", [2, 3, 2, 1], .normal(standardDeviation: 1)),
    VariableSpecification("fixed", [3], .normal(standardDeviation: 1)),
    VariableSpecification("vector", [4], .normal(standardDeviation: 1)),
  ]
  let constants = [
    VariableSpecification("a", [19, 19], .normal(standardDeviation: 0.3)),
    VariableSpecification("y", [19, 1], .normal(standardDeviation: 1)),
  ]

  func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    let columns = parameters.map { $0.reshaped(to: [$0.shape.count, 1]) }
    let joined = columns[0].concatenated(with: columns[1], axis: 0)
      .concatenated(with: columns[2], axis: 0)
    return (Variable.product(Variable(constants[0]), joined) - Variable(constants[1]))
      .squared().mean()
  }
}

/// Half the sum of a x^2 over a vector's entries, from 1.
private struct Bowl: Problem {
  static let curvatures: [Float] = [0.1, 1, -0.5, 0.01, 2]
  let parameters = [VariableSpecification("x", [5], .constant(1))]

  func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    (Variable(Tensor(Self.curvatures)) * parameters[0].squared()).sum() * 0.5
  }
}

/// A kernel net that takes each kernel out of the filters by itself: [h, w] at each pair of channels.
private struct KernelByKernel: TensorwiseOptimizer {
  static let name = "KernelByKernel"
  let kernels: KernelDeepLSTM
  var options: [String: JSONValue] { kernels.options }
  var weights: [VariableSpecification] { kernels.weights }

  func initialState(of shape: Shape) -> [Tensor] {
    (0..<shape[2] * shape[3]).flatMap { _ in
      kernels.rowStateShapes.map { .zeros(Shape([1] + $0.dimensions)) }
    }
  }

  func update(_ step: TensorStep, state: [Variable], weights: [Variable])
    -> (update: Variable, state: [Variable])
  {
    let shape = step.gradient.shape
    let count = kernels.rowStateShapes.count
    var (columns, next): ([Variable], [Variable]) = ([], [])
    for input in 0..<shape[2] {
      for output in 0..<shape[3] {
        let kernel = step.gradient.slice(axis: 2, from: input, count: 1)
          .slice(axis: 3, from: output, count: 1)
        let own = Array(state[columns.count * count..<(columns.count + 1) * count])
        let (row, after) = kernels.update(
          rows: kernel.reshaped(to: Shape(rows: 1, columns: shape[0] * shape[1])), state: own,
          index: step.index, weights: weights)
        columns.append(row.reshaped(to: Shape(rows: shape[0] * shape[1], columns: 1)))
        next += after
      }
    }
    let update = columns.dropFirst().reduce(columns[0]) { $0.concatenated(with: $1, axis: 1) }
    return (update.reshaped(to: shape), next)
  }
}

@Suite("Unroller")
struct UnrollerTests {
  /// A kernel net on the filters and a coordinate-wise one on the vector.
  private func coupled() throws -> WeightedExperiment {
    let kernels = Weighted(
      KernelDeepLSTM(kernelShape: [2, 3], layers: [3], scale: 0.1), seed: 4)
    let vector = net([4], scale: 0.1)
    return try WeightedExperiment(
      Coupled(),
      nets: [
        NetAssignment(key: "vector", optimizer: vector.rule, parameters: ["vector"]),
        NetAssignment(key: "filters", optimizer: kernels.rule, parameters: ["filters"]),
      ], weights: [vector.weights, kernels.weights])
  }

  /// The net without layers whose update is w g + b.
  private func linearNet(_ w: Double, _ b: Double) -> Weighted<CoordinateWiseDeepLSTM> {
    var optimizer = net([])
    optimizer.weights.tensors = [Tensor([Float(w)], shape: [1, 1]), Tensor([Float(b)])]
    return optimizer
  }

  @Test("an optimizee follows from its key: seed, phase, epoch and number")
  func instances() throws {
    let unroller = try coupled().makeUnroller()
    let start = OptimizeeKey(seed: 1, phase: .training, epoch: 2, instance: 3)
    func values(_ key: OptimizeeKey) -> [Float] {
      let optimizee = unroller.makeOptimizee(key)
      return optimizee.parameters.elements + optimizee.constants.flatMap(\.elements)
    }
    #expect(values(start) == values(start))
    let others = [
      OptimizeeKey(seed: 2, phase: .training, epoch: 2, instance: 3),
      OptimizeeKey(seed: 1, phase: .validation, epoch: 2, instance: 3),
      OptimizeeKey(seed: 1, phase: .test, epoch: 2, instance: 3),
      OptimizeeKey(seed: 1, phase: .training, epoch: 3, instance: 3),
      OptimizeeKey(seed: 1, phase: .training, epoch: 2, instance: 4),
    ]
    #expect(Set(([start] + others).map(values)).count == 6)
  }

  @Test("with and without meta-gradients the same losses are computed, bit for bit")
  func sameLosses() throws {
    let unroller = try coupled().makeUnroller()
    var copies = Array(repeating: unroller.makeOptimizee(key()), count: 3)
    let start = copies[0].parameters.elements
    let losses = try [
      unroller.walk(&copies[0], steps: 6),
      unroller.unroll(&copies[1], steps: 6).losses,
      unroller.unroll(&copies[2], steps: 6, .second()).losses,
    ]
    #expect(losses[0].count == 7)
    #expect(losses[1] == losses[0] && losses[2] == losses[0])
    #expect(copies[1].parameters.elements == copies[0].parameters.elements)
    #expect(copies[2].parameters.elements == copies[0].parameters.elements)
    #expect(copies.allSatisfy { $0.evaluations == 7 })
    #expect(unroller.makeOptimizee(key()).parameters.elements == start)
  }

  @Test("without the last loss the minibatch stream moves on as if it had been computed")
  func withoutLastLoss() throws {
    let unroller = try coupled().makeUnroller()
    var optimizee = unroller.makeOptimizee(key())
    var whole = optimizee
    let found = try unroller.walk(&optimizee, steps: 3, lossAtEnd: false)
    let losses = try unroller.walk(&whole, steps: 3)
    #expect(found == Array(losses.dropLast()))
    #expect(optimizee.evaluations == whole.evaluations)
  }

  @Test("a parameter that no net steps keeps its value, and gets gradients nonetheless")
  func fixedParameter() throws {
    let unroller = try coupled().makeUnroller()
    #expect(unroller.experiment.fixedParameters == ["fixed"])
    let layout = unroller.experiment.layout
    var optimizee = unroller.makeOptimizee(key())
    let before = optimizee.parameters
    _ = try unroller.unroll(&optimizee, steps: 5, .second())
    func value(_ position: Int, _ vector: Tensor) -> [Float] {
      layout.value(of: position, in: vector).elements
    }
    #expect(value(1, optimizee.parameters) == value(1, before))
    for position in [0, 2] {
      #expect(zip(value(position, optimizee.parameters), value(position, before)).allSatisfy(!=))
    }
  }

  @Test("a net of a kernel a row steps each kernel by itself")
  func kernelRows() throws {
    let weighted = try coupled()
    let (experiment, layout) = (weighted.experiment, weighted.experiment.layout)
    let unroller = weighted.makeUnroller()
    var optimizee = unroller.makeOptimizee(key())
    let before = optimizee.parameters
    let tape = Tape()
    let point = layout.parameters.indices.map {
      tape.variable(layout.value(of: $0, in: before))
    }
    var stream = RandomStream(seed: 0, purpose: .test)
    let loss = Coupled().loss(
      parameters: point, constants: optimizee.constants, minibatch: &stream)
    let slope = gradient(of: loss, withRespectTo: point)[0].value
    _ = try unroller.walk(&optimizee, steps: 1)
    let kernels = try #require(experiment.nets[1].optimizer as? KernelDeepLSTM)
    let engine = TensorEngine(KernelByKernel(kernels: kernels))
    engine.load(weighted.weights[1])
    var state = engine.initialState([2, 3, 2, 1])
    let update = engine.step(slope, state: &state)
    let expected = layout.value(of: 0, in: before) + update
    // Two engines in float32.
    #expect(
      relativeError(
        layout.value(of: 0, in: optimizee.parameters).elements, expected.elements) < 1e-6)
  }

  @Test(
    "the meta-gradient of a linear net on x squared is that of its formula",
    arguments: [false, true])
  func closedForm(secondDerivatives: Bool) throws {
    // x' = x + w 2x + b = (1 + 2w) x + b, meta-loss sum of x^2.
    let (w, b, steps) = (-0.1, 0.05, 8)
    let unroller = try experiment(Simple(), linearNet(w, b)).makeUnroller()
    var optimizee = unroller.makeOptimizee(key())
    let outcome = try unroller.unroll(
      &optimizee, steps: steps, secondDerivatives ? .second() : .first)
    // Forward derivatives of x in w and b; in first order the gradient 2x counts as constant.
    let carry = secondDerivatives ? 1 + 2 * w : 1
    var (x, byW, byB) = (1.0, 0.0, 0.0)
    var (sum, sumW, sumB) = (1.0, 0.0, 0.0)
    for _ in 0..<steps {
      (byW, byB) = (carry * byW + 2 * x, carry * byB + 1)
      x = (1 + 2 * w) * x + b
      (sum, sumW, sumB) = (sum + x * x, sumW + 2 * x * byW, sumB + 2 * x * byB)
    }
    // A few dozen operations in float32.
    #expect(abs(outcome.metaLoss - sum) < 1e-6 * sum)
    #expect(relativeError(outcome.gradients[0], [sumW, sumB]) < 2e-6)
  }

  @Test(
    "adjoints are shortened to the limit times those of the first order",
    arguments: [0.5, 1, 1.2, 1e9])
  func adjointLimit(limit: Double) throws {
    // x' = (1 + 2w) x + b with w above 0: second derivatives lengthen every adjoint.
    let (w, b, steps) = (0.1, 0.05, 8)
    let unroller = try experiment(Simple(), linearNet(w, b)).makeUnroller()
    var optimizee = unroller.makeOptimizee(key())
    let outcome = try unroller.unroll(
      &optimizee, steps: steps, .second(limit: limit))
    var points = [1.0]
    for _ in 0..<steps { points.append((1 + 2 * w) * points[points.count - 1] + b) }
    var lambda = 2 * points[steps]
    var firstOrder = lambda
    var (sumW, sumB) = (0.0, 0.0)
    for x in points.dropLast().reversed() {
      (sumW, sumB) = (sumW + lambda * 2 * x, sumB + lambda)
      firstOrder += 2 * x
      lambda = min((1 + 2 * w) * lambda + 2 * x, limit * firstOrder)
    }
    // A few dozen operations in float32.
    #expect(relativeError(outcome.gradients[0], [sumW, sumB]) < 2e-6)
  }

  @Test(
    "derivatives by gradients below the smoothing's width are scaled down",
    arguments: [0.5, 1, 3])
  func adjointSmoothing(width: Double) throws {
    // x' = (1 + w a) x + b for every entry, with the gradient a x.
    let (w, b, steps) = (0.2, 0.05, 8)
    let unroller = try experiment(Bowl(), linearNet(w, b)).makeUnroller()
    var optimizee = unroller.makeOptimizee(key())
    let outcome = try unroller.unroll(
      &optimizee, steps: steps, .second(smoothing: width))
    let curvatures = Bowl.curvatures.map(Double.init)
    var points = [[Double](repeating: 1, count: curvatures.count)]
    for _ in 0..<steps {
      points.append(zip(points[points.count - 1], curvatures).map { (1 + w * $1) * $0 + b })
    }
    func gradients(_ point: [Double]) -> [Double] { zip(point, curvatures).map { $0 * $1 } }
    var lambda = gradients(points[steps])
    var (sumW, sumB, scaled) = (0.0, 0.0, 0)
    for point in points.dropLast().reversed() {
      let g = gradients(point)
      let rms = (g.reduce(0) { $0 + $1 * $1 } / Double(g.count)).squareRoot()
      for i in g.indices {
        (sumW, sumB) = (sumW + lambda[i] * g[i], sumB + lambda[i])
        let share = min(abs(g[i]) / (width * rms), 1)
        scaled += share < 1 ? 1 : 0
        lambda[i] += share * w * lambda[i] * curvatures[i] + g[i]
      }
    }
    #expect(scaled > steps && (width > 1 || scaled < steps * curvatures.count))
    // A few hundred operations in float32.
    #expect(relativeError(outcome.gradients[0], [sumW, sumB]) < 5e-6)
  }

  @Test("in first order it is the derivative with the gradients held fixed")
  func frozenGradients() throws {
    let weighted = try coupled()
    let (experiment, layout) = (weighted.experiment, weighted.experiment.layout)
    let unroller = weighted.makeUnroller()
    let start = unroller.makeOptimizee(key())
    var optimizee = start
    let metaGradients = try unroller.unroll(&optimizee, steps: 5)
      .gradients
    let problem = Coupled()
    func lossAndGradient(_ vector: Tensor) -> (Double, Tensor) {
      let tape = Tape()
      let point = layout.parameters.indices.map {
        tape.variable(layout.value(of: $0, in: vector))
      }
      var stream = RandomStream(seed: 0, purpose: .test)
      let loss = problem.loss(
        parameters: point, constants: start.constants, minibatch: &stream)
      let slopes = gradient(of: loss, withRespectTo: point).map(\.value)
      return (Double(loss.value.scalar), layout.vector(of: slopes))
    }
    // The gradients on the way of the present weights.
    var gradients: [Tensor] = []
    var point = start
    for _ in 0..<5 {
      gradients.append(lossAndGradient(point.parameters).1)
      _ = try unroller.walk(&point, steps: 1)
    }
    // The net "vector" is the first of the layout: its four coordinates lead every vector.
    let own = layout.runs[0].count
    func metaLoss(_ weights: Tensor) -> Double {
      let engines = experiment.nets.map { TensorEngine($0.optimizer) }
      engines[0].load(weighted.weights[0].unflattening(weights))
      engines[1].load(weighted.weights[1])
      var states = [engines[0].initialState([own]), engines[1].initialState([2, 3, 2, 1])]
      var vector = start.parameters
      var sum = lossAndGradient(vector).0
      for gradient in gradients {
        let mine = engines[0].step(gradient.view(from: 0, shape: [own]), state: &states[0])
        let filters = layout.value(of: 0, in: gradient)
        let others = engines[1].step(filters, state: &states[1])
        vector = vector + layout.vector(of: [others, .zeros([3]), mine])
        sum += lossAndGradient(vector).0
      }
      return sum
    }
    let flat = weighted.weights[0].flattened
    let norm = metaGradients[0].reduce(0) { $0 + $1 * $1 }.squareRoot()
    for seed in 0..<3 {
      let difference = difference(at: flat, seed: seed, of: metaLoss)
      let exact = zip(metaGradients[0], difference.direction.elements)
        .reduce(0) { $0 + $1.0 * Double($1.1) }
      // Rounding of a sum of six losses near 1, 1e-7, over the step 0.06.
      #expect(abs(difference.quotient - exact) < 1e-4 + 1e-3 * norm)
    }
  }

  @Test("with second derivatives it is the derivative of the meta-loss, for every net")
  func differences() throws {
    let weighted = try coupled()
    let unroller = weighted.makeUnroller()
    let start = unroller.makeOptimizee(key())
    var optimizee = start
    let metaGradients = try unroller.unroll(&optimizee, steps: 5, .second())
      .gradients
    let weights = weighted.weights
    for net in weights.indices {
      let norm = metaGradients[net].reduce(0) { $0 + $1 * $1 }.squareRoot()
      for seed in 0..<3 {
        let difference = try difference(at: weights[net].flattened, seed: seed) { vector in
          var changed = weights
          changed[net] = weights[net].unflattening(vector)
          unroller.load(changed)
          var optimizee = start
          return MetaLoss.sum.value(try unroller.walk(&optimizee, steps: 5))
        }
        let exact = zip(metaGradients[net], difference.direction.elements)
          .reduce(0) { $0 + $1.0 * Double($1.1) }
        // As above.
        #expect(abs(difference.quotient - exact) < 1e-4 + 1e-3 * norm, "net \(net)")
      }
    }
  }

  /// The central difference of fourth order along a random direction of length 1.
  private func difference(
    at point: Tensor, seed: Int, of function: (Tensor) throws -> Double
  ) rethrows -> (quotient: Double, direction: Tensor) {
    let raw = Tensor.random(point.shape, seed: 70 + seed)
    let direction = raw.affine(scale: Float(1 / raw.dot(raw).squareRoot()), offset: 0)
    let h: Float = 0.0625
    func at(_ factor: Float) throws -> Double {
      try function(point + direction.affine(scale: factor * h, offset: 0))
    }
    let quotient = (8 * (try at(1) - at(-1)) - (try at(2) - at(-2))) / (12 * Double(h))
    return (quotient, direction)
  }
}
