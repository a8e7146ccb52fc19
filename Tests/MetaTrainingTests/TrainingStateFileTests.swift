import LearnedOptimizers
import MetaGradients
import MetaTraining
import Problems
import Safetensors
import Settings
import Tensors
import TestSupport
import Testing
import TrainingTestSupport
import Unrolling

@Suite("TrainingStateFile")
struct TrainingStateFileTests {
  private let experiment: Experiment
  private let options: TrainingOptions
  private let state: TrainingState

  /// A state in the middle of an epoch, of two nets, one of them without weights.
  init() throws {
    let experiment = try Experiment(
      problem: Simple(dimensions: 3),
      nets: [
        NetAssignment(key: "cw", optimizer: net([3, 2]).rule, parameters: ["x_0", "x_2"]),
        NetAssignment(key: "adam", optimizer: Adam(), parameters: ["x_1"]),
      ])
    var options = TrainingOptions(problem: "simple-multi", problemOptions: ["num_dims": "3"])
    (options.stepCount, options.unrollLength, options.optimizees) = (12, 3, 2)
    (options.epochCount, options.logPeriod, options.seed) = (5, 2, .max)
    options.netOptions = ["scale": "0.5"]
    (options.averageSteps, options.startFrom) = (5, "earlier/cw.safetensors")
    let recorder = Recorder()
    let trainer = MetaTrainer(
      experiment: experiment, options: options,
      state: MetaTrainer.initialState(of: experiment, options: options), store: recorder)
    var unrolls = 0
    _ = try trainer.run {
      unrolls += 1
      return unrolls == 6
    }
    var state = try #require(recorder.states.last)
    state.bestEvaluation = 0.1
    state.curve = [
      EvaluationPoint(epoch: 10, meanFinalLoss: 0.5),
      EvaluationPoint(epoch: 20, meanFinalLoss: .infinity),
    ]
    state.episodes[1].divergence = Divergence(
      key: state.episodes[1].key, step: 7, quantity: .loss)
    // Saved again, with the divergence.
    let keeper = MetaTrainer(
      experiment: experiment, options: options, state: state, store: recorder)
    try keeper.saveState()
    (self.experiment, self.options) = (experiment, options)
    self.state = try #require(recorder.states.last)
  }

  private var contents: SafetensorsFile {
    TrainingStateFile.contents(
      state, options: options, experiment: experiment, metadata: ["program_version": "1"])
  }

  /// The contents with some tensors replaced, or left out where nil.
  private func changed(
    _ changes: [String: SafetensorsArray?], metadata: [String: String?] = [:]
  ) -> SafetensorsFile {
    let contents = contents
    var file = SafetensorsFile(
      metadata: contents.metadata.merging(metadata.compactMapValues(\.self)) { $1 })
    for (key, value) in metadata where value == nil { file.metadata[key] = nil }
    for name in contents.names {
      if let array = changes[name] ?? contents[name] { file.append(array, named: name) }
    }
    return file
  }

