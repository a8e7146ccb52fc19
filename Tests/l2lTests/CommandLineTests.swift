import Foundation
import TestSupport
import Testing

@Suite("The command line")
struct CommandLineTests {
  @Test(
    "help and version are printed and no error",
    arguments: [
      [], ["help"], ["--help"], ["-h"], ["help", "train"], ["train", "--help"], ["--version"],
      ["evaluate", "--help"], ["unroll", "--help"], ["list"],
    ])
  func help(arguments: [String]) throws {
    let result = try run(arguments)
    #expect(result.code == 0)
    #expect(!result.lines.isEmpty)
    #expect(result.errors == "")
  }

  @Test("help names every option of the interface")
  func helpNamesOptions() throws {
    let options = [
      "train": [
        "problem", "save_path", "num_epochs", "log_period", "evaluation_period",
        "evaluation_epochs", "num_steps", "unroll_length", "learning_rate", "second_derivatives",
        "meta_loss", "seed", "optimizees", "resume", "data_dir", "problem_option",
      ],
      "evaluate": [
        "problem", "optimizer", "path", "learning_rate", "num_epochs", "num_steps", "seed",
        "split", "data_dir", "problem_option", "output",
      ],
      "unroll": [
        "problem", "problem_option", "path", "unroll_length", "second_derivatives", "state",
        "output",
      ],
    ]
    for (command, names) in options {
      let help = try run([command, "--help"]).output
      for name in names {
        #expect(help.contains("--\(name)"), "\(command) --\(name)")
      }
    }
    #expect(try run(["--version"]).output.wholeMatch(of: /\d+\.\d+\.\d+\n/) != nil)
  }

  @Test("list names the problems, nets and optimizers")
  func list() throws {
    let output = try run(["list"]).output
    for name in [
      "simple", "simple-multi", "quadratic", "mnist", "cifar", "cifar-multi", "conv_2d_*/w",
      "batch_size", "CoordinateWiseDeepLSTM",
      "StandardDeepLSTM", "KernelDeepLSTM", "L2L", "Adam", "SGD", "Momentum", "NAG", "RMSprop",
    ] {
      #expect(output.contains(name), "\(name)")
    }
  }

  @Test(
    "both spellings of names and of values are taken",
    arguments: [
      ["--num_epochs=3", "--log_period=1", "--num_steps=40", "--unroll_length=20"],
      ["--num-epochs=3", "--log-period=1", "--num-steps=40", "--unroll-length=20"],
      ["--num_epochs", "3", "--log_period", "1", "--num_steps", "40", "--unroll_length", "20"],
      ["--num-epochs", "3", "--log-period", "1", "--num-steps", "40", "--unroll-length", "20"],
    ])
  func spellings(arguments: [String]) throws {
    let folder = try TemporaryFolder()
    for option in [["--save_path=a"], ["--save-path=b"], ["--save_path", "c"]] {
      let result = try run(["train"] + arguments + option, in: folder.path)
      #expect(result.code == 0)
      #expect(result.lines.filter { $0.hasPrefix("Epoch ") } == ["Epoch 1", "Epoch 2", "Epoch 3"])
    }
    #expect(try folder.names() == ["a", "b", "c"])
    let states = try ["a", "b", "c"].map {
      try contents(folder.file("\($0)/latest.training-state.safetensors"))
    }
    #expect(states[0] == states[1] && states[1] == states[2])
  }

  @Test("problem options are taken in both spellings")
  func problemOptions() throws {
    let folder = try TemporaryFolder()
    for (name, option) in [("a", "batch_size=2"), ("b", "batch-size=2")] {
      let result = try run(
        ["train", "--problem=quadratic", "--num_epochs=1", "--problem-option", option]
          + ["--save_path=\(name)"], in: folder.path)
      #expect(result.code == 0)
    }
    let names = ["a", "b"].map { "\($0)/latest.training-state.safetensors" }
    #expect(try contents(folder.file(names[0])) == contents(folder.file(names[1])))
  }

