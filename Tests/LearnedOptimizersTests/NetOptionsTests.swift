import LearnedOptimizers
import Settings
import Testing

/// What options of nets may be, and how they are saved.
@Suite("Options of nets")
struct NetOptionsTests {
  private func make(
    _ name: String, _ options: [String: JSONValue]
  ) throws -> any LearnedOptimizer {
    try OptimizerEntry.standard.entry(named: name).make(options: options)
  }

  private let lstm = CoordinateWiseDeepLSTM.name

  @Test(
    "saved options are those of earlier versions' files",
    arguments: [
      (
        "CoordinateWiseDeepLSTM", "{}",
        #"{"layers":[20,20],"preprocess_name":"identity","scale":1}"#
      ),
      (
        "CoordinateWiseDeepLSTM", #"{"preprocess":"LogAndSign","k":5,"scale":0.01,"input_gain":3}"#,
        #"{"layers":[20,20],"preprocess_name":"LogAndSign","preprocess_options":{"k":5},"scale":0.01}"#
      ),
      (
        "KernelDeepLSTM", #"{"kernel_shape":[5,5],"layers":[],"preprocess_name":"Clamp","min":-1}"#,
        #"{"kernel_shape":[5,5],"layers":[],"preprocess_name":"Clamp","preprocess_options":{"min":-1},"scale":1}"#
      ),
      (
        "StandardDeepLSTM", #"{"output_size":3,"preprocess_name":null,"initializer":"zeros"}"#,
        #"{"layers":[20,20],"output_size":3,"preprocess_name":"identity","scale":1}"#
      ),
      ("RNNprop", "{}", #"{"layers":[20,20],"scale":0.1}"#),
      (
        "Celo2", "{}",
        #"{"adam_multiplier":20,"layers":[8,8],"learning_rate":0.001,"weight_decay":0}"#
      ),
      ("Celo2Base", "{}", #"{"layers":[8,8],"learning_rate":0.001,"weight_decay":0}"#),
      ("MLPLOpt", "{}", #"{"exp_mult":0.001,"layers":[32,32],"step_mult":0.001}"#),
      ("AdafacMLPLOpt", "{}", #"{"exp_mult":0.001,"layers":[4,4],"step_mult":0.001}"#),
      ("Celo", "{}", #"{"exp_mult":0.001,"layers":[4,4],"step_mult":0.001}"#),
      ("Sgd", "{}", #"{"learning_rate":0.001}"#),
      ("Momentum", "{}", #"{"learning_rate":0.001,"momentum":0.9}"#),
      ("NAG", "{}", #"{"learning_rate":0.001,"momentum":0.9}"#),
      ("RMSprop", "{}", #"{"decay":0.9,"epsilon":1e-08,"learning_rate":0.001}"#),
      ("Adam", "{}", #"{"beta1":0.9,"beta2":0.999,"epsilon":1e-08,"learning_rate":0.001}"#),
      ("Adagrad", "{}", #"{"epsilon":1e-10,"learning_rate":0.01}"#),
      (
        "LAMB", #"{"weight_decay":0.1}"#,
        #"{"beta1":0.9,"beta2":0.999,"epsilon":1e-06,"learning_rate":0.001,"weight_decay":0.1}"#
      ),
      (
        "AdamW", "{}",
        #"{"beta1":0.9,"beta2":0.999,"epsilon":1e-08,"learning_rate":0.001,"weight_decay":0.0001}"#
      ),
      (
        "NAdamW", #"{"weight_decay":0.1}"#,
        #"{"beta1":0.9,"beta2":0.999,"epsilon":1e-08,"learning_rate":0.001,"weight_decay":0.1}"#
      ),
      ("RAdam", "{}", #"{"beta1":0.9,"beta2":0.999,"epsilon":1e-08,"learning_rate":0.001}"#),
      ("Lion", "{}", #"{"beta1":0.9,"beta2":0.99,"learning_rate":0.0001,"weight_decay":0.001}"#),
      (
        "Muon", "{}",
        #"{"beta1":0.9,"beta2":0.999,"epsilon":1e-08,"learning_rate":0.001,"momentum":0.95,"weight_decay":0}"#
      ),
      (
        "ScheduleFreeAdamW", "{}",
        #"{"beta1":0.9,"beta2":0.999,"epsilon":1e-08,"learning_rate":0.0025,"weight_decay":0}"#
      ),
    ])
  func saved(name: String, given: String, expected: String) throws {
    let options = try #require(JSONValue(parsing: given)?.object)
    #expect(JSONValue.object(try make(name, options).options).text == expected)
  }

  @Test("every class is made without options, or says which it needs")
  func defaults() throws {
    for entry in OptimizerEntry.standard {
      let needed = entry.settings.filter { $0.standard == "must be given" }.map(\.name)
      guard needed.isEmpty else {
        let error = #expect(throws: OptimizerError.self) { try entry.make(options: [:]) }
        guard case .option(let fault)? = error else { continue }
        #expect(needed.contains(fault.name) && fault.place == .net(entry.name))
        continue
      }
      #expect(throws: Never.self) { try entry.make(options: [:]) }
    }
  }

  @Test(
    "what does not go together, or is out of range, is told",
    arguments: [
      (#"{"k":5}"#, "k", "none of preprocess identity, which takes nothing"),
      (#"{"preprocess":"LogAndSign"}"#, "k", "which LogAndSign needs, as k=5"),
      (#"{"preprocess":"LogAndSign","k":90}"#, "k", "above 0 and below 88.5"),
      (
        #"{"preprocess":"LogAndSign","k":5,"min":1}"#, "min",
        "none of preprocess LogAndSign, which takes k;"
      ),
      (
        #"{"preprocess":"LogAndSign","k":5,"preprocess_options":{"k":5}}"#, "k",
        "given by itself and in preprocess_options; give it once"
      ),
      (#"{"preprocess":"Clamp","min":2,"max":1}"#, "min", "Clamp's min not above its max"),
      (
        #"{"preprocess":"Clamp","preprocess_options":{"low":2}}"#, "preprocess_options",
        "what Clamp takes, min and max, not 'low'"
      ),
      (#"{"preprocess_options":[5]}"#, "preprocess_options", "an object of numbers"),
      (#"{"preprocess":"Clamp","preprocess_name":"Clamp"}"#, "preprocess_name", "given twice"),
      (#"{"layers":[0]}"#, "layers", "whole numbers from 1 to 1024"),
      (#"{"layers":[1,1,1,1,1,1,1,1,1]}"#, "layers", "at most 8 of them"),
      (#"{"input_gain":0}"#, "input_gain", "above 0"),
      (#"{"initializer":"ten"}"#, "initializer", "zeros, ones, a number"),
      (#"{"initializer":[1,2,3]}"#, "initializer", "values that fit lstm_1/w_gates"),
      (#"{"depth":3}"#, "depth", "has no option 'depth'"),
    ])
  func faults(given: String, option: String, words: String) throws {
    let options = try #require(JSONValue(parsing: given)?.object)
    let error = #expect(throws: OptimizerError.self) { try make(lstm, options) }
    guard case .option(let fault)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(fault.name == option && fault.place == .net(lstm))
    #expect(fault.description.contains(words), "\(fault.description)")
    #expect("\(OptimizerError.option(fault))" == fault.description)
  }

  @Test("a part is saved under its whole, and belongs to what its whole is a part of")
  func parts() throws {
    let entry = try OptimizerEntry.standard.entry(named: lstm)
    #expect(entry.savedName(of: "k") == "preprocess_options")
    #expect(entry.savedName(of: "preprocess") == "preprocess_name")
    #expect(entry.savedName(of: "scale") == "scale")
    #expect(entry.parts(of: "preprocess_name") == ["preprocess_options", "k", "min", "max"])
    #expect(entry.parts(of: "scale") == [])
    #expect(
      try entry.option("preprocess", reading: "Clamp") == ("preprocess_name", .string("Clamp")))
    #expect(try entry.option("layers", reading: "(4, 3)") == ("layers", [4, 3].settingJSON))
    #expect(throws: OptimizerError.self) { try entry.option("layers", reading: "4,x") }
  }
}
