import Files
import LearnedOptimizers
import MetaTraining
import Safetensors
import Settings

/// What a saved optimizer says of its training: which problem to use it on unless told otherwise.
struct Origin {
  /// The problem's name.
  let problem: String
  /// The problem's options.
  let options: [String: String]
  /// All options of the training; nil for optimizers that were not trained by this program.
  let training: TrainingOptions?

  /// What the file, or the first net of the folder, says; nil when it says nothing or can't be read,
  /// which is an error elsewhere.
  init?(ofSaved path: String) {
    var file = path
    if Path(path).status?.isFolder == true {
      guard let first = Self.nets(in: path).first else { return nil }
      file = "\(path)/\(first).safetensors"
    }
    guard let saved = try? SafetensorsFile(contentsOf: file) else { return nil }
    self.init(metadata: saved.metadata)
  }

  /// What the file says that comes with the program under this name, as `pretrained:mnist`; nil for
  /// other paths.
  init?(ofPretrained path: String) {
    guard let name = PretrainedOptimizer.name(in: path),
      let chosen = PretrainedOptimizer(rawValue: name), let trained = try? chosen.load()
    else { return nil }
    self.init(metadata: trained.metadata)
  }

  /// What a saved net's metadata say.
  init?(metadata: [String: String]) {
    guard let problem = metadata["problem"] else { return nil }
    self.problem = problem
    let training = metadata["training_options"].flatMap { JSONValue(parsing: $0)?.object }
    options = training?["problem_option"].flatMap { [String: String](settingJSON: $0) } ?? [:]
    self.training = training.flatMap { try? TrainingOptions(json: $0) }
  }

  /// The keys of the nets that are saved in a folder, sorted.
  static func nets(in folder: String) -> [String] {
    let suffix = Array(".safetensors".utf8)
    let names = (try? FolderListing.names(in: Path(folder))) ?? []
    return names.filter {
      $0.suffix(suffix.count).elementsEqual(suffix)
        && !$0.suffix(TrainingFolder.stateName.utf8.count)
          .elementsEqual(TrainingFolder.stateName.utf8)
    }
    .map { String(decoding: $0.dropLast(suffix.count), as: UTF8.self) }.sorted()
  }

  /// The problem and its options as words.
  var words: String {
    options.isEmpty ? problem : "\(problem) with \(options.settingText)"
  }
}

extension ProblemChoice {
  /// The name and the options: what was given, else those that the optimizer was trained on.
  ///
  /// - Parameter path: the saved optimizer, or `pretrained:NAME`.
  func resolved(trainedAt path: String?) -> (name: String, options: [String: String]) {
    if let name { return (name, options) }
    guard let path, let origin = Origin(ofPretrained: path) ?? Origin(ofSaved: path) else {
      return ("simple", options)
    }
    return (origin.problem, origin.options.merging(options) { $1 })
  }
}
