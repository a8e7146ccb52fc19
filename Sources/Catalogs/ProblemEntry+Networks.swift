internal import Problems
internal import Settings

// Problems that came after those of the paper's program.
extension ProblemEntry {
  /// Networks on images and texts.
  static let networks: [ProblemEntry] = [
    ProblemEntry(
      "perceptron", "a perceptron of any shape on images of any size: mean cross-entropy",
      nets: [.lstm]
    ) { (options: PerceptronOptions, data) in try BuiltProblem.perceptron(options, data) },
    ProblemEntry(
      "softmax-regression", "a linear classifier of images: mean cross-entropy", nets: [.lstm]
    ) { (options: SoftmaxRegressionOptions, data) in
      try BuiltProblem.softmaxRegression(options, data)
    },
    ProblemEntry(
      "autoencoder", "images through a narrow layer and back: mean squared error", nets: [.lstm]
    ) { (options: AutoencoderOptions, data) in try BuiltProblem.autoencoder(options, data) },
    ProblemEntry(
      "conv-net", "strided convolutions without normalization: mean cross-entropy", nets: [.lstm]
    ) { (options: ConvolutionalOptions, data) in try BuiltProblem.convolutional(options, data) },
    ProblemEntry(
      "char-lstm", "an LSTM that guesses the next character: mean cross-entropy", nets: [.lstm]
    ) { (options: CharacterModelOptions, data) in
      try BuiltProblem.characterModel(.lstm, options, data)
    },
    ProblemEntry(
      "char-gru", "a GRU that guesses the next character: mean cross-entropy", nets: [.lstm]
    ) { (options: CharacterModelOptions, data) in
      try BuiltProblem.characterModel(.gru, options, data)
    },
    ProblemEntry(
      "char-transformer", "a transformer that guesses the next character: mean cross-entropy",
      nets: [.lstm]
    ) { (options: TransformerOptions, data) in try BuiltProblem.transformer(options, data) },
  ]

  /// Functions without data, and regressions.
  static let functions: [ProblemEntry] = [
    ProblemEntry("rosenbrock", "a long, bent valley", nets: [.lstm]) {
      (options: FunctionOptions, _) in Rosenbrock(dimensions: options.dimensions)
    },
    ProblemEntry("rastrigin", "a bowl full of pits", nets: [.lstm]) {
      (options: FunctionOptions, _) in Rastrigin(dimensions: options.dimensions)
    },
    ProblemEntry("ackley", "a hole in a rippled plain", nets: [.lstm]) {
      (options: FunctionOptions, _) in Ackley(dimensions: options.dimensions)
    },
    ProblemEntry("styblinski-tang", "two valleys in each direction", nets: [.lstm]) {
      (options: FunctionOptions, _) in StyblinskiTang(dimensions: options.dimensions)
    },
    ProblemEntry("beale", "a plain with steep walls, of two variables", nets: [.lstm]) {
      (_: NoSettings, _) in Beale()
    },
    ProblemEntry("himmelblau", "four valleys as deep as each other", nets: [.lstm]) {
      (_: NoSettings, _) in Himmelblau()
    },
    ProblemEntry(
      "conditioned-quadratic", "a turned bowl as long as asked for", nets: [.lstm]
    ) { (options: ConditionedOptions, _) in
      ConditionedQuadratic(dimensions: options.dimensions, condition: options.condition)
    },
    ProblemEntry("lasso", "least squares that prefer zeros", nets: [.lstm]) {
      (options: LassoOptions, _) in
      Lasso(rows: options.rows, dimensions: options.dimensions, penalty: options.penalty)
    },
    ProblemEntry(
      "logistic-regression", "logistic or softmax regression on a table or on drawn rows",
      nets: [.lstm]
    ) { (options: LogisticOptions, data) in try BuiltProblem.logisticRegression(options, data) },
  ]

  /// Families, whose optimizees get different problems.
  static let families: [ProblemEntry] = [
    ProblemEntry(
      "small-images", "a family: Celo2's four perceptrons on 8 x 8 images, in other units",
      nets: [.lstm]
    ) { (options: SmallImagesOptions, data) in try BuiltProblem.smallImages(options, data) },
    ProblemEntry(
      "perceptrons", "a family: perceptrons of all kinds on 8 x 8 images", nets: [.lstm]
    ) { (options: PerceptronsOptions, data) in try BuiltProblem.perceptrons(options, data) },
    ProblemEntry(
      "quadratics", "a family: turned bowls of many sizes and condition numbers", nets: [.lstm]
    ) { (options: QuadraticsOptions, _) in
      BuiltProblem(
        family: QuadraticFamily(
          dimensions: options.dimensions[0]...options.dimensions[1],
          conditions: options.conditions[0]...options.conditions[1]))
    },
  ]
}
