import ArgumentParser
import Catalogs
import Checkpoints
import Files
import LearnedOptimizers
import MPIGroups
import MetaTraining
internal import Platform
import Safetensors
import Settings

/// What `convert` can be told.
struct ConvertSettings: Configurable {
  var from: String?
  var to: String?
  var format: CheckpointFormat?
  var netOptions: [String: String] = [:]
  var license: String?

  static let settings: [Setting<ConvertSettings>] = [
    Setting(
      "from", \.from, effect: .run, placeholder: "FILE", "the saved optimizer, of any format: FROM"),
    Setting("to", \.to, effect: .run, placeholder: "FILE", "a new file: TO"),
    Setting(
      "format", \.format, effect: .run, default: "by the new file's extension",
      "l2l (.safetensors), flax (.state, .msgpack), pickle (.pickle, .pkl), or pylo"),
    Setting(
      "net_option", \.netOptions, effect: .run,
      "the class (net=Celo2Base) or an option of it, where the file does not say it, or one of those"
        + " that sizes of steps follow, as learning_rate=0.01; repeatable"),
    Setting(
      "license", \.license, effect: .run, placeholder: "TEXT",
      default: "as the file says, else 'none given'", "the licence of the weights"),
  ]
}

/// Converts saved optimizers of other programs, and into theirs.
struct Convert: SettingsCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Convert saved optimizers from and to the files of other programs.",
    usage: "l2l convert FROM TO [OPTION ...]",
    discussion: """
      Reads l2l's safetensors, flax's msgpack (google/learned_optimization, Celo, Celo2), PyLO's \
      safetensors, and pickles of dictionaries of arrays (the reference program, Open-L2O), of which \
      nothing is executed. What a file can't say is assumed and told.

      Licence and origin stay in the metadata. Files of flax and pickles have no room for them: they \
      are written beside, as TO.json, and read from there.
      """)

  static let operands = ["from", "to"]

  @OptionGroup var arguments: SettingArguments<ConvertSettings>

  static func run(
    _ settings: ConvertSettings, given: GivenSettings<ConvertSettings>, on catalog: Catalog
  ) throws {
    // Ranks of a launcher would write one file.
    guard Launch.current.rank == 0 else { return }
    guard let from = settings.from, let to = settings.to else {
      throw Failure(.usage, "convert needs two files: l2l convert FROM TO; see `l2l help convert`")
    }
    try convert(from, to, settings, catalog)
  }

  /// Files of optimizers are small.
  private static let mostBytes = 1 << 30

  private static func convert(
    _ from: String, _ to: String, _ settings: ConvertSettings, _ catalog: Catalog
  ) throws {
    let format = settings.format ?? CheckpointFormat(ofFileNamed: to)
    let hasBeside = format == .flax || format == .pickle
    let beside = ConvertedFile.pathBeside(to)
    try OutputFile.check(to, inputs: [from])
    if hasBeside { try OutputFile.check(beside, inputs: [from]) }

    let bytes = try FileReader(path: from, limit: mostBytes).bytes()
    if let contents = try? SafetensorsFile(bytes: bytes),
      TrainingStateFile.isTrainingState(contents)
    {
      throw Failure(
        .badData,
        "'\(from)' is the state of a training, not an optimizer; give one of the other files in its"
          + " folder")
    }
    let given = try options(settings.netOptions, catalog)
    let reader = CheckpointReader(
      given: given, beside: try facts(beside: from),
      catalog: catalog.optimizers)
    var result = try Failure.inFile(from) { try reader.read(bytes) }
    if let text = result.trained.metadata["net_options"], result.format == .l2l,
      let own = JSONValue(parsing: text)?.object
    {
      for (name, value) in given.sorted(by: { $0.key < $1.key })
      where own[name].map({ $0 != value }) ?? false
        && !type(of: result.trained.rule).adjustableOptions.contains(name)
      {
        throw Failure(
          .usage,
          "'\(from)' says that \(name) is \(own[name]?.text ?? ""); --net_option is for what a file"
            + " does not say: leave it out")
      }
    }
    var metadata = result.trained.metadata
    metadata["license"] = settings.license ?? metadata["license"] ?? "none given"
    if result.format != .l2l, metadata["source"] == nil {
      metadata["source"] = from.split(separator: "/").last.map(String.init)
    }
    result.trained.metadata = metadata

    let file = try ConvertedFile(result.trained, as: format)
    for note in result.notes { StandardError.notice("'\(from)': \(note)") }
    if let text = file.beside { try AtomicFile.write(text, to: beside) }
    do {
      try AtomicFile.write(file.bytes, to: to)
    } catch {
      // One without the other would be half a result.
      if file.beside != nil { unlink(beside) }
      throw error
    }
    if file.beside != nil {
      StandardError.notice("licence, options and origin are in '\(beside)'")
    }
    let net = type(of: result.trained.rule).name
    StandardOutput.write(
      "\(net), \(result.trained.rule.weightCount) weights, from a \(result.format.words) to a"
        + " \(format.words)")
  }

  private static func options(
    _ given: [String: String], _ catalog: Catalog
  ) throws -> [String: JSONValue] {
    let named = try given["net"].map { try net($0, among: catalog.optimizers) }
    var options: [String: JSONValue] = [:]
    for (name, text) in given.sorted(by: { $0.key < $1.key }) {
      if name == "net" {
        options[name] = .string(text)
        continue
      }
      // Without a class any that knows the option can read it.
      let entries = named.map { [$0] } ?? catalog.optimizers
      guard let entry = entries.first(where: { $0.setting(named: name) != nil }) else {
        let valid = Set(entries.flatMap(\.options)).sorted()
        throw SettingError(name, in: .net(named?.name ?? "any"), .unknown(valid: valid))
      }
      let (own, value) = try entry.option(name, reading: text)
      options[own] = value
    }
    return options
  }

  /// What stands in the file beside an input, which need not be there.
  private static func facts(beside path: String) throws -> [String: String] {
    let beside = ConvertedFile.pathBeside(path)
    do {
      let bytes = try FileReader(path: beside, limit: mostBytes).bytes()
      guard let facts = ConvertedFile.facts(in: String(decoding: bytes, as: UTF8.self)) else {
        StandardError.notice("'\(beside)' is not one of l2l's and is not looked at")
        return [:]
      }
      return facts
    } catch {
      guard case .cannotRead(_, _, ENOENT) = error else { throw error }
      return [:]
    }
  }
}
