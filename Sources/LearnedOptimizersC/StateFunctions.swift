internal import CL2L
internal import LearnedOptimizers
internal import Safetensors
internal import Tensors

// Documented in l2l.h. An `l2l_state` points to an `InPlaceStepper`.

private func stepper(at pointer: OpaquePointer?) throws(CallFault) -> InPlaceStepper {
  Unmanaged<InPlaceStepper>.fromOpaque(UnsafeRawPointer(try required(pointer, "state")))
    .takeUnretainedValue()
}

/// Makes the state of tensors.
@_cdecl("l2l_state_make")
public func makeState(
  _ optimizer: OpaquePointer?, _ tensorCount: Int, _ ranks: UnsafePointer<Int32>?,
  _ extents: UnsafePointer<Int64>?, _ plannedSteps: Int64,
  _ state: UnsafeMutablePointer<OpaquePointer?>?
) -> Int32 {
  state?.pointee = nil
  return attempt {
    let state = try required(state, "state")
    let handle = try required(OptimizerHandle.at(optimizer), "optimizer")
    guard (1...1 << 24).contains(tensorCount) else {
      throw CallFault.argument("tensor_count is \(tensorCount); it must be at least 1")
    }
    let shapes = try shapes(tensorCount, try required(ranks, "ranks"), extents)
    let stepper = try InPlaceStepper(
      handle.trained, shapes: shapes, plannedSteps: try planned(plannedSteps))
    state.pointee = OpaquePointer(Unmanaged.passRetained(stepper).toOpaque())
  }
}

private func shapes(
  _ count: Int, _ ranks: UnsafePointer<Int32>, _ extents: UnsafePointer<Int64>?
) throws -> [Shape] {
  var axis = 0
  return try (0..<count).map { index in
    guard (0...Shape.maximumRank).contains(Int(ranks[index])) else {
      throw CallFault.argument(
        "tensor \(index) has the rank \(ranks[index]); it must be from 0 to \(Shape.maximumRank)")
    }
    let extents = try (0..<Int(ranks[index])).map { position in
      Int(try required(extents, "extents")[axis + position])
    }
    axis += extents.count
    guard Shape.isValid(extents) else {
      throw CallFault(
        L2L_ERROR_SHAPE,
        "tensor \(index) can't have the shape \(extents): lengths are not negative, and a tensor"
          + " has at most \(Int32.max) elements")
    }
    return Shape(extents)
  }
}

private func planned(_ steps: Int64) throws(CallFault) -> Int? {
  guard steps >= 0, steps <= 1 << 40 else {
    throw .argument("planned_steps is \(steps); give 0 when the number is not known")
  }
  return steps == 0 ? nil : Int(steps)
}

/// Takes one step.
@_cdecl("l2l_state_step")
public func step(
  _ state: OpaquePointer?, _ parameters: UnsafePointer<UnsafeMutablePointer<Float>?>?,
  _ gradients: UnsafePointer<UnsafePointer<Float>?>?, _ loss: UnsafePointer<Float>?
) -> Int32 {
  attempt {
    let stepper = try stepper(at: state)
    let parameters = try required(parameters, "parameters")
    let gradients = try required(gradients, "gradients")
    let places = try stepper.shapes.indices.map { index in
      // A tensor without elements needs no memory: any address will do.
      if stepper.shapes[index].count == 0 { return InPlaceStepper.Place.nowhere }
      let target = try required(parameters[index], "parameters[\(index)]")
      let gradient = try required(gradients[index], "gradients[\(index)]")
      let addresses = UInt(bitPattern: target) | UInt(bitPattern: gradient)
      guard addresses % UInt(MemoryLayout<Float>.alignment) == 0 else {
        throw CallFault.argument("tensor \(index) or its gradient is at no address of a float")
      }
      guard UnsafePointer(target) != gradient else {
        throw CallFault.argument("parameters[\(index)] and gradients[\(index)] are the same memory")
      }
      return InPlaceStepper.Place(parameters: target, gradient: gradient)
    }
    guard try stepper.step(places, loss: loss?.pointee) else {
      throw CallFault(
        L2L_ERROR_DIVERGED,
        "a parameter is NaN or infinite after step \(stepper.stepCount); go back to a saved state"
          + " and saved parameters, and lower the learning rate")
    }
  }
}

/// How many steps were taken.
@_cdecl("l2l_state_step_count")
public func stateStepCount(_ state: OpaquePointer?) -> Int64 {
  (try? stepper(at: state)).map { Int64($0.stepCount) } ?? -1
}

/// Changes how many steps there will be.
@_cdecl("l2l_state_set_planned_steps")
public func setPlannedSteps(_ state: OpaquePointer?, _ plannedSteps: Int64) -> Int32 {
  attempt { try stepper(at: state).plannedSteps = try planned(plannedSteps) }
}

/// Changes an option.
@_cdecl("l2l_state_set_option")
public func setOption(_ state: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: Double)
  -> Int32
{
  attempt { try stepper(at: state).setOption(try text(name, "name"), to: value) }
}

/// Forgets all steps.
@_cdecl("l2l_state_reset")
public func resetState(_ state: OpaquePointer?) -> Int32 {
  attempt { try stepper(at: state).reset() }
}

/// The bytes that saving takes.
@_cdecl("l2l_state_saved_size")
public func savedStateSize(_ state: OpaquePointer?, _ size: UnsafeMutablePointer<Int>?) -> Int32 {
  attempt {
    let bytes = try stepper(at: state).savedState.serialized()
    try required(size, "size").pointee = bytes.count
  }
}

/// Writes the state into a buffer.
@_cdecl("l2l_state_save")
public func saveState(
  _ state: OpaquePointer?, _ buffer: UnsafeMutableRawPointer?, _ capacity: Int,
  _ size: UnsafeMutablePointer<Int>?
) -> Int32 {
  attempt {
    let bytes = try stepper(at: state).savedState.serialized()
    size?.pointee = bytes.count
    // A capacity beyond what an Int holds looks negative, and is enough.
    guard capacity >= bytes.count || capacity < 0 else {
      throw CallFault(
        L2L_ERROR_SIZE, "the state takes \(bytes.count) bytes, the buffer has \(capacity)")
    }
    try required(buffer, "buffer").copyMemory(from: bytes, byteCount: bytes.count)
  }
}

/// Goes on from a saved state.
@_cdecl("l2l_state_restore")
public func restoreState(_ state: OpaquePointer?, _ bytes: UnsafeRawPointer?, _ size: Int) -> Int32
{
  attempt {
    let stepper = try stepper(at: state)
    let bytes = try required(bytes, "bytes")
    guard size >= 0 else { throw CallFault.argument("size is out of range") }
    let copy = Array(UnsafeRawBufferPointer(start: bytes, count: size))
    try stepper.restore(try SafetensorsFile(bytes: copy))
  }
}

/// Frees a state.
@_cdecl("l2l_state_free")
public func freeState(_ state: OpaquePointer?) {
  guard let state else { return }
  Unmanaged<InPlaceStepper>.fromOpaque(UnsafeRawPointer(state)).release()
}
