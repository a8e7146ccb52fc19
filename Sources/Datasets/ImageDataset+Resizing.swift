import Synchronization

// Images of another size, as the small tasks of learned optimizers use them.
extension ImageDataset {
  /// The set with images of another size, grey or as they are.
  ///
  /// A pixel is interpolated between the four around its place, at half-pixel centres and without
  /// antialiasing, as tf.image.resize does by default; colours are averaged to grey. Values are kept
  /// as floats from 0 to 1, not rounded to bytes.
  ///
  /// Made once and then shared by all who ask the same of this set or of a copy of it.
  ///
  /// - Precondition: sizes above 0.
  /// - Complexity: the first time one pass over the set; 4 bytes a value are kept.
  public func resized(height: Int, width: Int, isGrey: Bool = false) -> ImageDataset {
    precondition(height > 0 && width > 0, "images of \(height) x \(width)")
    let channels = isGrey ? 1 : self.channels
    guard (height, width, channels) != (self.height, self.width, self.channels) else {
      return self
    }
    return derived.set(height: height, width: width, channels: channels) {
      makeResized(height: height, width: width, channels: channels)
    }
  }

  /// Whether both share their bytes.
  package func isSame(as other: ImageDataset) -> Bool {
    runs.count == other.runs.count
      && zip(runs, other.runs).allSatisfy { $0.pixels.storage === $1.pixels.storage }
  }

  private func makeResized(height: Int, width: Int, channels: Int) -> ImageDataset {
    let rows = Interpolation.along(self.height, to: height)
    let columns = Interpolation.along(self.width, to: width)
    let size = height * width * channels
    let values = [Float](unsafeUninitializedCapacity: count * size) { buffer, written in
      var source = [Float](repeating: 0, count: pixelsPerImage)
      var label: Int32 = 0
      for index in 0..<count {
        withUnsafePointer(to: Int32(index)) { index in
          source.withUnsafeMutableBufferPointer { source in
            withUnsafeMutablePointer(to: &label) { label in
              gather(
                UnsafeBufferPointer(start: index, count: 1), images: source,
                labels: UnsafeMutableBufferPointer(start: label, count: 1))
            }
          }
        }
        interpolate(
          source, rows, columns, channels: channels,
          into: UnsafeMutableBufferPointer(rebasing: buffer[index * size..<(index + 1) * size]))
      }
      written = count * size
    }
    return ImageDataset(
      floats: values, of: self, shape: (height: height, width: width, channels: channels))
  }

  private func interpolate(
    _ source: [Float], _ rows: [Interpolation], _ columns: [Interpolation], channels: Int,
    into target: UnsafeMutableBufferPointer<Float>
  ) {
    var position = 0
    for row in rows {
      for column in columns {
        var sum: Float = 0
        for channel in 0..<self.channels {
          func value(_ y: Int, _ x: Int) -> Float {
            source[(y * width + x) * self.channels + channel]
          }
          let top = column.between(value(row.low, column.low), value(row.low, column.high))
          let bottom = column.between(value(row.high, column.low), value(row.high, column.high))
          let result = row.between(top, bottom)
          if channels == self.channels {
            target[position] = result
            position += 1
          } else {
            sum += result
          }
        }
        if channels != self.channels {
          target[position] = sum / Float(self.channels)
          position += 1
        }
      }
    }
  }
}

/// The two places that a new pixel is interpolated between along one axis.
private struct Interpolation {
  let low: Int
  let high: Int
  let weight: Float

  /// One for each of `count` new pixels over `extent` old ones, centre over centre.
  static func along(_ extent: Int, to count: Int) -> [Interpolation] {
    let scale = Float(extent) / Float(count)
    return (0..<count).map { index in
      let place = (Float(index) + 0.5) * scale - 0.5
      let floor = place.rounded(.down)
      return Interpolation(
        low: max(Int(floor), 0), high: min(Int(place.rounded(.up)), extent - 1),
        weight: place - floor)
    }
  }

  func between(_ a: Float, _ b: Float) -> Float { a + (b - a) * weight }
}

/// Sets that were made of one set, for whoever asks for them again.
///
/// A class because copies of a set share it.
final class DerivedSets: Sendable {
  private struct Key: Hashable {
    let height: Int
    let width: Int
    let channels: Int
  }

  private let sets = Mutex<[Key: ImageDataset]>([:])

  /// The set of this shape, made by `make` unless it is there.
  func set(height: Int, width: Int, channels: Int, make: () -> ImageDataset) -> ImageDataset {
    let key = Key(height: height, width: width, channels: channels)
    // Others wait: making it twice would take as long, and twice the memory.
    return sets.withLock { sets in
      if let set = sets[key] { return set }
      let set = make()
      sets[key] = set
      return set
    }
  }
}
