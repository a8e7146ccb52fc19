/// SVHN: 32 x 32 colour images of house numbers, cut out digit by digit.
///
/// Y. Netzer, T. Wang, A. Coates, A. Bissacco, B. Wu, A. Y. Ng, "Reading digits in natural images with
/// unsupervised feature learning", 2011 (http://ufldl.stanford.edu/housenumbers, format 2).
///
/// The files are `train_32x32.mat` and `test_32x32.mat`, each with the images X [32, 32, 3, count] and
/// the labels y [count, 1], where 10 stands for the digit 0. They are decompressed into memory: 225 MB
/// to train, 80 MB to test. Who wants them small keeps only what `resized` makes of them.
public enum SVHN {
  /// The number of classes.
  public static let classCount = 10

  static let side = 32
  static let channels = 3

  /// Loads a part of the set.
  ///
  /// The folder is the argument, else the environment variable `L2L_DATA_DIR` unless empty, else
  /// `./data`; the files lie in it or in its subfolder `svhn`. The folder `synthetic` stands for
  /// `SyntheticImages` of numbers.
  ///
  /// - Throws: `DatasetError.setMissing`, `malformedMAT`, `labelOutOfRange`, and errors of the system.
  public static func load(
    split: DatasetSplit, directory: String? = nil
  ) throws(DatasetError) -> ImageDataset {
    try load(
      split: split, directory: directory,
      environmentDirectory: DataFolder.environmentDirectory(), standardDirectory: "data")
  }

  /// Loads a part of the set, with the environment variable and the standard folder as given.
  ///
  /// - Throws: as `load(split:directory:)`.
  package static func load(
    split: DatasetSplit, directory: String?, environmentDirectory: String?,
    standardDirectory: String
  ) throws(DatasetError) -> ImageDataset {
    let place = DataFolder(
      argument: directory, environment: environmentDirectory, standard: standardDirectory)
    guard !place.isSynthetic else { return try SyntheticImages.numbers(name: "svhn", split: split) }
    let name = split == .train ? "train_32x32.mat" : "test_32x32.mat"
    let paths = ["\(place.path)/\(name)", "\(place.path)/svhn/\(name)"]
    guard let path = paths.first(where: DataFolder.isFile) else {
      throw .setMissing(
        set: "svhn", folder: place.path, origin: place.origin,
        lookedFor: place.exists ? ["file svhn/\(name)"] : [])
    }
    return try read(path, split: split)
  }

  private static func read(
    _ path: String, split: DatasetSplit
  ) throws(DatasetError) -> ImageDataset {
    let file = try MATFile(mapping: path)
    let size = side * side * channels
    let images = try file.array(named: "X", limit: 1_000_000 * size)
    let labels = try file.array(named: "y", limit: 1_000_000)
    let count = labels.values.count
    guard images.dimensions == [side, side, channels, count] else {
      throw .malformedMAT(
        path: path, offset: 0,
        reason: "X is \(images.dimensions), not [32, 32, 3, \(count)] as for the \(count) labels")
    }
    // MATLAB counts down the columns first.
    for plane in 0..<(count * channels) {
      let pixels = UnsafeMutableRawBufferPointer(
        rebasing: images.values[(plane * side * side)..<((plane + 1) * side * side)])
      for row in 0..<side {
        for column in 0..<row { pixels.swapAt(row * side + column, column * side + row) }
      }
    }
    for index in 0..<count where labels.values[index] == 10 { labels.values[index] = 0 }
    return try ImageDataset(
      name: "svhn", source: "\(path) (\(split.rawValue))", origin: .given,
      shape: (height: side, width: side, channels: channels), classCount: classCount,
      runs: [
        ImageRun(
          count: count, pixels: ByteRun(storage: images.storage, first: 0, stride: size),
          labels: ByteRun(storage: labels.storage, first: 0, stride: 1), labelsPath: path)
      ], order: .planar)
  }
}
