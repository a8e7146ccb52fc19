import Autodiff
import Datasets
import Foundation
import Layers
import Problems
import Tensors
import TestSupport
import Testing

@Suite("Problem families")
struct FamilyTests {
  private func stream(_ seed: Int) -> RandomStream {
    RandomStream(seed: UInt64(seed), purpose: .test)
  }

  private func digits() throws -> ImageDataset {
    try MNIST.loadEmbedded(split: .test).resized(height: 6, width: 6)
  }

  @Test("a problem is a family of one, draws nothing and keeps its loss")
  func ofOne() {
    let problem = Simple()
    var drawn = stream(1)
    var untouched = stream(1)
    let member = problem.member(&drawn)
    #expect(member.parameters.map(\.name) == ["x"])
    #expect(drawn.nextBits() == untouched.nextBits())
    #expect(problem.normalized(3.5, of: member) == 3.5)
    #expect(problem.datasets.isEmpty)
  }

  @Test("normalized cross-entropies are bounded, guessing and perfection where the formula says")
  func normalizing() {
    for classes in [2, 10, 60] {
      let count = Double(classes)
      let scale = 10 / log(count)
      let guess = normalizedCrossEntropy(log(count), classes: classes)
      #expect(abs(guess - log(5) * scale) < 1e-12)
      #expect(abs(normalizedCrossEntropy(0, classes: classes) + log(count / 5) * scale) < 1e-12)
      let worst = normalizedCrossEntropy(log(2 * count), classes: classes)
      for loss in [1e9, .infinity, .nan] {
        #expect(normalizedCrossEntropy(loss, classes: classes) == worst)
      }
      #expect(normalizedCrossEntropy(-1, classes: classes) < guess)
    }
  }

  @Test("quadratics have all sizes and conditions asked for, and losses in units of their start")
  func quadratics() {
    let family = QuadraticFamily(dimensions: 2...40, conditions: 1...10)
    var sizes: Set<Int> = []
    var sum = 0.0
    for seed in 0..<400 {
      var (a, b) = (stream(seed), stream(seed))
      let member = family.member(&a)
      #expect(member.parameters[0].shape == family.member(&b).parameters[0].shape)
      sizes.insert(member.parameters[0].shape.count)
      let values = member.parameters.map { Variable($0.initializer($0.shape, &a)) }
      let constants = member.constants.map { $0.initializer($0.shape, &a) }
      let loss = member.loss(parameters: values, constants: constants, minibatch: &a)
      sum += family.normalized(Double(loss.value.scalar), of: member)
    }
    #expect(sizes.min() == 2 && (sizes.max() ?? 0) > 30 && (sizes.max() ?? 0) <= 40)
    #expect(abs(sum / 400 - 1) < 0.15)
  }

  @Test("perceptrons of all kinds come from the choices, the same for the same stream")
  func perceptrons() throws {
    let family = PerceptronFamily(datasets: [try digits()])
    var depths: [Int: Int] = [:]
    var widths: [Int] = []
    for seed in 0..<400 {
      var (a, b) = (stream(seed), stream(seed))
      let member = family.member(&a)
      let again = family.member(&b)
      #expect(member.parameters.map(\.shape) == again.parameters.map(\.shape))
      let depth = member.parameters.count / 2 - 1
      depths[depth, default: 0] += 1
      for layer in 0..<depth { widths.append(member.parameters[2 * layer].shape[1]) }
      for layer in 1..<max(depth, 1) {
        #expect(member.parameters[2 * layer].shape[0] == member.parameters[2 * layer].shape[1])
      }
    }
    #expect(Set(depths.keys) == Set(0...4))
    // Of 1...5, log-uniformly: 1 with the chance ln 2 / ln 6 = 0.39, 5 with ln(6/5) / ln 6 = 0.10.
    #expect((120...195).contains(depths[0] ?? 0) && (20...65).contains(depths[4] ?? 0))
    #expect(widths.allSatisfy { (8...128).contains($0) })
    // Half of the widths lie below the geometric mean of 8 and 129.
    let share = Double(widths.count { $0 < 32 }) / Double(widths.count)
    #expect(abs(share - 0.5) < 0.12)
    var any = stream(1)
    let member = family.member(&any)
    #expect(family.normalized(2.302585, of: member) - 7 < 0.01)
    #expect(family.datasets.count == 1)
  }

