import LearningToLearn

/// f(x, y) = (a - x)^2 + b (y - x^2)^2, the banana valley.
package struct Rosenbrock: Problem {
  package struct Options: Configurable {
    var offset = 1.0
    var steepness: Float = 10
    package init() {}
    package static let settings = [
      Setting("offset", \Options.offset, "where the minimum lies"),
      Setting("steepness", \Options.steepness, in: .above(0), "of the valley's walls"),
    ]
  }

  let options: Options
  package let parameters = [
    VariableSpecification("x", .scalar, .normal(standardDeviation: 1)),
    VariableSpecification("y", .scalar, .normal(standardDeviation: 1)),
  ]

  package init(_ options: Options) { self.options = options }

  package func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    let (x, y) = (parameters[0], parameters[1])
    return (x + Float(-options.offset)).squared() + (y - x.squared()).squared() * options.steepness
  }
}

extension ProblemEntry {
  package static let rosenbrock = ProblemEntry("banana", "the banana valley", nets: [.lstm]) {
    (options: Rosenbrock.Options, _) in Rosenbrock(options)
  }
}

extension Recipe {
  package static let valley = Recipe(
    "valley", "banana, with what helps there", [],
    ["problem": "banana", "num_epochs": "4", "meta_loss": "log", "evaluation_period": "2"])
}
