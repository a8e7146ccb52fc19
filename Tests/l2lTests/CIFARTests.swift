import Foundation
import Safetensors
import TestSupport
import Testing

/// What a training without a folder says, and nothing else.
private let unsaved = "l2l: warning: without --save_path nothing is saved\n"

@Suite("cifar and cifar-multi")
struct CIFARTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  static let small = [
    "--problem_option=conv_channels=2,3", "--problem_option=linear_layers=4",
    "--problem_option=batch_size=4",
  ]
  static let training =
    small + [
      "--data_dir=synthetic", "--num_epochs=4", "--num_steps=4", "--unroll_length=2",
      "--log_period=2", "--evaluation_period=2", "--evaluation_epochs=1",
    ]
  static let kernels = [
    "--net_option=conv.net=KernelDeepLSTM", "--net_option=conv.kernel_shape=5,5",
  ]

  // MARK: - Numbers

  @Test(
    "losses, final parameters and meta-gradients are those of an independent program",
    arguments: [("sd0", []), ("sd1", ["--second_derivatives"])])
  func golden(prefix: String, flags: [String]) throws {
    let url = Bundle.module.url(
      forResource: "cifar_small", withExtension: "safetensors", subdirectory: "Fixtures")
    let golden = try #require(url).path
    unlink(folder.file("out"))
    let result = try run(
      [
        "unroll", "--problem=cifar", "--path=\(golden)", "--state=\(golden)", "--unroll_length=3",
        "--output=out",
      ] + flags, in: folder.path)
    #expect(result.code == 0 && result.output == "")
    let expected = try SafetensorsFile(contentsOf: golden)
    let found = try SafetensorsFile(contentsOf: folder.file("out"))
    #expect(found.names.count == 2 + 11 + 4)
    for name in found.names {
      let array = try #require(expected[name] ?? expected["\(prefix)/\(name)"])
      let mine = try #require(found[name])
      #expect(mine.shape == array.shape)
      // A few hundred roundings of 6e-8; first and second order differ by 2.6e-3.
      let distance = relativeDistance(
        try mine.floats(), try array.floats().map(Double.init))
      #expect(distance < 2e-6, "\(name): \(distance)")
    }
  }

  @Test("images of any size and options given by hand go together")
  func options() throws {
    var state = SafetensorsFile()
    let pixels: [Float] = (0..<1200).map { Float($0 % 11) / 11 }
    state.append(SafetensorsArray(floats: pixels, shape: [4, 10, 10, 3]), named: "images")
    state.append(SafetensorsArray(floats: [1, 2, 3, 9], shape: [4]), named: "labels")
    try state.write(to: folder.file("state"))
    unlink(folder.file("out"))
    let result = try run(
      [
        "unroll", "--problem=cifar-multi", "--state=state", "--unroll_length=2", "--output=out",
        "--problem_option=conv_channels=4,3", "--problem_option=linear_layers=6",
      ] + Self.kernels, in: folder.path)
    #expect(result.code == 0, "\(result.errors)")
    let out = try SafetensorsFile(contentsOf: folder.file("out"))
    #expect(out["x_final/conv_net_2d/conv_2d_1/w"]?.shape == [5, 5, 4, 3])
    #expect(out["x_final/mlp/linear_0/w"]?.shape == [27, 6])
    #expect(out["grad/conv/linear/w"]?.shape == [20, 25])
    #expect(out["grad/fc/linear/w"]?.shape == [20, 1])
  }

  // MARK: - Training, resuming, evaluating

  @Test("a training is resumed bit for bit and its optimizer evaluated", arguments: [false, true])
  func multi(hasKernels: Bool) throws {
    let arguments = ["--problem=cifar-multi"] + Self.training + (hasKernels ? Self.kernels : [])
    let whole = try run(["train", "--save_path=whole"] + arguments, in: folder.path)
    #expect(whole.code == 0, "\(whole.errors)")
    #expect(whole.errors.components(separatedBy: "using synthetic images").count == 2)
    let half = arguments.map { $0 == "--num_epochs=4" ? "--num_epochs=2" : $0 }
    #expect(try run(["train", "--save_path=half"] + half, in: folder.path).code == 0)
    let resumed = try run(
      ["train", "--save_path=half", "--resume", "--num_epochs=4", "--data_dir=synthetic"],
      in: folder.path)
    #expect(resumed.code == 0, "\(resumed.errors)")
    let names = ["conv.safetensors", "fc.safetensors", "latest.training-state.safetensors"]
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.file("whole")).sorted()
        == names + ["metrics.csv"])
    for name in names {
      let (one, other) = (
        try SafetensorsFile(contentsOf: folder.file("whole/\(name)")),
        try SafetensorsFile(contentsOf: folder.file("half/\(name)"))
      )
      // Of the nets' metadata the number of epochs differs that was asked for at their best.
      #expect(one.names == other.names && one.names.allSatisfy { one[$0] == other[$0] }, "\(name)")
    }
    let conv = try SafetensorsFile(contentsOf: folder.file("whole/conv.safetensors"))
    #expect(conv.metadata["net"] == (hasKernels ? "KernelDeepLSTM" : "CoordinateWiseDeepLSTM"))
    #expect(conv.metadata["key"] == "conv")

    let evaluation = [
      "evaluate", "--problem=cifar-multi", "--data_dir=synthetic", "--num_epochs=1",
    ]
    let result = try run(
      evaluation + Self.small + ["--num_steps=3", "--path=whole"], in: folder.path)
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.lines.count == 3)
  }

  @Test("cifar trains one net for all parameters, and its loss is finite")
  func single() throws {
    let result = try run(
      ["train", "--problem=cifar", "--save_path=t", "--second_derivatives"] + Self.training,
      in: folder.path)
    #expect(result.code == 0, "\(result.errors)")
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.file("t")).sorted()
        == ["cw.safetensors", "latest.training-state.safetensors", "metrics.csv"])
    #expect(!result.output.contains("nan") && !result.output.contains("inf"))
  }

  @Test(
    "a trained cifar-multi that does not fit what is asked for is exit code 65, with the difference"
  )
  func disagreements() throws {
    let trained = try run(
      ["train", "--problem=cifar-multi", "--save_path=t"] + Self.training + Self.kernels,
      in: folder.path)
    #expect(trained.code == 0, "\(trained.errors)")
    let evaluate =
      [
        "evaluate", "--problem=cifar-multi", "--data_dir=synthetic", "--num_epochs=1",
        "--num_steps=1",
      ] + Self.small
    for (options, words) in [
      (
        ["--net_option=conv.kernel_shape=3,3"], ["conv.safetensors", "kernel_shape [5,5]", "[3,3]"]
      ),
      (["--net_option=fc.layers=10"], ["fc.safetensors", "layers [20,20]", "[10]"]),
      (["--net_option=fc.net=KernelDeepLSTM"], ["fc.safetensors", "CoordinateWiseDeepLSTM"]),
      (["--net_option=scale=0.5"], ["scale 0.01", "0.5"]),
    ] {
      try expectFailure(
        evaluate + ["--path=t"]
          + (options[0].contains("kernel_shape") ? Self.kernels.prefix(1) : [])
          + (options[0].contains("fc.net") ? ["--net_option=fc.kernel_shape=5,5"] : []) + options,
        code: 65, saying: words, in: folder.path)
    }
    // What no net can have is not the file's fault.
    let impossible = try run(
      evaluate + ["--path=t", "--net_option=fc.preprocess=LogAndSign"], in: folder.path)
    #expect(impossible.code != 0 && !impossible.errors.contains(".safetensors"))
    #expect(impossible.errors.contains("which LogAndSign needs"), "\(impossible.errors)")
    // What agrees may be said.
    let agreed = try run(evaluate + ["--path=t"] + Self.kernels, in: folder.path)
    #expect(agreed.code == 0, "\(agreed.errors)")
    // A net of 5 x 5 kernels for what has none.
    try expectFailure(
      ["evaluate", "--problem=mnist", "--path=t/conv.safetensors"], code: 65,
      saying: ["conv.safetensors", "mlp/linear_0/w", "filters [5, 5, in, out]"], in: folder.path)
    try expectFailure(
      ["evaluate", "--problem=mnist", "--path=t"], code: 65,
      saying: ["'t' holds conv, fc", "mnist", "cw"], in: folder.path)
    // Files that changed places, and one that is gone.
    let files = FileManager.default
    try files.copyItem(atPath: folder.file("t"), toPath: folder.file("mixed"))
    try files.removeItem(atPath: folder.file("mixed/conv.safetensors"))
    try expectFailure(
      evaluate + ["--path=mixed"], code: 66, saying: ["mixed/conv.safetensors"], in: folder.path)
    try files.copyItem(
      atPath: folder.file("t/fc.safetensors"), toPath: folder.file("mixed/conv.safetensors"))
    try expectFailure(
      evaluate + ["--path=mixed"], code: 65, saying: ["mixed/conv.safetensors", "'fc'", "'conv'"],
      in: folder.path)
    try expectFailure(
      evaluate + ["--path=t/conv.safetensors"], code: 64,
      saying: ["2 nets", "conv.safetensors, fc.safetensors"], in: folder.path)
  }

  @Test("options for one net must name one that the problem has, and an option of its class")
  func netOptions() throws {
    for (option, words) in [
      ("cov.layers=3", ["'cov'", "'conv'"]), ("conv.kernel=3", ["'kernel'"]),
      ("conv.net=KernelDeepLSTM", ["kernel_shape"]), ("conv.net=Kernel", ["'Kernel'"]),
      ("kernel_shape=5,5", ["'kernel_shape'"]), (".net=Sgd", ["''"]),
    ] {
      try expectFailure(
        ["train", "--problem=cifar-multi", "--data_dir=synthetic", "--net_option=\(option)"],
        code: 64, saying: words)
    }
    try expectFailure(
      [
        "train", "--problem=cifar-multi", "--data_dir=synthetic", "--net_option=net=KernelDeepLSTM",
        "--net_option=kernel_shape=5,5",
      ], code: 64, saying: ["filters [5, 5, in, out]"])
  }

  // MARK: - Data

  private func record(_ label: UInt8) -> [UInt8] {
    [label] + (0..<3072).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ Int(label)) }
  }

  /// A folder with four images in each file, of which one file is as given.
  private func data(_ name: String = "", _ bytes: [UInt8]? = nil) throws -> TemporaryFolder {
    let data = try TemporaryFolder()
    #expect(mkdir(data.file("cifar-10-batches-bin"), 0o777) == 0)
    for file in (1...5).map({ "data_batch_\($0).bin" }) + ["test_batch.bin"] {
      let usual = (0..<4).flatMap { record(UInt8($0)) }
      guard let content = file == name ? bytes : usual else { continue }
      _ = try data.write(content, named: "cifar-10-batches-bin/\(file)")
    }
    return data
  }

  @Test("real files are used without a word, from --data_dir, L2L_DATA_DIR and ./data")
  func places() throws {
    let data = try data()
    let command = ["train", "--problem=cifar"] + Self.training.filter { !$0.contains("data_dir") }
    let named = try run(command + ["--data_dir", data.file("cifar-10-batches-bin")])
    #expect(named.code == 0 && named.errors == unsaved, "\(named.errors)")
    let environment = try run(command, environment: ["L2L_DATA_DIR": data.path])
    #expect(environment.code == 0 && environment.errors == unsaved)
    #expect(environment.untimedLines == named.untimedLines)
    #expect(symlink(data.path, folder.file("data")) == 0)
    let standard = try run(command, in: folder.path)
    #expect(standard.code == 0 && standard.errors == unsaved)
    #expect(standard.untimedLines == named.untimedLines)
  }

  @Test("without data the error says how to get it and what else there is")
  func missing() throws {
    let remedies = ["Scripts/fetch-data cifar10", "--data_dir synthetic"]
    for problem in ["cifar", "cifar-multi"] {
      let command = ["train", "--problem=\(problem)", "--save_path=new"]
      try expectFailure(command, code: 66, saying: ["'data'"] + remedies, in: folder.path)
      try expectFailure(
        command + ["--data_dir=nowhere"], code: 66, saying: ["'nowhere'"] + remedies,
        in: folder.path)
      try expectFailure(
        ["evaluate", "--problem=\(problem)", "--optimizer=Adam", "--data_dir=."], code: 66,
        saying: ["cifar-10-batches-bin"] + remedies, in: folder.path)
    }
    let partial = try data("data_batch_4.bin", nil)
    try expectFailure(
      ["train", "--problem=cifar", "--data_dir=\(partial.path)"], code: 66,
      saying: ["data_batch_4.bin"] + remedies)
    #expect(try folder.names() == [])
  }

  @Test("malformed files are exit code 65 with file and reason")
  func malformed() throws {
    for (bytes, words) in [
      (Array(record(0).dropLast()), ["3072 bytes", "3073"]), ([], ["0 bytes"]),
      (record(0) + record(10) + record(1) + record(2), ["label 10", "index 1"]),
      (record(0), ["1 images", "4"]),
    ] {
      let data = try data("data_batch_2.bin", bytes)
      try expectFailure(
        ["train", "--problem=cifar", "--save_path=new", "--data_dir=\(data.path)"], code: 65,
        saying: ["data_batch_2.bin"] + words, in: folder.path)
    }
    #expect(try folder.names() == [])
  }

  @Test("a training goes on only with the images that it began with")
  func otherData() throws {
    let begun = try run(
      ["train", "--problem=cifar", "--save_path=t"] + Self.training, in: folder.path)
    #expect(begun.code == 0)
    let other = try data()
    try expectFailure(
      ["train", "--resume", "--save_path=t", "--num_epochs=6", "--data_dir=\(other.path)"],
      code: 65,
      saying: ["the data set is not the one"], in: folder.path)
  }
}
