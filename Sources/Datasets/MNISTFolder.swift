/// The folder that holds the IDX files of MNIST.
///
/// The files are `train-images-idx3-ubyte`, `train-labels-idx1-ubyte`, `t10k-images-idx3-ubyte` and
/// `t10k-labels-idx1-ubyte`, also spelled with a dot before `idx`, as they are or with `.gz`; a
/// plain file is preferred. They lie in the named folder itself, in its subfolder `mnist` or
/// `MNIST/raw`; in a folder that the user named also in `fashion-mnist`. The first of these that
/// has any of the files is taken, and then it must have both files of the split: parts of different
/// sets are never mixed.
struct MNISTFolder {
  /// The folder where the files are.
  let path: String
  private let origin: DataFolderOrigin

  /// Finds the folder; nil means the embedded subset.
  ///
  /// - Throws: `DatasetError.folderMissing` or `filesMissing` unless the folder is the standard
  ///   one.
  init?(in folder: DataFolder) throws(DatasetError) {
    origin = folder.origin
    guard origin == .standard || folder.exists else {
      throw .folderMissing(path: folder.path, origin: origin)
    }
    guard let found = Self.firstCandidate(in: folder.path, origin: origin) else {
      guard origin != .standard else { return nil }
      let lookedFor = DatasetSplit.allCases.flatMap { Self.stems(of: $0) }.map { $0 + "[.gz]" }
      throw .filesMissing(folder: folder.path, origin: origin, lookedFor: lookedFor)
    }
    path = found
  }

  /// The folder itself, if it has any of the files.
  init?(_ path: String, origin: DataFolderOrigin) {
    guard Self.hasFiles(path) else { return nil }
    self.path = path
    self.origin = origin
  }

  /// The paths of the files of a split.
  ///
  /// - Throws: `DatasetError.filesMissing` with the names of the file that is not there.
  func paths(of split: DatasetSplit) throws(DatasetError) -> (images: String, labels: String) {
    var found: [String] = []
    for stem in Self.stems(of: split) {
      let names = Self.spellings(of: stem)
      guard let path = names.map({ "\(path)/\($0)" }).first(where: DataFolder.isFile) else {
        throw .filesMissing(folder: path, origin: origin, lookedFor: names)
      }
      found.append(path)
    }
    return (found[0], found[1])
  }
}

// MARK: - Names

extension MNISTFolder {
  /// The names of the image file and of the label file.
  private static func stems(of split: DatasetSplit) -> [String] {
    let prefix = split == .train ? "train" : "t10k"
    return ["\(prefix)-images-idx3-ubyte", "\(prefix)-labels-idx1-ubyte"]
  }

  /// The names that a file may have, the preferred one first.
  private static func spellings(of stem: String) -> [String] {
    let dotted =
      stem.hasSuffix("-idx3-ubyte")
      ? stem.dropLast("-idx3-ubyte".count) + ".idx3-ubyte"
      : stem.dropLast("-idx1-ubyte".count) + ".idx1-ubyte"
    return [stem, String(dotted), stem + ".gz", dotted + ".gz"]
  }

  private static func firstCandidate(in folder: String, origin: DataFolderOrigin) -> String? {
    // Fashion in place of digits would be a surprise unless the user has named the folder.
    let subfolders =
      ["", "/mnist", "/MNIST/raw"] + (origin == .standard ? [] : ["/fashion-mnist"])
    return subfolders.map { folder + $0 }.first(where: hasFiles)
  }

  private static func hasFiles(_ folder: String) -> Bool {
    let names = DatasetSplit.allCases.flatMap { stems(of: $0) }.flatMap { spellings(of: $0) }
    return names.contains { DataFolder.isFile("\(folder)/\($0)") }
  }
}
