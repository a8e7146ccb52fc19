import Experiments
import Foundation
import LearnedOptimizers
import MetaTraining
import Safetensors
import Tensors

/// A training's `save_path`: one file a net for the best optimizer, one for the training state.
final class TrainingFolder: TrainingStore {
  static let stateName = "latest.training-state.safetensors"

  let path: String
  private let experiment: Experiment
  private let options: TrainingOptions
  private let metadata: [String: String]

  init(
    path: String, experiment: Experiment, options: TrainingOptions, metadata: [String: String]
  ) {
    self.path = path
    self.experiment = experiment
    self.options = options
    self.metadata = metadata
  }

  static func statePath(in folder: String) -> String { "\(folder)/\(stateName)" }

  /// Makes the folder, which must not exist.
  func create() throws {
    guard mkdir(path, 0o777) == 0 else {
      throw Failure(
        .cannotWrite,
        "cannot make the folder '\(path)': \(String(cString: strerror(errno)));"
          + " choose another --save_path")
    }
  }

  func saveBest(_ state: TrainingState, evaluation: Double) throws {
    try saveNets(state, evaluation: "\(evaluation)")
  }

  /// Saves the nets as they are, for a training that ended before its first evaluation.
  func saveNets(_ state: TrainingState, evaluation: String) throws {
    for (net, weights) in zip(experiment.nets, state.weights) where weights.count > 0 {
      let saved = SavedOptimizer(
        net.optimizer.withWeights(weights),
        metadata: metadata.merging([
          "format_version": "1", "key": net.key, "problem": options.problem,
          "epoch": "\(state.epoch)", "evaluation": evaluation, "seed": "\(options.seed)",
          "training_options": JSONValue.object(options.json).text,
        ]) { $1 })
      try saved.write(to: "\(path)/\(net.key).safetensors")
    }
  }

  func saveState(_ state: TrainingState) throws {
    try TrainingStateFile.contents(
      state, options: options, experiment: experiment, metadata: metadata
    ).write(to: Self.statePath(in: path))
  }
}
