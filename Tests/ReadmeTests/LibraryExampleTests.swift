import Foundation
import LearnedOptimizers
import Tensors
import Testing

@Suite("The README's library example")
struct LibraryExampleTests {
  private let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  @Test("the README shows the code that these tests compile")
  func readmeShowsCompiledCode() throws {
    let example = try String(
      contentsOf: root.appendingPathComponent("Tests/ReadmeTests/LibraryExample.swift"),
      encoding: .utf8)
    let readme = try String(contentsOf: root.appendingPathComponent("README.md"), encoding: .utf8)
    let code = try #require(
      example.components(separatedBy: "// README begins\n").last?
        .components(separatedBy: "// README ends").first)
    #expect(readme.contains("```swift\n\(code)```"))
  }

  @Test("it works at once, with the optimizer that comes with the package")
  func pretrained() throws {
    let start: [Float] = [0, 0.5, -0.5, 1.5]
    let x = try minimize(from: start, steps: 100)
    func loss(_ x: [Float]) -> Float { x.reduce(0) { $0 + ($1 - 1) * ($1 - 1) } }
    #expect(loss(x) < 0.1 * loss(start), "\(x)")
  }

  @Test("it loads an optimizer and steps parameters as the formula says")
  func stepsParameters() throws {
    // A net without layers is linear: an update is w g + b, here gradient descent with rate 0.1.
    let net = TrainedOptimizer(
      CoordinateWiseDeepLSTM(layers: []),
      weights: NamedTensors(
        names: ["linear/w", "linear/b"], tensors: [Tensor([-0.1], shape: [1, 1]), Tensor([0])]))
    let path = NSTemporaryDirectory() + "l2l-readme-\(UUID().uuidString).safetensors"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try net.write(to: path)
    let x = try minimize(from: [0, 2, 5], steps: 3, own: TrainedOptimizer(contentsOf: path))
    // Each step multiplies the distance to 1 by 0.8; float32 rounds each of three steps.
    for (value, start) in zip(x, [Float(0), 2, 5]) {
      #expect(abs(value - (1 + (start - 1) * 0.512)) < 1e-5)
    }
  }
}
