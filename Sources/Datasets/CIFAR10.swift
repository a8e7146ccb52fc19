/// CIFAR-10: 32 x 32 colour images of ten kinds of things.
///
/// A. Krizhevsky, "Learning multiple layers of features from tiny images", 2009
/// (https://www.cs.toronto.edu/~kriz/cifar.html, binary version).
///
/// A file is a row of records of 3,073 bytes: the label, then the red, the green and the blue
/// values of the image, each row by row. The files are `data_batch_1.bin` to `data_batch_5.bin` to
/// train and `test_batch.bin` to test. They are mapped: all processes of a machine share one copy
/// of the bytes.
public enum CIFAR10 {
  /// The number of classes.
  public static let classCount = 10

  static let side = 32
  static let channels = 3
  static let recordSize = 1 + channels * side * side

  /// The name of the folder in the archive.
  private static let folderName = "cifar-10-batches-bin"

  /// Loads a part of the set.
  ///
  /// The folder is the argument, else the environment variable `L2L_DATA_DIR` unless empty, else
  /// `./data`; the files lie in it or in its subfolder `cifar-10-batches-bin`. The folder
  /// `synthetic` stands for `SyntheticImages` of the same size.
  ///
  /// A file may have any number of records (the original ones have 10,000), the five to train all
  /// the same.
  ///
  /// - Throws: `DatasetError.cifar10Missing`, `wrongSize`, `recordCountMismatch`,
  ///   `labelOutOfRange`, and errors of the system while reading.
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
    guard !place.isSynthetic else {
      return try SyntheticImages.make(
        name: "cifar10", split: split, height: side, width: side, channels: channels)
    }
    let folder = try folder(in: place)
    var runs: [ImageRun] = []
    for name in names(of: split) {
      let path = "\(folder)/\(name)"
      guard DataFolder.isFile(path) else {
        throw .cifar10Missing(folder: folder, origin: place.origin, lookedFor: ["file \(name)"])
      }
      let run = try records(in: path)
      if let first = runs.first, first.count != run.count {
        let (short, long) = first.count < run.count ? (first, run) : (run, first)
        throw .recordCountMismatch(
          path: short.labelsPath, records: short.count, otherPath: long.labelsPath,
          otherRecords: long.count)
      }
      runs.append(run)
    }
    return try ImageDataset(
      name: "cifar10", source: "\(folder) (\(split.rawValue))", origin: .given,
      shape: (height: side, width: side, channels: channels), classCount: classCount, runs: runs,
      order: .planar)
  }

  private static func names(of split: DatasetSplit) -> [String] {
    switch split {
    case .train: (1...5).map { "data_batch_\($0).bin" }
    case .test: ["test_batch.bin"]
    }
  }

  /// The folder that has any of the files.
  private static func folder(in place: DataFolder) throws(DatasetError) -> String {
    guard place.exists else {
      throw .cifar10Missing(folder: place.path, origin: place.origin, lookedFor: [])
    }
    let names = DatasetSplit.allCases.flatMap { Self.names(of: $0) }
    let candidates = [place.path, "\(place.path)/\(folderName)"]
    let found = candidates.first { candidate in
      names.contains { DataFolder.isFile("\(candidate)/\($0)") }
    }
    guard let found else {
      throw .cifar10Missing(
        folder: place.path, origin: place.origin,
        lookedFor: ["subfolder \(folderName)", "file \(names[0])"])
    }
    return found
  }

  /// The images of one file.
  private static func records(in path: String) throws(DatasetError) -> ImageRun {
    let storage = try ByteStorage(mapping: path)
    let size = storage.bytes.count
    guard size > 0, size.isMultiple(of: recordSize) else {
      throw .wrongSize(path: path, found: size, record: recordSize)
    }
    return ImageRun(
      count: size / recordSize,
      pixels: ByteRun(storage: storage, first: 1, stride: recordSize),
      labels: ByteRun(storage: storage, first: 0, stride: recordSize), labelsPath: path)
  }
}
