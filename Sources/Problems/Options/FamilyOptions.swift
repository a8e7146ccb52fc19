internal import Datasets
public import Settings

/// How a family's problems are put into other units.
public struct ReparametrizationOptions: Configurable {
  /// What has a scale of its own; nil for no other units.
  public var scope: Reparametrization.Scope? = .global
  /// The largest scale; the smallest is one over it.
  public var scale: Float = 1000

  /// One scale a problem, from 1e-3 to 1e3.
  public init() {}

  /// What can be chosen.
  public static let settings: [Setting<ReparametrizationOptions>] = [
    Setting("reparametrize", \.scope, "what has a scale of its own"),
    Setting(
      "scale", \.scale, in: .from(1, to: 1e6), "the largest scale; the smallest is one over it"),
  ]

  /// The family in other units, if that is asked for.
  public func applied(to family: any ProblemFamily) -> any ProblemFamily {
    guard let scope else { return family }
    return Reparametrization(family, scope: scope, range: 1 / scale...scale)
  }
}

/// The options of the family `small-images`.
public struct SmallImagesOptions: Configurable {
  /// The units.
  public var units = ReparametrizationOptions()

  /// As published.
  public init() {}

  /// What can be chosen.
  public static let settings = ReparametrizationOptions.settings.map {
    $0.within(\SmallImagesOptions.units)
  }
}

/// The options of the family `perceptrons`.
public struct PerceptronsOptions: Configurable {
  /// The fewest and the most hidden units.
  public var widths = [8, 128]
  /// The fewest and the most hidden layers.
  public var depths = [0, 4]
  /// The smallest and the largest minibatch.
  public var batchSizes = [16, 128]
  /// The images' height and width.
  public var size = 8
  /// The units.
  public var units: ReparametrizationOptions = {
    var units = ReparametrizationOptions()
    units.scope = nil
    return units
  }()

  /// Widths from 8 to 128 and depths from 0 to 4, on images of 8 x 8.
  public init() {}

  /// What can be chosen.
  public static let settings: [Setting<PerceptronsOptions>] =
    [
      Setting(
        "widths", \.widths, in: .from(1, to: 4096), count: 2...2, "the fewest and most units"),
      Setting(
        "depths", \.depths, in: .from(0, to: 64), count: 2...2, "the fewest and most layers"),
      Setting(
        "batch_sizes", \.batchSizes, in: .from(1, to: 100_000), count: 2...2,
        "the smallest and largest minibatch"),
      Setting("size", \.size, in: .from(1, to: 64), "the images' height and width"),
    ] + ReparametrizationOptions.settings.map { $0.within(\.units) }

  /// Checks that ranges run upwards.
  public func check() throws(SettingError) {
    for (name, range) in [("widths", widths), ("depths", depths), ("batch_sizes", batchSizes)]
    where range[0] > range[1] {
      throw refuse(name, expected: "the smaller number first")
    }
  }
}

// MARK: - Families from options

extension BuiltProblem {
  /// The four small perceptrons of Celo2's published recipe, in other units.
  ///
  /// - Throws: `DatasetError` for a folder that was named and is not there, and for damaged files; so
  ///   does the one below.
  public static func smallImages(
    _ options: SmallImagesOptions, _ data: ProblemData
  ) throws -> BuiltProblem {
    let tasks = try SmallImageTasks.all(split: data.split, directory: data.directory)
    return try BuiltProblem(
      tasks: zip(ImageSet.allCases, tasks).map { set, task in
        (set.rawValue, options.units.applied(to: task))
      })
  }

  /// Perceptrons of all kinds on the four image sets.
  public static func perceptrons(
    _ options: PerceptronsOptions, _ data: ProblemData
  ) throws -> BuiltProblem {
    var datasets: [ImageDataset] = []
    for set in ImageSet.allCases {
      datasets.append(
        try set.load(split: data.split, directory: data.directory, standIn: true)
          .resized(height: options.size, width: options.size, isGrey: true))
    }
    var choices = PerceptronFamily.Choices()
    choices.widths = options.widths[0]...options.widths[1]
    choices.depths = options.depths[0]...options.depths[1]
    choices.batchSizes = options.batchSizes[0]...options.batchSizes[1]
    return BuiltProblem(
      family: options.units.applied(to: PerceptronFamily(datasets: datasets, choices: choices)))
  }
}
