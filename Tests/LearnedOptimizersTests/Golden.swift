import Foundation
import LearnedOptimizers
import Safetensors
import Tensors

/// A fixture of numbers from the reference program.
struct Golden {
  let file: SafetensorsFile

  init(_ name: String) throws {
    let url = Bundle.module.url(forResource: "Fixtures", withExtension: nil)
    file = try SafetensorsFile(contentsOf: (url?.path ?? "") + "/\(name).safetensors")
  }

  /// A tensor of the file.
  func callAsFunction(_ name: String) throws -> Tensor {
    guard let array = file[name] else { throw Missing(name: name) }
    return Tensor(try array.floats(), shape: Shape(array.shape))
  }

  struct Missing: Error {
    let name: String
  }
}

/// A coordinate-wise net with weights drawn for tests.
func coordinateWise(
  _ layers: [Int], _ preprocess: Preprocessing = .identity, scale: Float = 1,
  initializers: WeightInitializers = .standard, seed: UInt64 = 1
) -> CoordinateWiseDeepLSTM {
  var stream = RandomStream(seed: seed, purpose: .test)
  return CoordinateWiseDeepLSTM(
    layers: layers, preprocess: preprocess, scale: scale, initializers: initializers,
    stream: &stream)
}
