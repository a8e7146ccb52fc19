internal import CL2L
internal import Files
internal import LearnedOptimizers
internal import Safetensors

/// An error with the code that C sees.
struct CallFault: Error {
  let code: Int
  let text: String

  init(_ code: Int, _ text: String) {
    self.code = code
    self.text = text
  }

  static func argument(_ text: String) -> CallFault { CallFault(L2L_ERROR_ARGUMENT, text) }

  /// The code and text of any error.
  init(describing error: any Error) {
    switch error {
    case let fault as CallFault: self = fault
    case let error as OptimizerError: self.init(Self.code(error), error.description)
    case let error as SafetensorsError: self.init(Self.code(error), error.description)
    case let error as FileError: self.init(L2L_ERROR_FILE, error.description)
    default: self.init(L2L_ERROR_INTERNAL, "\(error); please report this")
    }
  }

  private static func code(_ error: SafetensorsError) -> Int {
    if case .file = error { L2L_ERROR_FILE } else { L2L_ERROR_FORMAT }
  }

  private static func code(_ error: OptimizerError) -> Int {
    switch error {
    case .unknownNet, .missingWeight, .wrongWeightShape, .unexpectedWeight, .weightNotFinite,
      .unfitTensor, .unknownFormat:
      L2L_ERROR_FORMAT
    case .option: L2L_ERROR_OPTION
    case .unfitShape: L2L_ERROR_SHAPE
    case .unfitState: L2L_ERROR_STATE
    case .wrongGradientCount: L2L_ERROR_ARGUMENT
    case .notFinite: L2L_ERROR_NOT_FINITE
    }
  }
}

/// Runs the body of a C function: what it throws becomes a code and this thread's text.
func attempt(_ body: () throws -> Void) -> Int32 {
  do {
    try body()
    return Int32(L2L_OK)
  } catch {
    let fault = CallFault(describing: error)
    fault.text.withCString { cl2l_set_error($0) }
    return Int32(fault.code)
  }
}

/// A pointer that must not be NULL.
func required<Value>(_ value: Value?, _ name: String) throws(CallFault) -> Value {
  guard let value else { throw .argument("\(name) is NULL") }
  return value
}

/// A text that must be there and be UTF-8.
func text(_ pointer: UnsafePointer<CChar>?, _ name: String) throws(CallFault) -> String {
  let pointer = try required(pointer, name)
  guard let text = String(validatingCString: pointer) else {
    throw .argument("\(name) is not UTF-8")
  }
  return text
}
