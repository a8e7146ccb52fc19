import ArgumentParser
import Datasets
import DistributedTraining
import Experiments
import Foundation
import Layers
import LearnedOptimizers
import MetaTraining
import Problems
import Safetensors
import Tensors

/// Writes out one unroll number by number.
struct UnrollOnce: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unroll",
    abstract: "Unroll one optimizee and write out losses, final parameters and meta-gradients.",
    discussion: """
      --state overrides what it names: x0/<parameter>, const/<constant>, images and labels (the
      minibatch used at every evaluation of the loss). Sizes that problem options would set follow
      the given tensors. The output holds fx [T+1], meta_loss [], x_final/<parameter>,
      grad/<weight> (grad/<net>/<weight> with several nets).

      To replay an optimizee of a training, give --path its latest.training-state.safetensors:
      weights, problem, options, seed and unroll length are then the run's.
      """)

  @OptionGroup var problem: ProblemArguments

  @Option(name: .customLong("path"), help: "The learned optimizer: a file, or a folder.")
  var path: String?
  @Option(
    name: .customLong("unroll_length"), help: "Steps. (default: the training's, else 20)")
  var unrollLength: Int?
  @Flag(
    name: .customLong("second_derivatives"), inversion: .prefixedNo,
    exclusivity: .chooseLast,
    help: "Let the meta-gradient flow through the optimizee's gradients.")
  var secondDerivatives: Bool?
  @Option(
    name: .customLong("meta_loss"), help: "sum, log or final. (default: the training's, else sum)")
  var metaLoss: MetaLoss?
  @Option(name: .customLong("state"), help: "Initial values, a safetensors file.")
  var statePath: String?
  @Option(name: .customLong("seed"), help: "Of all random numbers.")
  var seed: UInt64?
  @Option(name: .customLong("epoch"), help: "The epoch, from 0, whose optimizee is unrolled.")
  var epoch = 0
  @Option(name: .customLong("instance"), help: "The optimizee's number in the epoch, from 0.")
  var instance = 0
  @Option(name: .customLong("output"), help: "The file to write; else losses are printed.")
  var output: String?

  mutating func run() throws {
    // One unroll is one process's work.
    guard Launch.current.rank == 0 else { return }
    let run = try path.flatMap(Self.trainingState)
    let name = problem.problem ?? run?.options.problem ?? "simple"
    let seed = self.seed ?? run?.options.seed ?? 0
    _ = try ProblemCatalog.entry(named: name)
    let unrollLength = self.unrollLength ?? run?.options.unrollLength ?? 20
    try require("unroll_length", unrollLength, atLeast: 1)
    try require("epoch", epoch, atLeast: 0, atMost: 1_000_000_000)
    try require("instance", instance, atLeast: 0)
    if let output { try requireWritable(output) }
    let given = try GivenState(path: statePath)
    var options = (run?.options.problemOptions ?? [:]).merging(
      try problem.problemOptionValues()
    ) { $1 }
    for (option, value) in try given.impliedOptions(problem: name) where options[option] == nil {
      options[option] = value
    }
    let nets = try learnedNets(
      problem: name,
      overrides: (run?.options.netOptions ?? [:]).merging(try problem.netOptionValues()) { $1 },
      path: run == nil ? path : nil, seed: seed, warns: run == nil)
    let built = try makeProblem(
      name, options: options, split: .train, directory: problem.dataDirectory,
      fixedBatch: try given.batch())
    let experiment = try makeExperiment(problem: built.problem, nets: nets, path: path)
    let unroller = Unroller(experiment)
    if let run {
      try Failure.inFile(path ?? "") { unroller.load(try run.state(for: experiment).weights) }
    }
    var optimizee = unroller.makeInstance(
      InstanceKey(seed: seed, phase: .training, epoch: epoch, instance: instance))
    try given.apply(to: &optimizee, of: experiment)

    let outcome: UnrollOutcome
    do {
      outcome = try unroller.unroll(
        &optimizee, steps: unrollLength,
        secondDerivatives: secondDerivatives ?? run?.options.secondDerivatives ?? false,
        metaLoss: metaLoss ?? run?.options.metaLoss ?? .sum)
    } catch {
      throw Failure(.badData, sentence(error))
    }
    guard let output else {
      for (step, loss) in outcome.losses.enumerated() {
        StandardOutput.write("f(x_\(step)) = \(loss)")
      }
      return StandardOutput.write("meta-loss = \(outcome.metaLoss)")
    }
    try file(outcome, optimizee, experiment).write(to: output)
  }

  /// The training state in a file; nil for folders and for files that are saved optimizers.
  private static func trainingState(at path: String) throws -> TrainingStateFile? {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder),
      !isFolder.boolValue
    else { return nil }
    let file = try SafetensorsFile(contentsOf: path)
    return TrainingStateFile.isTrainingState(file) ? try TrainingStateFile(file) : nil
  }

  private func file(
    _ outcome: UnrollOutcome, _ optimizee: OptimizeeInstance, _ experiment: Experiment
  ) -> SafetensorsFile {
    var file = SafetensorsFile(metadata: ["program_version": Program.version])
    func add(_ name: String, _ values: [Float], _ shape: [Int]) {
      file.append(SafetensorsArray(floats: values, shape: shape), named: name)
    }
    add("fx", outcome.losses, [outcome.losses.count])
    add("meta_loss", [Float(outcome.metaLoss)], [])
    for (position, parameter) in experiment.parameters.enumerated() {
      let value = experiment.value(of: position, in: optimizee.parameters)
      add(
        "x_final/\(parameter.specification.name)", value.elements, value.shape.dimensions)
    }
    let several = experiment.nets.filter { $0.optimizer.weights.count > 0 }.count > 1
    for (net, gradient) in zip(experiment.nets, outcome.metaGradients) {
      var start = 0
      for (name, weight) in zip(net.optimizer.weights.names, net.optimizer.weights.tensors) {
        add(
          several ? "grad/\(net.key)/\(name)" : "grad/\(name)",
          gradient[start..<start + weight.count].map { Float($0) }, weight.shape.dimensions)
        start += weight.count
      }
    }
    return file
  }
}

