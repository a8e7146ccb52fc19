internal import Tensors

// The second kind of synthetic images: digits in front of coloured grounds, in place of SVHN.
extension SyntheticImages {
  /// What such an image is.
  static let numbers = "handwritten digits between others on coloured grounds"

  private static let side = 32
  private static let channels = 3

  /// Draws a part of the set; the classes take turns.
  ///
  /// Each image shows one of MNIST's embedded digits of the same split, a bit larger or smaller and off
  /// the centre, with parts of two others at its sides, as house numbers cut out digit by digit have.
  /// Colours of figure and ground, their contrast and its sign, a slope of brightness and noise are
  /// random. The same on all machines and in all runs.
  ///
  /// - Throws: never, unless the program file is damaged.
  static func numbers(name: String, split: DatasetSplit) throws(DatasetError) -> ImageDataset {
    let digits = try Digits(split: split)
    return try drawn(
      name: name, kind: "synthetic numbers", split: split, shape: (side, side, channels),
      epochs: (train: 2, test: 3)
    ) { digit, stream, image in draw(digit, digits, &stream, into: image) }
  }

  private static func draw(
    _ digit: Int, _ digits: Digits, _ stream: inout RandomStream,
    into image: UnsafeMutableBufferPointer<UInt8>
  ) {
    func draw(_ low: Float, _ high: Float) -> Float { low + (high - low) * stream.nextUniform() }
    let scale = 28 / draw(24, 34)
    let center = (x: draw(-2, 2), y: draw(-2, 2))
    let spread = draw(15, 22)
    let figures: [(pixels: [UInt8], x: Float, y: Float)] = [
      (digits.draw(digit, &stream), center.x, center.y),
      (digits.draw(stream.nextInteger(below: classCount), &stream), center.x - spread, center.y),
      (digits.draw(stream.nextInteger(below: classCount), &stream), center.x + spread, center.y),
    ]
    let sign: Float = stream.nextUniform() < 0.6 ? 1 : -1
    let contrast = sign * draw(0.15, 0.5)
    let grounds = (0..<channels).map { _ in draw(0.3, 0.7) }
    let contrasts = (0..<channels).map { _ in contrast * draw(0.5, 1) }
    let slope = (x: draw(-0.008, 0.008), y: draw(-0.008, 0.008))
    let noise = draw(0.05, 0.3)
    for row in 0..<side {
      let y = Float(row) - 15.5
      for column in 0..<side {
        let x = Float(column) - 15.5
        var ink: Float = 0
        for figure in figures {
          let value = Digits.value(
            figure.pixels, (x - figure.x) * scale + 13.5, (y - figure.y) * scale + 13.5)
          ink = max(ink, value)
        }
        let shade = slope.x * x + slope.y * y
        for channel in 0..<channels {
          let grain = noise * (stream.nextUniform() - 0.5)
          let value = grounds[channel] + shade + contrasts[channel] * ink + grain
          image[(row * side + column) * channels + channel] =
            UInt8(min(max(value, 0), 1) * 255 + 0.5)
        }
      }
    }
  }
}

/// The embedded digits, by class.
private struct Digits {
  private let set: ImageDataset
  private let places: [[Int]]

  init(split: DatasetSplit) throws(DatasetError) {
    let set = try MNIST.loadEmbedded(split: split)
    self.set = set
    places = (0..<set.classCount).map { digit in
      (0..<set.count).filter { set.label(at: $0) == digit }
    }
  }

  func draw(_ digit: Int, _ stream: inout RandomStream) -> [UInt8] {
    set.pixels(at: places[digit][stream.nextInteger(below: places[digit].count)])
  }

  /// The ink at a place between pixels, from 0 to 1, 0 outside the image.
  static func value(_ pixels: [UInt8], _ x: Float, _ y: Float) -> Float {
    let (left, top) = (x.rounded(.down), y.rounded(.down))
    func pixel(_ column: Float, _ row: Float) -> Float {
      guard (0..<28).contains(column), (0..<28).contains(row) else { return 0 }
      return Float(pixels[Int(row) * 28 + Int(column)])
    }
    let (u, v) = (x - left, y - top)
    let upper = pixel(left, top) + (pixel(left + 1, top) - pixel(left, top)) * u
    let lower = pixel(left, top + 1) + (pixel(left + 1, top + 1) - pixel(left, top + 1)) * u
    return (upper + (lower - upper) * v) * (1 / 255)
  }
}
