internal import Autodiff
internal import Datasets
internal import Layers
internal import Tensors

/// A family's problems with losses in units of what its members start with, so that different tasks
/// count alike in a meta-gradient.
///
/// The unit is the mean size of the losses at the initial parameters of a few members, the same in
/// every process.
struct StartUnits: ProblemFamily {
  private static let sampleCount = 8

  private let base: any ProblemFamily
  private let unit: Double

  init(_ base: any ProblemFamily) {
    self.base = base
    var sum = 0.0
    for draw in 0..<Self.sampleCount {
      var stream = RandomStream(seed: 0, purpose: .problem, epoch: draw)
      let member = base.member(&stream)
      let parameters = member.parameters.map { Variable($0.initializer($0.shape, &stream)) }
      let constants = member.constants.map { $0.initializer($0.shape, &stream) }
      let loss = member.loss(parameters: parameters, constants: constants, minibatch: &stream)
      sum += abs(base.normalized(Double(loss.value.scalar), of: member))
    }
    let mean = sum / Double(Self.sampleCount)
    unit = mean.isFinite && mean > 0 ? mean : 1
  }

  var datasets: [ImageDataset] { base.datasets }

  func member(_ stream: inout RandomStream) -> any Problem { base.member(&stream) }

  func normalized(_ loss: Double, of member: any Problem) -> Double {
    base.normalized(loss, of: member) / unit
  }
}