  @Test(
    "a reparametrized problem is the same function", arguments: Reparametrization.Scope.allCases)
  func reparametrization(scope: Reparametrization.Scope) {
    let base = Rosenbrock(dimensions: 3)
    var scales: [Float] = []
    for seed in 0..<200 {
      var random = stream(seed)
      let member = Reparametrization(base, scope: scope).member(&random)
      let (start, original) = (DrawnProblem(member), DrawnProblem(base))
      let loss = start.loss(start.parameters.map { Variable($0) }).value.scalar
      let truth = original.loss(original.parameters.map { Variable($0) }).value.scalar
      // Divided by s and multiplied again: two roundings of each number.
      #expect(abs(loss - truth) < 1e-5 * abs(truth) + 1e-5)
      let s = zip(original.parameters[0].elements, start.parameters[0].elements).map { $0 / $1 }
      scales += s
      let spread = (s.max() ?? 0) / (s.min() ?? 1)
      #expect(scope == .parameter ? spread > 1.001 : spread < 1.001)
    }
    #expect(scales.allSatisfy { (0.99e-3...1.01e3).contains($0) })
    // Log-uniform: half of them below 1, a sixth below 1e-2.
    #expect(abs(Double(scales.count { $0 < 1 }) / Double(scales.count) - 0.5) < 0.15)
    #expect(abs(Double(scales.count { $0 < 0.01 }) / Double(scales.count) - 1 / 6) < 0.1)
  }

  @Test("tensors of a reparametrized problem have scales of their own if asked for")
  func tensorScales() {
    var random = stream(3)
    let member = Reparametrization(Simple(dimensions: 4), scope: .tensor).member(&random)
    let values = DrawnProblem(member).parameters.map(\.scalar)
    #expect(Set(values).count == 4)
    random = stream(3)
    let shared = Reparametrization(Simple(dimensions: 4)).member(&random)
    #expect(Set(DrawnProblem(shared).parameters.map(\.scalar)).count == 1)
  }

  @Test("mixtures draw families by their weights and normalize by the member's own")
  func mixtures() throws {
    let digits = ImagePerceptron(source: .sampled(try digits(), batchSize: 4), layers: [])
    let mixture = try Mixture([Simple(), Reparametrization(digits)], weights: [1, 3])
    var count = 0
    for seed in 0..<400 {
      var random = stream(seed)
      let member = mixture.member(&random)
      let isDigits = member.parameters.count == 2
      if isDigits { count += 1 }
      let normalized = mixture.normalized(1, of: member)
      #expect(normalized == (isDigits ? normalizedCrossEntropy(1, classes: 10) : 1))
    }
    #expect((265...335).contains(count))
    #expect(mixture.datasets.count == 1)
    #expect(try Mixture([digits, digits]).datasets.count == 1)
    #expect(throws: ProblemError.wrongNumberOfWeights(problems: 0, weights: 0)) { try Mixture([]) }
    #expect(throws: ProblemError.self) { try Mixture([digits], weights: [1, 2]) }
  }

  @Test("random scaling adds a bounded convex term of 20 numbers, and can leave it out")
  func randomScaling() throws {
    var random = stream(1)
    let member = RandomScaling(Simple(dimensions: 2)).member(&random)
    #expect(member.parameters.map(\.name) == ["x_0", "x_1", "convex/y"])
    let start = DrawnProblem(member)
    let loss = start.loss(start.parameters.map { Variable($0) }).value.scalar
    // x_0^2 + x_1^2 = 2 at the start, and a mean of at most (1 + 1)^2 beside it.
    #expect(loss > 2 && loss < 6)
    let far = start.parameters.map { Variable($0.affine(scale: 0, offset: 1e6)) }
    let origin = [Variable(0), Variable(0), far[2]]
    // Clipped at 10.
    #expect(abs(start.loss(origin).value.scalar - 10) < 1e-4)
    let plain = RandomScaling(Simple(dimensions: 2), convexTerm: false).member(&random)
    #expect(plain.parameters.map(\.name) == ["x_0", "x_1"])
    let family = RandomScaling(ImagePerceptron(source: try ProblemCase.digits()))
    #expect(
      family.normalized(1, of: family.member(&random)) == normalizedCrossEntropy(1, classes: 10))
  }

  @Test("the small tasks are the four perceptrons of 2,410 parameters, with stand-ins announced")
  func smallTasks() throws {
    let empty = try TemporaryFolder()
    let tasks = try SmallImageTasks.all(split: .test, directory: empty.path)
    #expect(tasks.count == 4)
    for task in tasks {
      #expect(task.parameters.map(\.shape) == [[64, 32], [32], [32, 10], [10]])
      let start = DrawnProblem(task)
      let loss = start.loss(start.parameters.map { Variable($0) }).value.scalar
      #expect(abs(loss - 2.3) < 1)
      #expect(task.datasets.count == 1)
    }
    #expect(tasks.compactMap { $0.datasets.first?.name } == ImageSet.allCases.map(\.rawValue))
    #expect(tasks[2].datasets[0].notice != nil && tasks[3].datasets[0].notice != nil)
  }
}
