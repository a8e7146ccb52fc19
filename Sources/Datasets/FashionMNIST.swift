/// Fashion-MNIST: 28 x 28 grey images of ten kinds of clothes, in MNIST's files.
///
/// H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST: a novel image dataset for benchmarking machine
/// learning algorithms", 2017 (https://github.com/zalandoresearch/fashion-mnist, MIT licence).
public enum FashionMNIST {
  /// The number of classes.
  public static let classCount = 10

  /// Where Debian's package dataset-fashion-mnist puts the files.
  private static let systemFolder = "/usr/share/datasets/fashion-mnist"

  /// Loads a part of the set.
  ///
  /// The folder is the argument, else the environment variable `L2L_DATA_DIR` unless empty, else
  /// `./data`; the files lie in its subfolder `fashion-mnist` or `FashionMNIST/raw`, in a folder that
  /// was named also in itself. Where none has them, Debian's package is used if it is installed. The
  /// folder `synthetic` stands for `SyntheticImages` of the same size.
  ///
  /// - Throws: `DatasetError.setMissing`, and every error of files that were found.
  public static func load(
    split: DatasetSplit, directory: String? = nil
  ) throws(DatasetError) -> ImageDataset {
    try load(
      split: split, directory: directory,
      environmentDirectory: DataFolder.environmentDirectory(), standardDirectory: "data",
      systemDirectory: systemFolder)
  }

  /// Loads a part of the set, with the environment variable and the folders as given.
  ///
  /// - Throws: as `load(split:directory:)`.
  package static func load(
    split: DatasetSplit, directory: String?, environmentDirectory: String?,
    standardDirectory: String, systemDirectory: String
  ) throws(DatasetError) -> ImageDataset {
    let place = DataFolder(
      argument: directory, environment: environmentDirectory, standard: standardDirectory)
    guard !place.isSynthetic else {
      return try SyntheticImages.make(
        name: "fashion-mnist", split: split, height: 28, width: 28, channels: 1)
    }
    let subfolders = ["/fashion-mnist", "/FashionMNIST/raw"]
    let own = (subfolders + (place.origin == .standard ? [] : [""])).map { place.path + $0 }
    for candidate in own + [systemDirectory] {
      if let folder = MNISTFolder(candidate, origin: place.origin) {
        return try MNIST.load(split: split, from: folder, name: "fashion-mnist")
      }
    }
    throw .setMissing(
      set: "fashion-mnist", folder: place.path, origin: place.origin,
      lookedFor: place.exists ? ["subfolder fashion-mnist"] : [])
  }
}