  @Test(
    "second_derivatives is a flag and takes true and false",
    arguments: [
      ([], false), (["--second_derivatives"], true), (["--second-derivatives"], true),
      (["--second_derivatives=true"], true), (["--second_derivatives=false"], false),
      (["--second_derivatives", "true"], true), (["--second-derivatives", "false"], false),
    ])
  func secondDerivatives(arguments: [String], isOn: Bool) throws {
    let folder = try TemporaryFolder()
    let result = try run(
      ["train", "--num_epochs=1"] + arguments + ["--save_path=a"], in: folder.path)
    #expect(result.code == 0)
    let state = try contents(folder.file("a/latest.training-state.safetensors"))
    let text = String(decoding: state.prefix(4000), as: UTF8.self)
    #expect(text.contains(#"\"second_derivatives\":\#(isOn)"#))
  }

  @Test("a setting of second derivatives without them has no effect, which is said")
  func smoothingWithoutSecondDerivatives() throws {
    let folder = try TemporaryFolder()
    for (flag, isSaid) in [("--second_derivatives", false), ("--no_second_derivatives", true)] {
      let result = try run(
        ["train", "--num_epochs=1", "--adjoint_smoothing=1", flag], in: folder.path)
      #expect(result.code == 0)
      let notice = "--adjoint_smoothing has no effect without --second_derivatives"
      #expect(result.errors.contains(notice) == isSaid, "\(result.errors)")
    }
  }

  @Test(
    "wrong usage is exit code 64 and said in one line",
    arguments: [
      (["frobnicate"], ["frobnicate"]),
      (["train", "extra"], ["extra"]),
      (["train", "--save_pth=x"], ["--save_pth", "--save_path"]),
      (["train", "--num_epochs", "many"], ["many", "--num_epochs"]),
      (["train", "--num_epochs"], ["--num_epochs"]),
      (["train", "--num_epochs=-1"], ["--num_epochs", "-1"]),
      (["train", "--num_epochs=1.5"], ["1.5"]),
      (["train", "--log_period=0"], ["--log_period"]),
      (["train", "--evaluation_period=0"], ["--evaluation_period"]),
      (["train", "--evaluation_epochs=-1"], ["--evaluation_epochs"]),
      (["train", "--unroll_length=0"], ["--unroll_length"]),
      (["train", "--num_steps=19"], ["--num_steps 19", "--unroll_length 20"]),
      (["train", "--optimizees=0"], ["--optimizees"]),
      (["train", "--learning_rate=nan"], ["--learning_rate"]),
      (["train", "--learning_rate=-1"], ["--learning_rate"]),
      (["train", "--learning_rate=inf"], ["--learning_rate"]),
      (["train", "--seed=-1"], ["--seed"]),
      (["train", "--seed=18446744073709551616"], ["--seed"]),
      (["train", "--meta_loss=mean"], ["--meta_loss", "mean"]),
      (["train", "--clip_norm=-1"], ["--clip_norm", "above 0"]),
      (["train", "--adjoint_limit=nan"], ["--adjoint_limit", "above 0"]),
      (["train", "--adjoint_smoothing=0"], ["--adjoint_smoothing", "above 0"]),
      (["train", "--adjoint_smoothing=inf"], ["--adjoint_smoothing", "finite"]),
      (["train", "--learning_rate_half_life=0"], ["--learning_rate_half_life", "above 0"]),
      (["train", "--learning_rate_half_life=1e9"], ["--learning_rate_half_life", "below"]),
      (["train", "--max_time=0"], ["--max_time", "above 0"]),
      (["train", "--second_derivatives=maybe"], ["--second_derivatives", "maybe"]),
      (["train", "--save_path="], ["--save_path"]),
      (["train", "--resume"], ["--save_path"]),
      (["evaluate", "--split=valid"], ["train", "test", "valid"]),
      (["evaluate", "--optimizer=Adm"], ["Adm", "did you mean 'Adam'"]),
      (["evaluate", "--optimizer=Adam", "--path=x"], ["--path", "Adam"]),
      (["evaluate", "--num_epochs=0"], ["--num_epochs"]),
      (["evaluate", "--num_steps=0"], ["--num_steps"]),
      (["evaluate", "--output="], ["--output"]),
      (["evaluate", "--output", ""], ["--output"]),
      (["unroll", "--unroll_length=0"], ["--unroll_length"]),
      (["unroll", "--epoch=-1"], ["--epoch"]),
    ])
  func wrongUsage(arguments: [String], words: [String]) throws {
    try expectFailure(arguments, code: 64, saying: words)
  }