  @Test("everything comes back bit for bit")
  func roundTrip() throws {
    let file = try TrainingStateFile(try SafetensorsFile(bytes: try contents.serialized()))
    #expect(file.options == options)
    #expect(file.metadata["program_version"] == "1")
    let back = try file.state(for: experiment)
    #expect(bits(back) == bits(state))
    #expect(back.weights.map(\.names) == state.weights.map(\.names))
    #expect(back.averages?.map(\.flattened.elements) == state.averages?.map(\.flattened.elements))
    #expect(back.averages?.count == 2)
    #expect(back.optimizer.stepCount == state.optimizer.stepCount)
    #expect((back.epoch, back.unroll) == (1, 2))
    #expect(back.bestEvaluation == 0.1)
    #expect(back.curve == state.curve)
    #expect(back.sinceLog == state.sinceLog)
    #expect(back.metaSteps == state.metaSteps && back.metaSteps.count == 6)
    #expect(back.sinceEvaluation == state.sinceEvaluation)
    #expect(back.episodes.map(\.key) == state.episodes.map(\.key))
    #expect(back.episodes.map(\.position) == [6, 6])
    #expect(back.episodes.map(\.length) == [12, 12])
    #expect(back.episodes.map(\.divergence) == state.episodes.map(\.divergence))
    #expect(back.episodes.map(\.walkers.count) == [1, 1])
    // Engines' states have room that no number is in; files don't.
    let unroller = Unroller(experiment)
    for (mine, theirs) in zip(back.episodes, state.episodes) {
      let mine = unroller.exported(mine.walkers[0])
      let theirs = unroller.exported(theirs.walkers[0])
      #expect(mine.parameters.elements == theirs.parameters.elements)
      #expect(mine.constants.map(\.elements) == theirs.constants.map(\.elements))
      #expect(mine.evaluations == theirs.evaluations)
      #expect(mine.plannedSteps == theirs.plannedSteps)
      #expect(mine.states.map(\.step) == theirs.states.map(\.step))
      #expect(
        mine.states.map { $0.tensors.map(\.elements) }
          == theirs.states.map { $0.tensors.map(\.elements) })
    }
  }

  @Test("a state between epochs has no optimizees, and no best evaluation where there was none")
  func betweenEpochs() throws {
    let fresh = MetaTrainer.initialState(of: experiment, options: options)
    let file = try TrainingStateFile(
      TrainingStateFile.contents(fresh, options: options, experiment: experiment, metadata: [:]))
    let back = try file.state(for: experiment)
    #expect(bits(back) == bits(fresh))
    #expect(back.bestEvaluation == nil)
    #expect(back.episodes.isEmpty)
  }

  @Test("other files and other versions are errors")
  func otherFiles() {
    #expect(throws: TrainingStateError.unknownFormat(version: nil)) {
      try TrainingStateFile(SafetensorsFile())
    }
    #expect(throws: TrainingStateError.unknownFormat(version: "2")) {
      try TrainingStateFile(changed([:], metadata: ["format_version": "2"]))
    }
    #expect(throws: TrainingStateError.unknownFormat(version: "1")) {
      try TrainingStateFile(changed([:], metadata: ["kind": nil]))
    }
    #expect(TrainingStateFile.isTrainingState(contents))
    #expect(!TrainingStateFile.isTrainingState(net([]).trained.file))
  }

  @Test(
    "options that are missing or can't be read are errors",
    arguments: [nil, "", "{}", "[]", "{\"problem\":1}"] as [String?])
  func malformedOptions(text: String?) {
    // The first option that is missing or of another kind is named.
    let expected: TrainingStateError =
      switch text {
      case "{}": .wrongOption(SettingError("problem", in: .file, .missing))
      case "{\"problem\":1}":
        .wrongOption(
          SettingError(
            "problem", in: .file, .invalid(value: "1", expected: ProblemNames.expectation(.any))))
      default: .malformedMetadata(key: "options")
      }
    #expect(throws: expected) {
      try TrainingStateFile(changed([:], metadata: ["options": text]))
    }
  }

  @Test("a tensor that is missing is an error that names it")
  func missingTensors() throws {
    // Earlier programs wrote no meta-steps, no curve and not what diverged.
    let optional = ["instance/1/counters", "meta_steps", "curve", "instance/1/divergence"]
    for name in contents.names where !optional.contains(name) {
      let file = try TrainingStateFile(changed([name: nil]))
      // Without its counters an optimizee is not there at all.
      let blamed = name.hasSuffix("/counters") ? "instance/*" : name
      let error = #expect(throws: TrainingStateError.self) { try file.state(for: experiment) }
      guard case .malformed(blamed, _) = error else {
        Issue.record("\(name): \(String(describing: error))")
        continue
      }
    }
  }

  @Test("a tensor of another shape is an error that names it")
  func wrongShapes() throws {
    for name in contents.names {
      let array: SafetensorsArray =
        name.hasSuffix("counters") || name.hasSuffix("divergence")
        ? SafetensorsArray(int64s: [1, 1], shape: [2])
        : ["progress", "meta_steps"].contains(name)
          ? SafetensorsArray(doubles: [1], shape: [1])
          : SafetensorsArray(floats: [1, 2, 3, 4, 5], shape: [5, 1, 1])
      let file = try TrainingStateFile(changed([name: array]))
      let error = #expect(throws: TrainingStateError.self) { try file.state(for: experiment) }
      guard case .malformed(name, _) = error else {
        Issue.record("\(name): \(String(describing: error))")
        continue
      }
    }
  }

  @Test("counters that can't be are errors", arguments: [-1, Int64.min, Int64.max])
  func wrongCounters(value: Int64) throws {
    for position in 0..<9 {
      var counters = try #require(contents["counters"]).int64s()
      counters[position] = value
      let file = try TrainingStateFile(
        changed(["counters": SafetensorsArray(int64s: counters, shape: [9])]))
      #expect(throws: TrainingStateError.self) { try file.state(for: experiment) }
    }
  }

  @Test("a state of an earlier program has no meta-steps")
  func withoutMetaSteps() throws {
    let file = try TrainingStateFile(changed(["meta_steps": nil]))
    #expect(try file.state(for: experiment).metaSteps == MetaStepTally())
  }

  @Test("a count of meta-steps that can't be is an error", arguments: [-1, 0.5, 1e300, .nan])
  func wrongMetaSteps(count: Double) throws {
    let file = try TrainingStateFile(
      changed(["meta_steps": SafetensorsArray(doubles: [1, 1, count], shape: [3])]))
    #expect(throws: TrainingStateError.self) { try file.state(for: experiment) }
  }

  @Test("sums of meta-steps, epochs of the curve and a gauge that can't be are errors")
  func wrongSums() throws {
    for sums in [[Double.nan, 1, 1], [1, .nan, 1]] {
      let file = try TrainingStateFile(
        changed(["meta_steps": SafetensorsArray(doubles: sums, shape: [3])]))
      #expect(throws: TrainingStateError.self) { try file.state(for: experiment) }
    }
    for epoch in [0.5, -1, .nan, .infinity, 0x1p63] {
      let file = try TrainingStateFile(
        changed(["curve": SafetensorsArray(doubles: [epoch, 1], shape: [1, 2])]))
      #expect(throws: TrainingStateError.self) { try file.state(for: experiment) }
    }
    for gauge in ["", "[1", "{}", "1"] {
      let file = try TrainingStateFile(changed([:], metadata: ["gauge": gauge]))
      #expect(throws: TrainingStateError.malformedMetadata(key: "gauge")) {
        try file.state(for: experiment)
      }
    }
  }

  @Test("a state of other nets is an error")
  func otherExperiment() throws {
    let other = try Experiment(
      problem: Simple(dimensions: 3), nets: [NetAssignment(key: "cw", optimizer: net([4]).rule)])
    let file = try TrainingStateFile(contents)
    #expect(throws: TrainingStateError.self) { try file.state(for: other) }
  }
}

