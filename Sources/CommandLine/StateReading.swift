package import Catalogs
import MetaTraining
import Safetensors
import Settings
import Synchronization
import Unrolling

/// Reads training states as resuming does, for those who try readers with hostile files.
package enum StateReading {
  /// What a state must fit: the problem and the nets of the first one.
  ///
  /// `@unchecked Sendable`: behind a lock, and never changed once it is made.
  private struct Target: @unchecked Sendable {
    let options: TrainingOptions
    let experiment: Experiment
  }

  private static let target = Mutex<Target?>(nil)

  /// Reads a state.
  ///
  /// Of one with other problems or nets than the first the options alone are read: a small file may
  /// well ask for a large problem.
  ///
  /// - Throws: whatever is wrong with it.
  package static func read(_ bytes: [UInt8], catalog: Catalog = .standard) throws {
    let file = try TrainingStateFile(try SafetensorsFile(bytes: bytes))
    let known = try target.withLock { target in
      if let target { return target }
      let plan = TrainingPlan(
        settings: TrainSettings(), given: GivenSettings(in: .commandLine), catalog: catalog)
      let made = Target(
        options: file.options, experiment: try plan.makeExperiment(file.options).0)
      target = made
      return made
    }
    guard file.options.problem == known.options.problem,
      file.options.problemOptions == known.options.problemOptions,
      file.options.netOptions == known.options.netOptions
    else { return }
    _ = try file.state(for: known.experiment)
  }
}
