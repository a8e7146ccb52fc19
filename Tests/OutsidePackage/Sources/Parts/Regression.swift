import Foundation
import LearningToLearn

/// The mean squared error of a line through points in a CSV file of one's own.
package struct Regression: Problem {
  package struct Options: Configurable {
    package var file: String?
    var weights = [1.0]
    var noise = Noise.none
    var centers = false
    package init() {}
    package static let settings = [
      Setting("file", \Options.file, placeholder: "FILE", "x,y in every line"),
      Setting("weights", \Options.weights, in: .atLeast(0), "how much points count, in turn"),
      Setting("noise", \Options.noise, "what is added to y"),
      Setting("centers", \Options.centers, "subtract the mean of y"),
    ]

    package func check() throws(SettingError) {
      if weights.isEmpty { throw refuse("weights", expected: "at least one number") }
    }
  }

  enum Noise: String, CaseIterable, Sendable { case none, gaussian }

  /// What can be wrong with the file.
  struct FileFault: Error, CustomStringConvertible {
    let description: String
  }

  package let parameters = [
    VariableSpecification("slope", .scalar, .zeros),
    VariableSpecification("offset", .scalar, .zeros),
  ]
  package let constants: [VariableSpecification]
  private let x: Tensor
  private let y: Tensor
  private let weights: Tensor

  package init(_ options: Options) throws {
    guard let path = options.file else {
      throw options.refuse("file", expected: "the name of a CSV file")
    }
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else {
      throw FileFault(description: "there is no table '\(path)'; give another file")
    }
    let rows = text.split(whereSeparator: \.isNewline).map { line in
      line.split(separator: ",").compactMap { Float($0) }
    }
    guard let wrong = rows.firstIndex(where: { $0.count != 2 }) else {
      var y = rows.map { $0[1] }
      if options.centers {
        let mean = y.reduce(0, +) / Float(y.count)
        y = y.map { $0 - mean }
      }
      self.x = Tensor(rows.map { $0[0] })
      self.y = Tensor(y)
      weights = Tensor(rows.indices.map { Float(options.weights[$0 % options.weights.count]) })
      constants = [
        VariableSpecification(
          "noise", [rows.count],
          options.noise == .gaussian ? .normal(standardDeviation: 0.1) : .zeros)
      ]
      return
    }
    throw FileFault(description: "line \(wrong + 1) of '\(path)' is not x,y; mend it")
  }

  package func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    let line = Variable(x) * parameters[0] + parameters[1]
    let residual = line - Variable(y + constants[0])
    return (residual.squared() * Variable(weights)).sum() * (1 / Float(x.count))
  }
}

extension ProblemEntry {
  package static let regression = ProblemEntry(
    "regression", "a line through the points of a CSV file", nets: [.plainLSTM]
  ) { (options: Regression.Options, _) in try Regression(options) }
}
