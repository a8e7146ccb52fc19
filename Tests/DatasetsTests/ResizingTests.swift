import Datasets
import Testing

@Suite("Resized images")
struct ResizingTests {
  /// A pixel of the resized image in double precision: the old image is a function that is linear
  /// between pixel centres and constant beyond the outer ones.
  private func naive(
    _ set: ImageDataset, _ index: Int, row: Int, column: Int, of size: (Int, Int)
  ) -> [Double] {
    let pixels = set.pixels(at: index).map { Double($0) / 255 }
    func places(_ position: Int, _ count: Int, _ extent: Int) -> [(Int, Double)] {
      let place = (Double(position) + 0.5) * Double(extent) / Double(count) - 0.5
      let inside = min(max(place, 0), Double(extent - 1))
      let low = Int(inside)
      return [(low, 1 - (inside - Double(low))), (min(low + 1, extent - 1), inside - Double(low))]
    }
    return (0..<set.channels).map { channel in
      places(row, size.0, set.height).reduce(0.0) { sum, y in
        sum
          + places(column, size.1, set.width).reduce(0.0) { sum, x in
            sum + y.1 * x.1 * pixels[(y.0 * set.width + x.0) * set.channels + channel]
          }
      }
    }
  }

  @Test(
    "pixels are interpolated at half-pixel centres, up and down, and colours averaged",
    arguments: [(8, 8), (5, 7), (1, 1), (12, 9), (6, 4), (13, 3)])
  func formula(size: (Int, Int)) throws {
    for channels in [1, 3] {
      let set = try ImageDataset(
        name: "example", source: "test", height: 6, width: 9, channels: channels, classCount: 10,
        pixels: pattern(4 * 54 * channels), labels: [1, 2, 3, 4])
      for isGrey in [true, false] {
        let small = set.resized(height: size.0, width: size.1, isGrey: isGrey)
        #expect(small.height == size.0 && small.width == size.1)
        #expect(small.channels == (isGrey ? 1 : channels))
        #expect(small.allLabels == set.allLabels)
        let images = small.gather([3, 0]).images
        for (position, index) in [3, 0].enumerated() {
          for row in 0..<size.0 {
            for column in 0..<size.1 {
              var truth = naive(set, index, row: row, column: column, of: size)
              if isGrey { truth = [truth.reduce(0, +) / Double(truth.count)] }
              for (channel, value) in truth.enumerated() {
                let place =
                  ((position * size.0 + row) * size.1 + column) * truth.count + channel
                #expect(abs(Double(images[place]) - value) < 1e-6)
              }
            }
          }
        }
      }
    }
  }

  @Test("a set is resized once, for all who ask, and not at all for its own size")
  func sharing() throws {
    let set = try MNIST.loadEmbedded(split: .test)
    let copy = set
    let first = set.resized(height: 8, width: 8)
    let second = copy.resized(height: 8, width: 8, isGrey: true)
    #expect(first.contentHash() == second.contentHash())
    #expect(first.isSame(as: second) && !first.isSame(as: set.resized(height: 7, width: 8)))
    #expect(set.resized(height: 28, width: 28).isSame(as: set))
    // Which notice is due does not change.
    #expect(first.notice == set.notice)
  }

  @Test("hashes and bytes of resized images are those of their values")
  func bytes() throws {
    let set = try ImageDataset(
      name: "example", source: "test", height: 2, width: 2, channels: 1, classCount: 10,
      pixels: [0, 100, 200, 255, 0, 100, 200, 254], labels: [0, 1])
    let small = set.resized(height: 1, width: 1)
    #expect(small.pixels(at: 0) == [139] && small.pixels(at: 1) == [139])
    let other = try ImageDataset(
      name: "example", source: "test", height: 2, width: 2, channels: 1, classCount: 10,
      pixels: [0, 100, 200, 255, 0, 100, 200, 253], labels: [0, 1])
    #expect(small.contentHash() != other.resized(height: 1, width: 1).contentHash())
  }
}
