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
  /// There are more images than can be numbered, more pixels in one than any image has, or a gzipped
  /// file promises more bytes than are decompressed.
  case tooLarge(path: String, dimensions: [Int], limit: SizeLimit)
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
  /// The folder, or the file names in it, that another set was looked for in vain; no names when there
  /// is no such folder.
  case setMissing(set: String, folder: String, origin: DataFolderOrigin, lookedFor: [String])
  /// A MATLAB file is not what it should be; `offset` counts bytes.
  case malformedMAT(path: String, offset: Int, reason: String)
  /// A table can't be used; rows and columns count from 1, 0 where none is to blame.
  case malformedTable(path: String, row: Int, column: Int, reason: String)
  /// A text can't be used.
  case unfitText(path: String, reason: String)
  /// The folder does not exist, or something else has its name.
  case folderMissing(path: String, origin: DataFolderOrigin)
  /// The folder has no file with one of these names.
  case filesMissing(folder: String, origin: DataFolderOrigin, lookedFor: [String])
}

/// What a data set may have at most.
///
/// Far beyond every set of small images: a file that promises more is damaged or hostile, and a
/// gzipped one of a few megabytes could ask for gigabytes of every process.
public enum SizeLimit: Int, Sendable {
  /// Images of a set.
  case images = 0x7fff_ffff
  /// Pixels of an image.
  case pixels = 0x10_0000
  /// Bytes that a gzipped file is decompressed to; plain files are mapped and take no memory.
  case decompressedBytes = 0x4000_0000
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