  @Test(
    "wrong names and options of problems and nets are exit code 64",
    arguments: [
      (["--problem=quadratik"], ["quadratik", "did you mean 'quadratic'"]),
      (["--problem="], ["--problem"]),
      (["--problem=quadratic", "--problem_option", "batchsize=8"], ["did you mean 'batch_size'"]),
      (["--problem=quadratic", "--problem_option", "batch_size"], ["NAME=VALUE"]),
      (["--problem=quadratic", "--problem_option", "batch_size=0"], ["batch_size", "'0'"]),
      (["--problem=quadratic", "--problem_option", "batch_size=x"], ["batch_size", "'x'"]),
      (["--problem=simple", "--problem_option", "batch_size=8"], ["takes no options"]),
      (["--problem=mnist", "--problem_option", "activation=tan"], ["sigmoid, relu, tanh"]),
      (["--problem=mnist", "--problem_option", "layers=20,x"], ["20,x"]),
      (
        ["--problem=quadratic", "--problem_option=batch_size=8", "--problem-option=batch-size=9"],
        ["batch_size", "twice"]
      ),
      (["--net_option", "scal=3"], ["did you mean 'scale'"]),
      (["--problem=simple-multi", "--net_option", "scal=3"], ["did you mean 'scale'"]),
      (["--net_option", "scale=x"], ["scale"]),
      (["--net_option", "net=CoordinateWiseLSTM"], ["did you mean 'CoordinateWiseDeepLSTM'"]),
      (["--net_option", "layers=0"], ["layers"]),
      (["--net_option", "input_gain=0"], ["input_gain", "above 0"]),
      (["--net_option", "preprocess=Log"], ["identity, Clamp or LogAndSign"]),
      (["--net_option", "preprocess=LogAndSign", "--net_option", "k=0"], ["option k", "above 0"]),
      (["--net_option", "initializer=[1,2,3]"], ["initializer", "[1, 1]"]),
      (["--net_option", "net=KernelDeepLSTM"], ["kernel_shape"]),
      (["--net_option", "net=KernelDeepLSTM", "--net_option", "kernel_shape=5,5"], ["'x'"]),
    ])
  func wrongOptions(arguments: [String], words: [String]) throws {
    let folder = try TemporaryFolder()
    try expectFailure(
      ["train", "--save_path=new"] + arguments, code: 64, saying: words, in: folder.path)
    #expect(try folder.names() == [], "nothing is made before the options are checked")
  }

  @Test(
    "numbers that no machine has room for are wrong usage, not a crash",
    arguments: [
      ["train", "--num_steps=9223372036854775807", "--unroll_length=9223372036854775807"],
      ["train", "--evaluation_epochs=9223372036854775807"],
      ["train", "--optimizees=9223372036854775807"],
      ["evaluate", "--num_epochs=9223372036854775807"],
      ["evaluate", "--num_steps=9223372036854775807"],
      ["unroll", "--unroll_length=9223372036854775807"],
      [
        "train", "--problem=quadratic", "--problem_option=batch_size=1000000",
        "--problem_option=num_dims=4096",
      ],
      ["train", "--problem=mnist", "--problem_option=layers=65536,65536"],
      ["train", "--problem=mnist", "--problem_option=batch_size=1000000"],
    ])
  func hugeNumbers(arguments: [String]) throws {
    try expectFailure(arguments, code: 64)
  }

  @Test("control characters in arguments do not break an error's line")
  func controlCharacters() throws {
    try expectFailure(
      ["evaluate", "--path=a\nl2l: error: b\u{1B}[31m"], code: 66, saying: ["a\\u{a}l2l"])
  }

  @Test(
    "standard output that can't be written is exit code 73",
    .enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "there is no /dev/full"),
    arguments: [
      ["list"], ["help"], ["evaluate", "--num_epochs=1"],
      ["train", "--num_epochs=1", "--log_period=1"],
    ])
  func fullOutput(arguments: [String]) throws {
    let result = try ProgramRun(arguments, output: "/dev/full").result()
    #expect(result.code == 73)
    #expect(result.error?.contains("standard output") == true)
  }

  @Test(
    "standard error that can't be written changes nothing",
    .enabled(if: FileManager.default.fileExists(atPath: "/dev/full"), "there is no /dev/full"))
  func fullErrors() throws {
    #expect(try ProgramRun(["evaluate", "--num_epochs=1"], errors: "/dev/full").result().code == 0)
    #expect(try ProgramRun(["frobnicate"], errors: "/dev/full").result().code == 64)
  }
}
