internal import LearnedOptimizers
internal import Platform
internal import Settings

/// What an `l2l_optimizer` points to.
///
/// An optimizer, and texts about it that C may look at as long as it lives. Immutable, so that threads can
/// share it.
final class OptimizerHandle {
  let trained: TrainedOptimizer
  let net: UnsafeMutablePointer<CChar>
  let description: UnsafeMutablePointer<CChar>
  let metadata: [String: UnsafeMutablePointer<CChar>]

  init(_ trained: TrainedOptimizer) {
    self.trained = trained
    net = Self.copy(type(of: trained.rule).name)
    description = Self.copy(Self.json(trained).text)
    metadata = trained.metadata.mapValues { Self.copy($0) }
  }

  deinit {
    free(net)
    free(description)
    for text in metadata.values { free(text) }
  }

  private static func copy(_ text: String) -> UnsafeMutablePointer<CChar> {
    text.withCString { source in
      let count = strlen(source) + 1
      // As memory that C's `free` takes; none of it left ends the process, as everywhere in Swift.
      guard let memory = malloc(count) else { abort() }
      memcpy(memory, source, count)
      return memory.assumingMemoryBound(to: CChar.self)
    }
  }

  private static func json(_ trained: TrainedOptimizer) -> JSONValue {
    let inputs: [(StepInputs, String)] = [
      (.parameter, "parameter"), (.loss, "loss"), (.progress, "progress"),
    ]
    return .object([
      "net": .string(type(of: trained.rule).name), "options": .object(trained.rule.options),
      "weights": .number(Double(trained.rule.weightCount)),
      "inputs": .array(
        inputs.filter { trained.rule.inputs.contains($0.0) }.map { .string($0.1) }),
      "metadata": .object(trained.metadata.mapValues { .string($0) }),
    ])
  }

  // MARK: - Pointers

  /// Hands the handle over to C.
  static func give(
    to place: UnsafeMutablePointer<OpaquePointer?>?, _ make: () throws -> TrainedOptimizer
  ) -> Int32 {
    place?.pointee = nil
    return attempt {
      let place = try required(place, "optimizer")
      place.pointee = OpaquePointer(
        Unmanaged.passRetained(OptimizerHandle(try make())).toOpaque())
    }
  }

  /// The handle that C has.
  static func at(_ pointer: OpaquePointer?) -> OptimizerHandle? {
    pointer.map {
      Unmanaged<OptimizerHandle>.fromOpaque(UnsafeRawPointer($0)).takeUnretainedValue()
    }
  }
}
