internal import Tensors

/// Images drawn by formulas in place of a data set that is not there: ten classes of textures and
/// shapes.
///
/// A class is a structure: stripes in one of four directions, a checkerboard, rings, a disc, a
/// square, a cross or a frame. All else is random in every image: place or phase, size or period,
/// angle within a few degrees, colours of figure and ground, contrast and its sign, a slope of
/// brightness, and noise. So no pixel, colour or mean brightness gives a class away, and no two
/// images are alike. Phases cover a bit more than half a turn and figures are bright more often
/// than dark, so that a perceptron without convolutions can learn something too.
///
/// With Adam at its best of a few learning rates, 100 steps bring a net with conv_channels=8,8 and
/// linear_layers=16 at batch_size=32 from ln 10 = 2.30 to 0.3, mnist's default perceptron to 2.0.
///
/// A set is the same on all machines and in all runs: the numbers come from a random stream of a
/// fixed seed, and only arithmetic that IEEE 754 fixes to the last bit is used (hence the sine of
/// its own). Train and test are different draws.
public enum SyntheticImages {
  /// The `data_dir` that stands for synthetic images.
  public static let directory = "synthetic"

  /// The number of classes.
  public static let classCount = 10

  /// What to tell the user whenever synthetic images are used.
  static func notice(for name: String) -> String {
    let kind = name == "svhn" ? numbers : "ten classes of stripes and shapes"
    let place = ["mnist", "cifar10"].contains(name) ? "" : " in place of \(name)"
    return "using synthetic images\(place) (\(kind), 5,000 to train, 1,000 to test):"
      + " losses say nothing about the real data set"
  }

  static let seed: UInt64 = 20_160_614

  /// Draws a part of the set; the classes take turns.
  ///
  /// - Throws: never for sizes above 0.
  static func make(
    name: String, split: DatasetSplit, height: Int, width: Int, channels: Int
  ) throws(DatasetError) -> ImageDataset {
    try drawn(
      name: name, kind: "synthetic images", split: split, shape: (height, width, channels),
      epochs: (train: 0, test: 1)
    ) { label, stream, image in
      var scene = SyntheticScene(
        structure: .allCases[label], channels: channels, stream: stream)
      scene.draw(into: image, height: height, width: width)
    }
  }

  /// A part of a set whose images are drawn one by one, each from a random stream of its own; the
  /// classes take turns.
  ///
  /// - Parameters:
  ///   - kind: what the images are, as the source that reports name.
  ///   - epochs: which streams the two parts draw from.
  static func drawn(
    name: String, kind: String, split: DatasetSplit,
    shape: (height: Int, width: Int, channels: Int), epochs: (train: Int, test: Int),
    draw: (_ label: Int, inout RandomStream, UnsafeMutableBufferPointer<UInt8>) -> Void
  ) throws(DatasetError) -> ImageDataset {
    let count = split == .train ? 5000 : 1000
    let size = shape.height * shape.width * shape.channels
    let pixels = [UInt8](unsafeUninitializedCapacity: count * size) { buffer, written in
      for index in 0..<count {
        var stream = RandomStream(
          seed: seed, purpose: .data, epoch: split == .train ? epochs.train : epochs.test,
          instance: index)
        draw(
          index % classCount, &stream,
          UnsafeMutableBufferPointer(rebasing: buffer[(index * size)..<((index + 1) * size)]))
      }
      written = count * size
    }
    return try ImageDataset(
      name: name, source: "\(kind) (\(split.rawValue))", origin: .synthetic, shape: shape,
      classCount: classCount,
      runs: [
        ImageRun(
          count: count,
          pixels: ByteRun(storage: ByteStorage(copying: pixels), first: 0, stride: size),
          labels: ByteRun(
            storage: ByteStorage(copying: (0..<count).map { UInt8($0 % classCount) }), first: 0,
            stride: 1),
          labelsPath: kind)
      ])
  }
}
