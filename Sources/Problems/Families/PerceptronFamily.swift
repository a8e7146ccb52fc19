public import Datasets
public import Layers
public import Tensors

/// Perceptrons on images whose widths, depth, activation, batch size, data set and initialization are
/// drawn, each by itself.
///
/// Depth and widths are drawn log-uniformly, 0 to 4 hidden layers as 1 to 5 less one; all hidden layers
/// of a member have one width. Members share data sets and are made in microseconds.
public struct PerceptronFamily: ProblemFamily {
  /// What members are drawn from.
  public struct Choices: Sendable {
    /// The hidden layers' units.
    public var widths: ClosedRange<Int> = 8...128
    /// The number of hidden layers.
    public var depths: ClosedRange<Int> = 0...4
    /// The images of a minibatch.
    public var batchSizes: ClosedRange<Int> = 16...128
    /// The activations.
    public var activations = Activation.drawn
    /// The initializations.
    public var initializations = Initialization.allCases
    /// How many images an optimizee sees, of those that the set has; nil for all.
    public var images: Int?

    /// All there is, at sizes that take microseconds to milliseconds.
    public init() {}
  }

  /// The data sets that members are drawn from.
  public let datasets: [ImageDataset]
  private let choices: Choices

  /// Perceptrons on the given sets, whose images should be small.
  ///
  /// - Precondition: at least one set, activation and initialization; lower bounds of widths and batch
  ///   sizes above 0.
  public init(datasets: [ImageDataset], choices: Choices = Choices()) {
    precondition(
      !datasets.isEmpty && !choices.activations.isEmpty && !choices.initializations.isEmpty
        && choices.widths.lowerBound > 0 && choices.batchSizes.lowerBound > 0
        && choices.depths.lowerBound >= 0, "nothing to draw from")
    self.datasets = datasets
    self.choices = choices
  }

  /// One of the perceptrons.
  public func member(_ stream: inout RandomStream) -> any Problem {
    let depths = choices.depths
    let depth =
      stream.nextLogUniform(in: depths.lowerBound + 1...depths.upperBound + 1) - 1
    let width = stream.nextLogUniform(in: choices.widths)
    let batchSize = stream.nextLogUniform(in: choices.batchSizes)
    let activation = choices.activations[stream.nextInteger(below: choices.activations.count)]
    let dataset = datasets[stream.nextInteger(below: datasets.count)]
    let initialization =
      choices.initializations[stream.nextInteger(below: choices.initializations.count)]
    return ImagePerceptron(
      source: .sampled(dataset, batchSize: batchSize, atMost: choices.images ?? 0),
      layers: Array(repeating: width, count: depth), activation: activation,
      initialization: initialization)
  }

  /// The loss on the scale of `normalizedCrossEntropy`.
  public func normalized(_ loss: Double, of member: any Problem) -> Double {
    member.normalized(loss, of: member)
  }
}

extension Activation {
  /// Those of perceptrons that are drawn unless others are asked for.
  public static let drawn: [Activation] = [.relu, .tanh, .sigmoid, .gelu, .silu, .elu]
}
