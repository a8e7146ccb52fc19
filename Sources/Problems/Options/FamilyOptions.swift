package import Datasets
package import Layers
package import Settings

/// How a family's problems are put into other units.
package struct ReparametrizationOptions: Configurable {
  /// What has a scale of its own; nil for no other units.
  package var scope: Reparametrization.Scope? = .global
  /// The largest scale; the smallest is one over it.
  package var scale: Float = 1000

  /// One scale a problem, from 1e-3 to 1e3.
  package init() {}

  /// What can be chosen.
  package static let settings: [Setting<ReparametrizationOptions>] = [
    Setting("reparametrize", \.scope, "what has a scale of its own"),
    Setting(
      "scale", \.scale, in: .from(1, to: 1e6), "the largest scale; the smallest is one over it"),
  ]

  /// The family in other units, if that is asked for.
  package func applied(to family: any ProblemFamily) -> any ProblemFamily {
    guard let scope else { return family }
    return Reparametrization(family, scope: scope, range: 1 / scale...scale)
  }
}

/// The options of the family `small-images`.
package struct SmallImagesOptions: Configurable {
  /// The units.
  package var units = ReparametrizationOptions()

  /// As published.
  package init() {}

  /// What can be chosen.
  package static let settings = ReparametrizationOptions.settings.map {
    $0.within(\SmallImagesOptions.units)
  }
}

/// The options of the family `perceptrons`.
package struct PerceptronsOptions: Configurable {
  /// The fewest and the most hidden units.
  package var widths = [8, 128]
  /// The fewest and the most hidden layers.
  package var depths = [0, 4]
  /// The smallest and the largest minibatch.
  package var batchSizes = [16, 128]
  /// What lies between layers.
  package var activations = Choices(Activation.drawn)
  /// How weights start.
  package var initializations = Choices(Initialization.allCases)
  /// The images.
  package var sets = Choices(ImageSet.allCases)
  /// The images' height and width.
  package var size = 8
  /// How many images an optimizee sees, others for each; 0 for all.
  package var images = 0
  /// The units.
  package var units: ReparametrizationOptions = {
    var units = ReparametrizationOptions()
    units.scope = nil
    return units
  }()

  /// Widths from 8 to 128 and depths from 0 to 4, on images of 8 x 8.
  package init() {}

  /// What can be chosen.
  package static let settings: [Setting<PerceptronsOptions>] =
    [
      Setting(
        "widths", \.widths, in: .from(1, to: 4096), count: 2...2, "the fewest and most units"),
      Setting(
        "depths", \.depths, in: .from(0, to: 64), count: 2...2, "the fewest and most layers"),
      Setting(
        "batch_sizes", \.batchSizes, in: .from(1, to: 100_000), count: 2...2,
        "the smallest and largest minibatch"),
      Setting("activations", \.activations, "what lies between layers"),
      Setting("initializations", \.initializations, "how weights start"),
      Setting("sets", \.sets, "the images, with stand-ins for those that are missing"),
      Setting("size", \.size, in: .from(1, to: 64), "the images' height and width"),
      Setting(
        "images", \.images, in: .from(0, to: Double(Int32.max)),
        "images that an optimizee sees, others for each; 0 for all"),
    ] + ReparametrizationOptions.settings.map { $0.within(\.units) }

  /// Checks that ranges run upwards.
  package func check() throws(SettingError) {
    for (name, range) in [("widths", widths), ("depths", depths), ("batch_sizes", batchSizes)]
    where range[0] > range[1] {
      throw refuse(name, expected: "the smaller number first")
    }
  }
}

/// The options of the family `quadratics`.
package struct QuadraticsOptions: Configurable {
  /// The fewest and the most variables.
  package var dimensions = [5, 100]
  /// The smallest and the largest condition number.
  package var conditions: [Float] = [1, 1000]

  /// 5 to 100 variables, condition numbers up to 1000.
  package init() {}

  /// What can be chosen.
  package static let settings: [Setting<QuadraticsOptions>] = [
    Setting(
      "num_dims", \.dimensions, in: .from(1, to: 100_000), count: 2...2,
      "the fewest and most variables"),
    Setting(
      "conditions", \.conditions, in: .from(1, to: 1e12), count: 2...2,
      "the smallest and largest condition number of the Hessian"),
  ]

  /// Checks that ranges run upwards.
  package func check() throws(SettingError) {
    if dimensions[0] > dimensions[1] {
      throw refuse("num_dims", expected: "the smaller number first")
    }
    if conditions[0] > conditions[1] {
      throw refuse("conditions", expected: "the smaller number first")
    }
  }
}

// MARK: - Families from options

extension BuiltProblem {
  /// The four small perceptrons of Celo2's published recipe, in other units.
  ///
  /// - Throws: `DatasetError` for a folder that was named and is not there, and for damaged files; so
  ///   does the one below.
  package static func smallImages(
    _ options: SmallImagesOptions, _ data: ProblemData
  ) throws -> BuiltProblem {
    let tasks = try SmallImageTasks.all(split: data.split, directory: data.directory)
    return try BuiltProblem(
      tasks: zip(ImageSet.allCases, tasks).map { set, task in
        (set.rawValue, options.units.applied(to: task))
      })
  }

  /// Perceptrons of all kinds on the chosen image sets.
  package static func perceptrons(
    _ options: PerceptronsOptions, _ data: ProblemData
  ) throws -> BuiltProblem {
    var datasets: [ImageDataset] = []
    for set in options.sets.elements {
      datasets.append(
        try set.load(split: data.split, directory: data.directory, standIn: true)
          .resized(height: options.size, width: options.size, isGrey: true))
    }
    var choices = PerceptronFamily.Choices()
    choices.widths = options.widths[0]...options.widths[1]
    choices.depths = options.depths[0]...options.depths[1]
    choices.batchSizes = options.batchSizes[0]...options.batchSizes[1]
    (choices.activations, choices.initializations) = (
      options.activations.elements, options.initializations.elements
    )
    choices.images = options.images > 0 ? options.images : nil
    return BuiltProblem(
      family: options.units.applied(to: PerceptronFamily(datasets: datasets, choices: choices)))
  }
}
