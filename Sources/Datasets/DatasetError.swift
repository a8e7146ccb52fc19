/// What can go wrong with a data set, as facts.
///
/// The sentence for people is made in `DatasetError+Description.swift`.
public enum DatasetError: Error, Equatable, Sendable {
  /// A system call failed while reading; `code` is its `errno`.
  case cannotRead(path: String, call: String, code: Int32)
  /// The path leads to a folder, a pipe or a device.
  case notARegularFile(path: String)
  /// The first four bytes are not those of an IDX file of unsigned bytes.
  case wrongMagic(path: String, expected: UInt32, found: UInt32)
  /// An IDX file of bytes has another number of dimensions: images have three, labels one.
  case wrongDimensionCount(path: String, expected: Int, found: Int)
  /// The product of the dimensions does not fit 63 bits.
  case dimensionsOverflow(path: String, dimensions: [Int])
  /// The file, decompressed if it was gzipped, ends before its content does.
  case truncated(path: String, expected: Int, found: Int)
  /// The file, decompressed if it was gzipped, goes on after its content.
  case trailingBytes(path: String, expected: Int, found: Int)
  /// A dimension is zero.
  case empty(path: String, dimensions: [Int])
  /// A gzip stream is broken; `offset` counts compressed bytes.
  case corruptGzip(path: String, offset: Int, detail: String)
  /// There is no memory for the decompressed bytes.
  case outOfMemory(path: String, bytes: Int)
  /// The number of images is not the number of labels.
  case countMismatch(imagesPath: String, images: Int, labelsPath: String, labels: Int)
  /// A label is not below the number of classes; `index` counts from 0.
  case labelOutOfRange(path: String, index: Int, label: Int, classCount: Int)
  /// A file of records is not a whole number of records, or has none.
  case wrongSize(path: String, found: Int, record: Int)
  /// Two files of records that belong together have different numbers of them.
  case recordCountMismatch(path: String, records: Int, otherPath: String, otherRecords: Int)
  /// The folder, or the file names in it, that CIFAR-10 was looked for in vain; no names when there
  /// is no such folder.
  case cifar10Missing(folder: String, origin: DataFolderOrigin, lookedFor: [String])
  /// The folder does not exist, or something else has its name.
  case folderMissing(path: String, origin: DataFolderOrigin)
  /// The folder has no file with one of these names.
  case filesMissing(folder: String, origin: DataFolderOrigin, lookedFor: [String])
}

/// Who named the folder that data was looked for in.
public enum DataFolderOrigin: Equatable, Sendable {
  /// The caller: the command line's `--data_dir`.
  case argument
  /// The environment variable `L2L_DATA_DIR`.
  case environment
  /// Nobody: it is the folder `data` in the current folder.
  case standard
}
