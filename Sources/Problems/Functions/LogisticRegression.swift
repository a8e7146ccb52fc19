public import Autodiff
public import Datasets
public import Layers
public import Tensors

/// Logistic regression, or softmax regression where there are more than two classes: the mean
/// cross-entropy of a linear map's outputs, plus half the penalty times the squared weights.
///
/// Parameters `w` [columns, outputs] and `b` [outputs] start at 0; two classes need one output. Rows come
/// from a user's table, with each column standardized, or are drawn for each optimizee: constants `x`
/// [rows, columns] from N(0, 1), and classes by chance with probability sigmoid(x t) for a `teacher` t
/// from N(0, 1) and numbers `chance` [rows] from U[0, 1).
public struct LogisticRegression: Problem {
  /// The parameters w and b.
  public let parameters: [VariableSpecification]
  /// What is drawn in place of a table.
  public let constants: [VariableSpecification]
  let table: (rows: Tensor, labels: [Int32])?
  let classCount: Int
  let batchSize: Int
  let penalty: Float

  /// A regression on a table.
  ///
  /// - Parameter batchSize: rows of a minibatch, drawn with replacement; 0 for all rows every time.
  public init(table: NumberTable, batchSize: Int = 0, penalty: Float = 0) {
    let rows = Tensor(
      table.standardized(), shape: Shape(rows: table.rowCount, columns: table.columnCount))
    self.init(
      table: (rows, table.labels), columns: table.columnCount, classCount: table.classes.count,
      batchSize: batchSize, penalty: penalty, constants: [])
  }

  /// A regression on rows drawn for each optimizee, all of which every loss sees.
  ///
  /// - Precondition: numbers above 0.
  public init(rows: Int = 100, columns: Int = 10, penalty: Float = 0.001) {
    precondition(rows > 0 && columns > 0, "\(rows) rows of \(columns) numbers")
    let normal = Initializer.normal(standardDeviation: 1)
    self.init(
      table: nil, columns: columns, classCount: 2, batchSize: 0, penalty: penalty,
      constants: [
        VariableSpecification("x", [rows, columns], normal),
        VariableSpecification("teacher", [columns, 1], normal),
        VariableSpecification("chance", [rows, 1], .uniform),
      ])
  }

  private init(
    table: (rows: Tensor, labels: [Int32])?, columns: Int, classCount: Int, batchSize: Int,
    penalty: Float, constants: [VariableSpecification]
  ) {
    self.table = table
    self.classCount = classCount
    self.batchSize = batchSize
    self.penalty = penalty
    self.constants = constants
    let outputs = classCount == 2 ? 1 : classCount
    parameters = [
      VariableSpecification("w", [columns, outputs], .zeros),
      VariableSpecification("b", [outputs], .zeros),
    ]
  }

  /// The mean cross-entropy and the penalty.
  public func loss(
    parameters: [Variable], constants: [Tensor], minibatch: inout RandomStream
  ) -> Variable {
    let (rows, labels) = draw(constants, &minibatch)
    let outputs = Variable(rows).dense(w: parameters[0], b: parameters[1])
    let loss: Variable
    if classCount == 2 {
      // -log of sigmoid(z) or of sigmoid(-z).
      let targets = Tensor(labels.map(Float.init), shape: outputs.shape)
      loss = (outputs.softplus() - outputs * Variable(targets)).mean()
    } else {
      loss = outputs.meanCrossEntropy(labels: labels)
    }
    return penalty == 0 ? loss : loss + parameters[0].squared().sum() * (penalty / 2)
  }

  private func draw(
    _ constants: [Tensor], _ minibatch: inout RandomStream
  ) -> (rows: Tensor, labels: [Int32]) {
    guard let table else {
      let chances = Tensor.product(constants[0], constants[1]).sigmoid().elements
      return (constants[0], zip(chances, constants[2].elements).map { $0 > $1 ? 1 : 0 })
    }
    guard batchSize > 0 else { return table }
    let chosen = (0..<batchSize).map { _ in
      Int32(minibatch.nextInteger(below: table.labels.count))
    }
    return (table.rows.rows(at: chosen), chosen.map { table.labels[Int($0)] })
  }
}