@Suite("TrainingOptions")
struct TrainingOptionsTests {
  @Test("options come back from JSON, the largest seed too")
  func roundTrip() throws {
    var options = TrainingOptions(problem: "mnist", problemOptions: ["layers": "20,20"])
    options.netOptions = ["cw.scale": "0.1"]
    (options.epochCount, options.logPeriod, options.evaluationPeriod) = (7, 2, 3)
    (options.evaluationEpochs, options.stepCount, options.unrollLength) = (0, 50, 10)
    (options.learningRate, options.secondDerivatives) = (0.003, true)
    (options.metaLoss, options.halfLife, options.clipNorm) = (.log, 12.5, 0.25)
    (options.adjointLimit, options.adjointSmoothing) = (2, 0.5)
    (options.imitation, options.randomScaling, options.hasConvexTerm) = (0.25, 3, true)
    (options.seed, options.optimizees) = (.max, 4)
    (options.estimator, options.sigma, options.perturbationSteps) = ("nres", 0.02, 40)
    (options.usesSign, options.lossClip, options.metaStepCount) = (true, 3.5, 77)
    (options.metaOptimizer, options.weightDecay, options.momentum) = (.sgd, 0.001, 0.5)
    (options.warmup, options.schedule, options.accumulate) = (5, .cosine, 3)
    (options.clipValue, options.clipMeanNorm, options.freeze) = (3, 1.5, ["b", "cw/linear/w"])
    let text = JSONValue.object(options.json).text
    let object = try #require(JSONValue(parsing: text)?.object)
    #expect(try TrainingOptions(json: object) == options)
  }

  @Test("every entry is needed, of its kind, and known")
  func missingEntries() throws {
    let json = TrainingOptions(problem: "simple").json
    #expect(try TrainingOptions(json: json) == TrainingOptions(problem: "simple"))
    for key in json.keys {
      #expect(throws: SettingError(key, in: .file, .missing)) {
        try TrainingOptions(json: json.filter { $0.key != key })
      }
      // A list of lists is what no setting is.
      let error = #expect(throws: SettingError.self, "\(key)") {
        try TrainingOptions(json: json.merging([key: .array([.array([])])]) { $1 })
      }
      #expect(error?.name == key)
    }
    let error = #expect(throws: SettingError.self) {
      try TrainingOptions(json: json.merging(["clip_norn": .number(1)]) { $1 })
    }
    #expect(error?.description.contains("did you mean 'clip_norm'") == true)
  }

  @Test("the learning rate halves in every half-life, and stays without one")
  func halfLife() {
    var options = TrainingOptions(problem: "simple")
    #expect(options.learningRate(epoch: 1_000_000, step: 0, of: 1) == 0.001)
    options.halfLife = 10
    #expect(options.learningRate(epoch: 0, step: 0, of: 1) == 0.001)
    #expect(abs(options.learningRate(epoch: 10, step: 0, of: 1) - 0.0005) < 1e-9)
    #expect(abs(options.learningRate(epoch: 25, step: 0, of: 1) - 0.000_176_776_7) < 1e-9)
  }

  @Test("steps that fill no unroll are left out")
  func unrolls() {
    var options = TrainingOptions(problem: "simple")
    (options.stepCount, options.unrollLength) = (59, 20)
    #expect(options.unrollCount == 2)
  }
}
