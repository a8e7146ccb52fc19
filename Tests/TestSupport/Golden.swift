package import Foundation
package import Safetensors
package import Tensors

/// A fixture of numbers from the reference program.
package struct Golden {
  /// The whole fixture.
  package let file: SafetensorsFile

  /// The fixture of this name among a test target's resources, its `Bundle.module`.
  package init(_ name: String, in bundle: Bundle) throws {
    let url = bundle.url(forResource: "Fixtures", withExtension: nil)
    file = try SafetensorsFile(contentsOf: (url?.path ?? "") + "/\(name).safetensors")
  }

  /// A tensor of the file.
  package func callAsFunction(_ name: String) throws -> Tensor {
    guard let array = file[name] else { throw Missing(name: name) }
    return Tensor(try array.floats(), shape: Shape(array.shape))
  }

  private struct Missing: Error {
    let name: String
  }
}
