import CMNISTSubset

/// The MNIST handwritten digits, or any set in the same four IDX files, as Fashion-MNIST.
///
/// Y. LeCun, L. Bottou, Y. Bengio, P. Haffner, "Gradient-based learning applied to document
/// recognition", Proceedings of the IEEE, 1998.
public enum MNIST {
  /// The number of classes.
  public static let classCount = 10

  /// What to tell the user when the set is the embedded subset.
  static let embeddedNotice =
    "using the 5,000 MNIST images inside the program (4,000 to train, 1,000 to test);"
    + " name a folder with all of MNIST by --data_dir or L2L_DATA_DIR"

  /// Loads a part of the set.
  ///
  /// The folder is the argument, else the environment variable `L2L_DATA_DIR` unless empty, else
  /// `./data` if it holds at least one of the files, else the set is the embedded subset.
  /// `MNISTFolder` says which files are looked for. The folder `synthetic` stands for
  /// `SyntheticImages` of the same size.
  ///
  /// Plain files are mapped, so that all processes of a machine share them; gzipped ones are
  /// decompressed into memory.
  ///
  /// - Throws: `DatasetError.folderMissing` or `filesMissing` for a folder that was named, and
  ///   every error of files that were found.
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
        name: "mnist", split: split, height: 28, width: 28, channels: 1)
    }
    guard let folder = try MNISTFolder(in: place) else { return try loadEmbedded(split: split) }
    return try load(split: split, from: folder, name: "mnist")
  }

  /// Loads a part of a set in MNIST's files from the folder where they are.
  static func load(
    split: DatasetSplit, from folder: MNISTFolder, name: String
  ) throws(DatasetError) -> ImageDataset {
    let paths = try folder.paths(of: split)
    return try dataset(
      name: name, images: IDXFile(contentsOf: paths.images, rank: 3),
      labels: IDXFile(contentsOf: paths.labels, rank: 1),
      source: "\(folder.path) (\(split.rawValue))", origin: .given)
  }

  /// Loads a part of the subset inside the program: 4,000 images to train, 1,000 to test.
  ///
  /// - Throws: never, unless the program file is damaged.
  public static func loadEmbedded(split: DatasetSplit) throws(DatasetError) -> ImageDataset {
    let (images, labels) =
      switch split {
      case .train: (cmnist_train_images(), cmnist_train_labels())
      case .test: (cmnist_test_images(), cmnist_test_labels())
      }
    return try dataset(
      images: embedded(images, rank: 3), labels: embedded(labels, rank: 1),
      source: "embedded subset (\(split.rawValue))", origin: .embedded)
  }

  private static func embedded(
    _ file: cmnist_file, rank: Int
  ) throws(DatasetError) -> IDXFile {
    let bytes = UnsafeRawBufferPointer(start: file.bytes, count: file.count)
    return try IDXFile(ByteStorage(embedded: bytes), path: "the embedded subset", rank: rank)
  }

  private static func dataset(
    name: String = "mnist", images: IDXFile, labels: IDXFile, source: String,
    origin: ImageDataset.Origin
  ) throws(DatasetError) -> ImageDataset {
    guard images.dimensions[0] == labels.dimensions[0] else {
      throw .countMismatch(
        imagesPath: images.path, images: images.dimensions[0],
        labelsPath: labels.path, labels: labels.dimensions[0])
    }
    return try ImageDataset(
      name: name, source: source, origin: origin,
      shape: (height: images.dimensions[1], width: images.dimensions[2], channels: 1),
      classCount: classCount,
      runs: [
        ImageRun(
          count: images.dimensions[0],
          pixels: ByteRun(
            storage: images.storage, first: images.elements.lowerBound,
            stride: images.dimensions[1] * images.dimensions[2]),
          labels: ByteRun(
            storage: labels.storage, first: labels.elements.lowerBound, stride: 1),
          labelsPath: labels.path)
      ])
  }
}
