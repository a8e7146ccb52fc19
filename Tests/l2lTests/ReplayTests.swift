import Catalogs
import Datasets
import Foundation
import Layers
import LearnedOptimizers
import MetaGradients
import MetaTraining
import Problems
import Safetensors
import Settings
import Synchronization
import Tensors
import TestSupport
import Testing
import TrainingTestSupport
import Unrolling

/// What a training computed, kept while it does.
private final class Windows: Sendable {
  private let estimates = Mutex<[String: MetaGradient]>([:])

  subscript(metaStep: Int, particle: Int) -> MetaGradient? {
    get { estimates.withLock { $0["\(metaStep) \(particle)"] } }
    set { estimates.withLock { $0["\(metaStep) \(particle)"] = newValue } }
  }
}

/// Another estimator, whose estimates are kept.
private struct Recording: MetaGradientEstimator {
  static let name = "recording"
  let base: any MetaGradientEstimator
  let windows: Windows

  var isInStep: Bool { base.isInStep }

  func start(
    _ key: OptimizeeKey, in setting: EstimationSetting, on unroller: Unroller
  ) -> Episode { base.start(key, in: setting, on: unroller) }

  func estimate(
    _ episode: inout Episode, weights: [NamedTensors], in setting: EstimationSetting,
    on unroller: Unroller
  ) throws(Divergence) -> MetaGradient {
    let estimate = try base.estimate(&episode, weights: weights, in: setting, on: unroller)
    windows[setting.metaStep, episode.key.instance] = estimate
    return estimate
  }
}

/// A training whose windows are replayed.
struct ReplayCase: Sendable, CustomTestStringConvertible {
  var words: [(String, String)]
  /// The class of all nets, where it is not the problem's own.
  var net: String?

  init(_ text: String, net: String? = nil) {
    words = text.split(separator: " ").map { word in
      let sides = word.split(separator: "=", maxSplits: 1)
      return (String(sides[0]), String(sides[1]))
    }
    self.net = net
  }

  var testDescription: String {
    words.map { "\($0)=\($1)" }.joined(separator: " ") + (net.map { " net=\($0)" } ?? "")
  }

  private static let quadratic = "problem=quadratic problem_option=num_dims=3"

  static let all: [ReplayCase] = [
    ReplayCase("estimator=backprop \(quadratic)"),
    ReplayCase("estimator=backprop problem=mnist problem_option=batch_size=8"),
    ReplayCase("estimator=backprop problem=simple-multi"),
    ReplayCase("estimator=backprop num_steps=6..12 \(quadratic)"),
    ReplayCase("estimator=backprop meta_loss=log clip_norm=0.001 \(quadratic)"),
    ReplayCase("estimator=backprop meta_loss=final seed=3 \(quadratic)"),
    ReplayCase("estimator=backprop meta_loss=final average_steps=5 \(quadratic)"),
    ReplayCase("second_derivatives=true problem=mnist problem_option=batch_size=8"),
    ReplayCase("second_derivatives=true adjoint_limit=0.001 \(quadratic)"),
    ReplayCase("second_derivatives=true adjoint_smoothing=2 problem=mnist"),
    ReplayCase("second_derivatives=true adjoint_limit=0.1 \(quadratic)", net: "AdafacMLPLOpt"),
    ReplayCase("imitation=0.5 second_derivatives=true \(quadratic)"),
    ReplayCase("random_scaling=1 convex_term=true \(quadratic)"),
    ReplayCase("estimator=es sigma=0.1 \(quadratic)"),
    ReplayCase("estimator=es loss_clip=1000 meta_loss=log \(quadratic)"),
    ReplayCase("estimator=pes sigma=0.1 \(quadratic)"),
    ReplayCase("estimator=pes num_steps=3,9@2 freeze=linear/w \(quadratic)"),
    ReplayCase("estimator=pes clip_norm=0.001 \(quadratic)", net: "Celo2"),
    ReplayCase("estimator=pes num_steps=6..12 problem=perceptrons problem_option=widths=3,5"),
    ReplayCase("estimator=nres sigma=0.1 \(quadratic)"),
    ReplayCase("estimator=nres perturbation_steps=6 num_steps=6..12 \(quadratic)"),
    ReplayCase("estimator=full-es sigma=0.1 \(quadratic)"),
    ReplayCase("estimator=full-es sign=true num_steps=3..9 \(quadratic)"),
    ReplayCase("estimator=pes-analytic sigma=0.1 adjoint_limit=0.01 \(quadratic)"),
    ReplayCase("estimator=pes-analytic adjoint_smoothing=1 meta_loss=log \(quadratic)"),
  ]

  /// The options, with those that all trainings here have.
  func options() throws -> TrainingOptions {
    var given = GivenSettings<TrainingOptions>(in: .commandLine)
    for (name, value) in all { try given.add(name, value) }
    var options = TrainingOptions()
    try given.apply(to: &options)
    return options
  }

  private var all: [(String, String)] {
    let shared = [
      ("num_steps", "9"), ("unroll_length", "3"), ("optimizees", "2"), ("learning_rate", "0.01"),
      ("evaluation_epochs", "0"),
    ]
    return words + shared.filter { shared in !words.contains { $0.0 == shared.0 } }
      + (net.map { [("net_option", "net=\($0)")] } ?? [])
  }

  /// The same as words of a command line.
  var arguments: [String] { all.map { "--\($0)=\($1)" } }

