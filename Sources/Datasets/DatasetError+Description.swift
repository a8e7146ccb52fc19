// Turns the facts of a `DatasetError` into one line.

internal import Platform

extension DatasetError: CustomStringConvertible {
  /// One line: what is wrong, where, and what to do.
  public var description: String {
    switch self {
    case .cannotRead(let path, let call, let code):
      return "cannot read \(quoted(path)): \(call): \(String(cString: strerror(code)));"
        + " give a file that is there and may be read"
    case .notARegularFile(let path):
      return
        "cannot read \(quoted(path)): it is not a regular file; give a file, not a folder, pipe or"
        + " device"
    case .wrongMagic(let path, let expected, let found):
      return "\(quoted(path)) is not an IDX file of unsigned bytes: its first four bytes are"
        + " \(hexadecimal(found)), not \(hexadecimal(expected)); \(again)"
    case .wrongDimensionCount(let path, let expected, let found):
      return "\(quoted(path)) has \(found) dimensions, not \(expected): image files have 3 and"
        + " label files 1, so check that the files are not mixed up"
    case .tooLarge(let path, let dimensions, let limit):
      return "\(quoted(path)) has the dimensions \(shape(dimensions)), more than"
        + " \(limit.rawValue) \(limit.words)"
    case .truncated(let path, let expected, let found):
      return "\(quoted(path)) is cut short: \(found) of \(expected) bytes are there; \(again)"
    case .trailingBytes(let path, let expected, let found):
      return "\(quoted(path)) is too long: it has \(found) bytes, and its dimensions take"
        + " \(expected); \(again)"
    case .empty(let path, let dimensions):
      return "\(quoted(path)) is empty: its dimensions are \(shape(dimensions));"
        + " use a file with at least one image"
    case .corruptGzip(let path, let offset, let detail):
      return "\(quoted(path)) is a damaged gzip file: at byte \(offset): \(detail); \(again)"
    case .outOfMemory(let path, let bytes):
      return "there is no memory for the \(bytes) bytes of \(quoted(path));"
        + " decompress it with gunzip, plain files need none"
    case .countMismatch(let imagesPath, let images, let labelsPath, let labels):
      return "\(quoted(imagesPath)) has \(images) images, but \(quoted(labelsPath)) has \(labels)"
        + " labels; use two files of the same set"
    case .labelOutOfRange(let path, let index, let label, let classCount):
      return "\(quoted(path)) has the label \(label) at index \(index): labels go from 0 to"
        + " \(classCount - 1); use a set of \(classCount) classes"
    case .wrongSize(let path, let found, let record):
      return "\(quoted(path)) has the wrong size: \(found) bytes are not a whole number of records"
        + " of \(record) bytes (a label and an image), which CIFAR-10's binary files are made of;"
        + " \(again)"
    case .recordCountMismatch(let path, let records, let otherPath, let otherRecords):
      return "\(quoted(path)) has \(records) images, but \(quoted(otherPath)) has \(otherRecords):"
        + " one of them is cut short; \(again)"
    case .cifar10Missing(let folder, let origin, let lookedFor):
      let fact =
        lookedFor.isEmpty
        ? "there is no folder \(quoted(folder)), \(origin.words)"
        : "the folder \(quoted(folder)), \(origin.words), has no \(lookedFor.joined(separator: " or "))"
      return "CIFAR-10 is not there: \(fact); fetch it with Scripts/fetch-data cifar10, or use"
        + " synthetic images with --data_dir synthetic"
    case .setMissing(let set, let folder, let origin, let lookedFor):
      let fact =
        lookedFor.isEmpty
        ? "there is no folder \(quoted(folder)), \(origin.words)"
        : "the folder \(quoted(folder)), \(origin.words), has no \(lookedFor.joined(separator: " or "))"
      return "\(set) is not there: \(fact); fetch it with Scripts/fetch-data \(set), or use"
        + " synthetic images with --data_dir synthetic"
    case .malformedMAT(let path, let offset, let reason):
      return
        "\(quoted(path)) can't be read as a MATLAB file: at byte \(offset): \(reason); \(again)"
    case .malformedTable(let path, let row, let column, let reason):
      let place =
        row == 0 ? "" : column == 0 ? "row \(row): " : "row \(row), column \(column): "
      return "\(quoted(path)) is no table of numbers: \(place)\(reason)"
    case .unfitText(let path, let reason):
      return "\(quoted(path)) can't be used as a text: \(reason)"
    case .folderMissing(let path, let origin):
      return "there is no folder \(quoted(path)), \(origin.words); name a folder that exists"
    case .filesMissing(let folder, let origin, let lookedFor):
      return "the folder \(quoted(folder)), \(origin.words), has no file"
        + " \(lookedFor.joined(separator: " or ")); name the folder that holds the data"
    }
  }

  private var again: String { "get the file again" }
}

extension SizeLimit {
  /// What is counted, and what to do.
  fileprivate var words: String {
    switch self {
    case .images: "images; use a smaller set"
    case .pixels: "pixels an image; use a set of small images"
    case .decompressedBytes: "bytes to decompress; decompress it with gunzip"
    }
  }
}

extension DataFolderOrigin {
  /// The origin as a clause.
  fileprivate var words: String {
    switch self {
    case .argument: "given as data_dir"
    case .environment: "given by L2L_DATA_DIR"
    case .standard: "used because neither data_dir nor L2L_DATA_DIR is given"
    }
  }
}

// MARK: - Words

private func quoted(_ path: String) -> String {
  let safe = path.unicodeScalars.map { $0.properties.generalCategory == .control ? "?" : $0 }
  return "'\(String(String.UnicodeScalarView(safe)))'"
}

private func hexadecimal(_ value: UInt32) -> String {
  let digits = String(value, radix: 16)
  return "0x" + String(repeating: "0", count: 8 - digits.count) + digits
}

private func shape(_ dimensions: [Int]) -> String {
  dimensions.map(String.init).joined(separator: " x ")
}
