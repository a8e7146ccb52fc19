import Layers
import LearnedOptimizers
import MetaGradients
import Safetensors
import Tensors
import Unrolling

/// What `unroll` writes.
enum UnrollFile {
  /// Losses, final parameters, meta-gradients, and what evolution strategies compared.
  static func contents(
    _ outcome: MetaGradient, _ episode: Episode, _ experiment: Experiment
  ) -> SafetensorsFile {
    var file = SafetensorsFile(metadata: ["program_version": programVersion])
    func add(_ name: String, _ values: [Float], _ shape: [Int]) {
      file.append(SafetensorsArray(floats: values, shape: shape), named: name)
    }
    add("fx", outcome.losses, [outcome.losses.count])
    add("meta_loss", [Float(outcome.metaLoss)], [])
    let optimizee = episode.walkers[0]
    for (position, parameter) in optimizee.layout.parameters.enumerated() {
      let value = optimizee.layout.value(of: position, in: optimizee.parameters)
      add(
        "x_final/\(parameter.specification.name)", value.elements, value.shape.dimensions)
    }
    let several = experiment.nets.count { $0.optimizer.isTrained } > 1
    /// Numbers in the layout of the nets' weights, one tensor a weight.
    func add(_ prefix: String, _ vectors: [[Float]]) {
      for (net, vector) in zip(experiment.nets, vectors) {
        var start = 0
        for weight in net.optimizer.weights {
          let count = weight.shape.count
          add(
            several ? "\(prefix)/\(net.key)/\(weight.name)" : "\(prefix)/\(weight.name)",
            Array(vector[start..<start + count]), weight.shape.dimensions)
          start += count
        }
      }
    }
    add("grad", outcome.gradients.map { $0.map { Float($0) } })
    if let pair = outcome.pair {
      add("losses_plus", pair.plus, [pair.plus.count])
      add("losses_minus", pair.minus, [pair.minus.count])
      add("perturbation", episode.perturbation.map(\.elements))
    }
    return file
  }
}
