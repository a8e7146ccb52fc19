import CKernels
import COpenBLAS
import Foundation
import Safetensors
import TestSupport
import Testing

/// Five tiny trainings that reach most of what computes numbers, and what they must save.
private struct FrozenTraining: CustomTestStringConvertible {
  let name: String
  /// `train` without a folder.
  let arguments: [String]
  /// The files' digests, by the kernels in use.
  let digests: [String: [String: String]]
  var testDescription: String { name }

  init(_ name: String, _ arguments: String, _ digests: [String: [String: String]]) {
    self.name = name
    self.arguments = arguments.split(separator: " ").map(String.init)
    self.digests = digests
  }

  private static let state = "latest.training-state.safetensors"

  static let all: [FrozenTraining] = [
    FrozenTraining(
      "simple",
      "--problem=simple --num_epochs=6 --evaluation_period=3 --evaluation_epochs=3 --log_period=2"
        + " --optimizees=3",
      ["AVX2/Zen": ["cw.safetensors": "815605a87d989a0b", state: "93a8c3ec6ade6cba"]]),
    FrozenTraining(
      "quadratic",
      "--problem=quadratic --problem_option batch_size=7 --problem_option num_dims=5"
        + " --num_epochs=4 --evaluation_period=2 --evaluation_epochs=3 --num_steps=20"
        + " --unroll_length=5 --optimizees=4 --average_steps=5 --learning_rate_half_life=3"
        + " --meta_loss=log --checkpoint_period=1",
      ["AVX2/Zen": ["cw.safetensors": "40f71c9019af1a61", state: "19c8a3610aa8b0a8"]]),
    FrozenTraining(
      "mnist",
      "--problem=mnist --problem_option layers=6 --problem_option batch_size=16 --num_epochs=2"
        + " --evaluation_period=1 --evaluation_epochs=2 --num_steps=20 --unroll_length=10"
        + " --optimizees=3",
      ["AVX2/Zen": ["cw.safetensors": "c5ac7bf8d2e1d363", state: "c925d5666b48ee36"]]),
    FrozenTraining(
      "second order with every limit",
      "--problem=mnist --problem_option layers=5 --problem_option batch_size=8 --num_epochs=2"
        + " --evaluation_period=1 --evaluation_epochs=2 --num_steps=12 --unroll_length=6"
        + " --optimizees=3 --second_derivatives=true --clip_norm=2 --adjoint_limit=3"
        + " --adjoint_smoothing=0.5 --meta_loss=final",
      ["AVX2/Zen": ["cw.safetensors": "5690762629298a52", state: "d839eb13dd309f57"]]),
    FrozenTraining(
      "two nets",
      "--problem=cifar-multi --data_dir=synthetic --problem_option conv_channels=2,2"
        + " --problem_option linear_layers=3 --problem_option batch_size=4 --num_epochs=2"
        + " --evaluation_period=1 --evaluation_epochs=2 --num_steps=6 --unroll_length=3"
        + " --optimizees=3 --net_option conv.net=KernelDeepLSTM --net_option conv.kernel_shape=5,5",
      [
        "AVX2/Zen": [
          "conv.safetensors": "5fb517f025a159be", "fc.safetensors": "f253f374b29e5eb5",
          state: "e5696b5a4c1f61bc",
        ]
      ]),
  ]
}

extension BuiltProgram {
  /// What trainings save, digested: a change of the program that changes numbers shows here.
  ///
  /// Numbers follow from the seed, the options and the kernels: other vector lengths and other products
  /// add in another order. Digests are kept by the kernels in use; those of kernels that nobody has
  /// noted are printed.
  @Suite(.serialized) struct FrozenBitsTests {
    /// The kernels of this machine, as the program chooses them.
    private var kernels: String {
      let own =
        switch ck_deep_lstm_isa() {
        case Int32(CK_ISA_BASELINE): "baseline"
        case Int32(CK_ISA_AVX2): "AVX2"
        case Int32(CK_ISA_AVX512): "AVX512"
        case Int32(CK_ISA_AVX512_DUAL): "AVX512 dual"
        default: "other"
        }
      return "\(own)/\(String(cString: openblas_get_corename()))"
    }

    /// The first 16 digits of the SHA-256 of a file's tensors.
    ///
    /// Of each, in the order of names: name, shape, type and bytes. Metadata don't count.
    private func digest(_ path: String) throws -> String {
      let file = try SafetensorsFile(contentsOf: path)
      var bytes: [UInt8] = []
      for name in file.names.sorted() {
        guard let array = file[name] else { continue }
        bytes += Array("\(name)\(array.shape)\(array.type.rawValue)".utf8) + array.bytes
      }
      let folder = try TemporaryFolder()
      try Data(bytes).write(to: URL(fileURLWithPath: folder.file("tensors")))
      let sum = try ToolRun("sha256sum", [folder.file("tensors")])
      try #require(sum.code == 0)
      return String(sum.text.prefix(16))
    }

    @Test("what trainings save has the bits that it always had", arguments: FrozenTraining.all)
    private func files(training: FrozenTraining) throws {
      let folder = try TemporaryFolder()
      var found: [Int: [String: String]] = [:]
      for ranks in [1, 3] {
        let path = folder.file("\(ranks)")
        let result = try run(
          ranks: ranks == 1 ? nil : ranks, ["train", "--save_path=\(path)"] + training.arguments)
        #expect(result.code == 0, "\(result.errors)")
        for name in try FileManager.default.contentsOfDirectory(atPath: path)
        where name.hasSuffix(".safetensors") {
          found[ranks, default: [:]][name] = try digest("\(path)/\(name)")
        }
      }
      #expect(found[1] == found[3], "on 1 and on 3 ranks")
      if let expected = training.digests[kernels] {
        #expect(found[1] == expected, "\(kernels)")
      } else {
        print("no digests are kept for \(kernels): \(training.name) \(found[1] ?? [:])")
      }
    }
  }
}
