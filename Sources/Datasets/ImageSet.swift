/// The image sets that problems can be asked for by name.
public enum ImageSet: String, Sendable, CaseIterable {
  /// Handwritten digits, 28 x 28, grey; 5,000 of them are in the program.
  case mnist
  /// Clothes, 28 x 28, grey.
  case fashionMNIST = "fashion-mnist"
  /// Things, 32 x 32, coloured.
  case cifar10
  /// House numbers, 32 x 32, coloured.
  case svhn

  /// Loads a part of the set; each set's `load` says where it is looked for.
  ///
  /// - Parameter standIn: whether something takes the place of a set that is not there: the embedded
  ///   digits for MNIST, synthetic stripes and shapes for Fashion-MNIST and CIFAR-10, synthetic numbers
  ///   for SVHN. `ImageDataset.notice` says so. A
  ///   folder that was named must exist all the same.
  /// - Throws: as the set's own `load`.
  public func load(
    split: DatasetSplit, directory: String? = nil, standIn: Bool = false
  ) throws(DatasetError) -> ImageDataset {
    do throws(DatasetError) {
      return try load(split: split, directory: directory)
    } catch {
      guard standIn, error.isMissingSet else { throw error }
      if self == .mnist { return try MNIST.loadEmbedded(split: split) }
      return try load(split: split, directory: SyntheticImages.directory)
    }
  }

  private func load(split: DatasetSplit, directory: String?) throws(DatasetError) -> ImageDataset {
    switch self {
    case .mnist: try MNIST.load(split: split, directory: directory)
    case .fashionMNIST: try FashionMNIST.load(split: split, directory: directory)
    case .cifar10: try CIFAR10.load(split: split, directory: directory)
    case .svhn: try SVHN.load(split: split, directory: directory)
    }
  }
}

extension DatasetError {
  /// Whether a set was looked for in vain, but not in a folder that somebody named and that is not
  /// there.
  fileprivate var isMissingSet: Bool {
    switch self {
    case .cifar10Missing(_, let origin, let lookedFor),
      .setMissing(_, _, let origin, let lookedFor):
      !lookedFor.isEmpty || origin == .standard
    case .filesMissing: true
    default: false
    }
  }
}
