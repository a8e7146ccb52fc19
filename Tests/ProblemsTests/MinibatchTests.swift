import Datasets
import Layers
import Problems
import Tensors
import Testing

@Suite("Minibatches")
struct MinibatchTests {
  private let stream = RandomStream(seed: 3, purpose: .minibatch, epoch: 1, step: 2)

  @Test("the same stream draws the same minibatch, another one another")
  func determinism() throws {
    let source = MinibatchSource.sampled(try MNIST.loadEmbedded(split: .train), batchSize: 32)
    var a = stream
    var b = stream
    var c = RandomStream(seed: 3, purpose: .minibatch, epoch: 1, step: 3)
    let first = source.draw(&a)
    let again = source.draw(&b)
    let other = source.draw(&c)
    #expect(first.images.elements == again.images.elements)
    #expect(first.labels == again.labels)
    #expect(first.images.elements != other.images.elements)
    #expect(source.draw(&a).images.elements != first.images.elements)
  }

  @Test("a minibatch has whole images of the data set with pixels in 0...1 and their labels")
  func contents() throws {
    let dataset = try MNIST.loadEmbedded(split: .test)
    let source = MinibatchSource.sampled(dataset, batchSize: 500)
    var stream = self.stream
    let batch = source.draw(&stream)
    #expect(source.imageShape == [28, 28, 1])
    #expect(batch.images.shape == [500, 28, 28, 1])
    #expect(batch.labels.count == 500)
    #expect(batch.images.elements.allSatisfy { (0...1).contains($0) })
    #expect(Set(batch.labels) == Set(0..<10))
    let all = dataset.gather((0..<Int32(dataset.count)).map { $0 })
    let rows = Set(
      (0..<dataset.count).map {
        Array(all.images[$0 * 784..<($0 + 1) * 784]) + [Float(all.labels[$0])]
      })
    let drawn = (0..<500).map {
      Array(batch.images.elements[$0 * 784..<($0 + 1) * 784]) + [Float(batch.labels[$0])]
    }
    #expect(drawn.allSatisfy { rows.contains($0) })
    // Drawn with replacement from 1,000: about 1000 (1 - e^-0.5) = 393 different ones.
    #expect((350...430).contains(Set(drawn).count))
  }

  @Test("an optimizee that sees some images draws all of them and no others, around the end too")
  func someImages() throws {
    let dataset = try MNIST.loadEmbedded(split: .test)
    let source = MinibatchSource.sampled(dataset, batchSize: 300, images: 30)
    #expect(source.constants.map(\.name) == ["first_image"])
    #expect(MinibatchSource.sampled(dataset, batchSize: 300).constants.isEmpty)
    for first in [Float(0), 0.3, 0.99] {
      var stream = self.stream
      let batch = source.draw(&stream, constants: [Tensor([first])])
      let start = Int(Double(first) * 1000)
      let seen = dataset.gather((0..<30).map { Int32((start + $0) % 1000) })
      let rows = Set((0..<30).map { Array(seen.images[$0 * 784..<($0 + 1) * 784]) })
      let drawn = Set(
        (0..<300).map { Array(batch.images.elements[$0 * 784..<($0 + 1) * 784]) })
      // The chance that 300 draws miss one of 30 is 30 (29/30)^300 = 0.1%, and the stream is fixed.
      #expect(drawn == rows)
    }
  }

  @Test("a fixed batch is the same at every evaluation and draws nothing")
  func fixed() throws {
    let batch = try ImageBatch(images: Tensor([0, 0.5, 1, 0.25], shape: [2, 2]), labels: [9, 0])
    let source = MinibatchSource.fixed(batch)
    #expect(source.imageShape == [2])
    var stream = self.stream
    var untouched = self.stream
    for _ in 0..<2 {
      let drawn = source.draw(&stream)
      #expect(drawn.images.elements == [0, 0.5, 1, 0.25])
      #expect(drawn.labels == [9, 0])
    }
    #expect(stream.nextBits() == untouched.nextBits())
  }

  @Test("images and labels that don't fit together are an error")
  func invalidBatches() {
    let images = Tensor.zeros([2, 4])
    #expect(throws: ProblemError.self) { try ImageBatch(images: images, labels: [1]) }
    #expect(throws: ProblemError.self) { try ImageBatch(images: images, labels: [1, 2, 3]) }
    #expect(throws: ProblemError.self) { try ImageBatch(images: images, labels: [1, 10]) }
    #expect(throws: ProblemError.self) { try ImageBatch(images: images, labels: [-1, 1]) }
    #expect(throws: ProblemError.self) {
      try ImageBatch(images: images, labels: [0, 3], classes: 3)
    }
    #expect(throws: ProblemError.self) { try ImageBatch(images: .zeros([0, 4]), labels: []) }
    #expect(throws: ProblemError.self) {
      try ImageBatch(images: .zeros([4]), labels: [1, 2, 3, 4])
    }
    #expect(throws: ProblemError.self) { try ImageBatch(images: Tensor(0), labels: [1]) }
    #expect(
      throws: ProblemError.invalidBatch(reason: "there are 2 images but 1 labels")
    ) { try ImageBatch(images: images, labels: [1]) }
    #expect(throws: Never.self) { try ImageBatch(images: .zeros([2, 3, 3, 1]), labels: [0, 9]) }
  }
}