  func experiment(_ options: TrainingOptions) throws -> Experiment {
    let entry = try Catalog.standard.problem(named: options.problem)
    let built = try entry.make(
      options: options.problemOptions, data: ProblemData(split: .train))
    let tasks = built.tasks.map { TaskAssignment($0.name ?? options.problem, $0.family) }
    return try Experiment(
      tasks: tasks, trainingTasks: options.trainingTasks(tasks),
      nets: try entry.nets.map { description in
        var description = description
        if let net { (description.net, description.options) = (net, [:]) }
        return try description.assignment(from: Catalog.standard.optimizers)
      })
  }
}

/// `l2l unroll` finds again, to the bit, what a training computed.
@Suite("Replay")
struct ReplayTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Unrolls by the program and compares with what the training had.
  private func expect(
    _ arguments: [String], gives expected: MetaGradient?, of experiment: Experiment,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let expected = try #require(expected, sourceLocation: sourceLocation)
    let result = try run(
      ["unroll", "--output=out"] + arguments, in: folder.path, sourceLocation: sourceLocation)
    try #require(result.code == 0, "\(result.errors)", sourceLocation: sourceLocation)
    let out = try SafetensorsFile(contentsOf: folder.file("out"))
    try FileManager.default.removeItem(atPath: folder.file("out"))
    func floats(_ name: String) throws -> [Float] {
      try #require(out[name], "\(name)", sourceLocation: sourceLocation).floats()
    }
    #expect(
      haveSameBits(try floats("fx"), expected.losses), "\(arguments)",
      sourceLocation: sourceLocation)
    #expect(
      haveSameBits(try floats("meta_loss"), [Float(expected.metaLoss)]), "\(arguments)",
      sourceLocation: sourceLocation)
    let several = experiment.nets.count { $0.optimizer.isTrained } > 1
    let gradient = try experiment.nets.flatMap { net in
      try net.optimizer.weights.flatMap {
        try floats(several ? "grad/\(net.key)/\($0.name)" : "grad/\($0.name)")
      }
    }
    #expect(
      haveSameBits(gradient, expected.gradients.joined().map { Float($0) }), "\(arguments)",
      sourceLocation: sourceLocation)
    #expect(gradient.contains { $0 != 0 }, "\(arguments)", sourceLocation: sourceLocation)
    if let pair = expected.pair {
      #expect(haveSameBits(try floats("losses_plus"), pair.plus), sourceLocation: sourceLocation)
      #expect(haveSameBits(try floats("losses_minus"), pair.minus), sourceLocation: sourceLocation)
    }
  }

  @Test("every window of every estimator, from a folder and from states", arguments: ReplayCase.all)
  func replay(example: ReplayCase) throws {
    let options = try example.options()
    let experiment = try example.experiment(options)
    let windows = Windows()
    let estimator = try #require(Catalog.standard.estimators.estimator(for: options))
    func train(from state: TrainingState, windowCount: Int) throws -> TrainingState {
      var left = windowCount
      let recorder = Recorder()
      let trainer = MetaTrainer(
        experiment: experiment, options: options,
        estimator: Recording(base: estimator, windows: windows), state: state, store: recorder)
      let end = try trainer.run {
        left -= 1
        return left <= 0
      }
      #expect(end == .stopped)
      return try #require(recorder.states.last)
    }
    var state = MetaTrainer.initialState(of: experiment, options: options)
    // The start, as the program itself has it.
    let result = try run(
      ["train", "--save_path=start", "--num_epochs=0", "--num_meta_steps=0"].filter {
        $0.hasPrefix("--num_epochs") == options.countsEpochs(with: estimator)
          || !$0.hasPrefix("--num")
      } + example.arguments, in: folder.path)
    try #require(result.code == 0, "\(result.errors)")
    state = try train(from: state, windowCount: 1)
    for particle in 0..<2 {
      for path in ["start", "start/latest.training-state.safetensors"] {
        try expect(
          ["--path=\(path)", "--instance=\(particle)"], gives: windows[0, particle],
          of: experiment)
      }
    }
    // On the way, in the middle of epochs and trajectories: what the training does next.
    for metaStep in 1...4 {
      let file = TrainingStateFile.contents(
        state, options: options, experiment: experiment, metadata: [:])
      try file.write(to: folder.file("state"))
      // As it would be resumed, with nothing in memory.
      state = try train(
        from: try TrainingStateFile(file).state(for: experiment), windowCount: 1)
      for particle in 0..<2 {
        try expect(
          ["--path=state", "--instance=\(particle)"], gives: windows[metaStep, particle],
          of: experiment)
      }
    }
  }

  @Test("an epoch that is named starts anew, under the weights of the state")
  func namedEpoch() throws {
    let example = ReplayCase("estimator=backprop problem=quadratic problem_option=num_dims=3")
    let options = try example.options()
    let experiment = try example.experiment(options)
    let result = try run(
      ["train", "--save_path=t", "--num_epochs=2"] + example.arguments, in: folder.path)
    try #require(result.code == 0)
    let file = try SafetensorsFile(contentsOf: folder.file("t/latest.training-state.safetensors"))
    let weights = try TrainingStateFile(file).state(for: experiment).weights
    let unroller = Unroller(experiment)
    let estimator = TruncatedBackpropagation()
    for (epoch, instance) in [(0, 0), (0, 7), (2, 1), (1234, 17)] {
      let setting = options.estimationSetting(for: experiment)
      var episode = estimator.start(
        key(epoch: epoch, instance: instance), in: setting, on: unroller)
      let expected = try estimator.estimate(
        &episode, weights: weights, in: setting, on: unroller)
      try expect(
        [
          "--path=t/latest.training-state.safetensors", "--epoch=\(epoch)",
          "--instance=\(instance)",
        ], gives: expected, of: experiment)
    }
    try expectFailure(
      ["unroll", "--path=t/latest.training-state.safetensors", "--instance=2"], code: 64,
      saying: ["2 optimizees", "--epoch"], in: folder.path)
  }
}