/// What `--state` names.
struct GivenState {
  private let file: SafetensorsFile?
  private let path: String

  init(path: String?) throws {
    self.path = path ?? ""
    file = try path.map { try SafetensorsFile(contentsOf: $0) }
  }

  private func tensor(_ name: String) throws -> Tensor? {
    guard let array = file?[name] else { return nil }
    guard Shape.isValid(array.shape) else {
      throw Failure(
        .badData,
        "'\(name)' in '\(path)' has the shape \(array.shape): give at most"
          + " \(Shape.maximumRank) axes of at most \(Int32.max)")
    }
    let floats = try array.floats()
    // Bytes are pixels 0...255.
    let values = name == "images" && array.type == .uint8 ? floats.map { $0 / 255 } : floats
    return Tensor(values, shape: Shape(array.shape))
  }

  /// The minibatch, when images and labels are given.
  func batch() throws -> ImageBatch? {
    guard let images = try tensor("images") else {
      if file?["labels"] != nil {
        throw Failure(.badData, "'\(path)' has labels but no images")
      }
      return nil
    }
    guard let labels = try tensor("labels") else {
      throw Failure(.badData, "'\(path)' has images but no labels")
    }
    let numbers = try labels.elements.map { label in
      guard let number = Int32(exactly: label) else {
        throw Failure(.badData, "label \(label) in '\(path)' is not a whole number")
      }
      return number
    }
    return try Failure.inFile(path) { try ImageBatch(images: images, labels: numbers) }
  }

  /// Problem options that the given tensors' shapes decide.
  func impliedOptions(problem: String) throws -> [String: String] {
    func shape(_ name: String, rank: Int) throws -> [Int]? {
      guard let shape = file?[name]?.shape, shape.count == rank else { return nil }
      guard !shape.contains(0) else {
        throw Failure(.badData, "'\(name)' in '\(path)' is empty: its shape is \(shape)")
      }
      return shape
    }
    switch problem {
    case "quadratic":
      guard
        let sizes = try shape("x0/x", rank: 2) ?? shape("const/y", rank: 2)
          ?? shape("const/w", rank: 3)
      else { return [:] }
      return ["batch_size": "\(sizes[0])", "num_dims": "\(sizes[1])"]
    case "mnist":
      var sizes: [Int] = []
      while let w = try shape("x0/mlp/linear_\(sizes.count)/w", rank: 2) { sizes.append(w[1]) }
      guard !sizes.isEmpty else { return [:] }
      return ["layers": sizes.dropLast().map(String.init).joined(separator: ",")]
    case "cifar", "cifar-multi":
      var channels: [Int] = []
      while let w = try shape("x0/conv_net_2d/conv_2d_\(channels.count)/w", rank: 4) {
        channels.append(w[3])
      }
      var sizes: [Int] = []
      while let w = try shape("x0/mlp/linear_\(sizes.count)/w", rank: 2) { sizes.append(w[1]) }
      var implied: [String: String] = [:]
      if !channels.isEmpty {
        implied["conv_channels"] = channels.map(String.init).joined(separator: ",")
      }
      if !sizes.isEmpty {
        implied["linear_layers"] = sizes.dropLast().map(String.init).joined(separator: ",")
      }
      return implied
    default:
      return [:]
    }
  }

  /// Replaces the values that the file names.
  func apply(to optimizee: inout OptimizeeInstance, of experiment: Experiment) throws {
    guard let file else { return }
    let names = experiment.parameters.map(\.specification.name)
    var values = names.indices.map { experiment.value(of: $0, in: optimizee.parameters) }
    for name in file.names where name.hasPrefix("x0/") {
      let index = try position(of: name.dropFirst(3), in: names, of: name)
      values[index] = try fitted(name, to: values[index].shape)
    }
    optimizee.parameters = experiment.vector(of: values)
    let constants = experiment.problem.constants
    for name in file.names where name.hasPrefix("const/") {
      let index = try position(of: name.dropFirst(6), in: constants.map(\.name), of: name)
      optimizee.constants[index] = try fitted(name, to: constants[index].shape)
    }
  }

  private func position(
    of variable: Substring, in names: [String], of name: String
  ) throws -> Int {
    guard let index = names.firstIndex(of: String(variable)) else {
      throw Failure(
        .badData,
        "'\(name)' in '\(path)' is nothing of the problem's"
          + Failure.suggestion(String(variable), names))
    }
    return index
  }

  private func fitted(_ name: String, to expected: Shape) throws -> Tensor {
    guard let tensor = try tensor(name), tensor.shape == expected else {
      throw Failure(
        .badData, "'\(name)' in '\(path)' has shape \(file?[name]?.shape ?? []), not \(expected)")
    }
    return tensor
  }
}
