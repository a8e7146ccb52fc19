import Safetensors
import Telemetry

/// Valid inputs.
enum Seeds {
  static func idx(_ dimensions: [Int], _ elements: [UInt8]) -> [UInt8] {
    [0, 0, 8, UInt8(dimensions.count)]
      + dimensions.flatMap { size in [24, 16, 8, 0].map { UInt8(truncatingIfNeeded: size >> $0) } }
      + elements
  }

  @Sendable static func images() -> [[UInt8]] {
    [
      idx([2, 2, 3], Array(0..<12)), idx([2], [1, 2]),
      // The labels, gzipped.
      [
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x63, 0x60, 0xe0, 0x60, 0x64,
        0x60, 0x60, 0x60, 0x62, 0x64, 0x02, 0x00, 0x74, 0xfc, 0x89, 0x62, 0x0a, 0x00, 0x00, 0x00,
      ],
    ]
  }

  @Sendable static func records() -> [[UInt8]] { [[UInt8](repeating: 1, count: 2 * 3073)] }

  /// A file of MATLAB's level 5 with one image of 32 x 32 x 3 and its label.
  @Sendable static func matrices() -> [[UInt8]] {
    func little(_ number: Int) -> [UInt8] {
      (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
    func element(_ type: Int, _ bytes: [UInt8]) -> [UInt8] {
      little(type) + little(bytes.count) + bytes
        + [UInt8](repeating: 0, count: (8 - bytes.count % 8) % 8)
    }
    func array(_ name: String, _ dimensions: [Int], _ values: [UInt8]) -> [UInt8] {
      element(
        14,
        element(6, little(9) + little(0)) + element(5, dimensions.flatMap(little))
          + element(1, Array(name.utf8)) + element(2, values))
    }
    let header =
      [UInt8](repeating: 32, count: 124) + [0, 1] + Array("IM".utf8)
    return [
      header + array("X", [32, 32, 3, 1], [UInt8](repeating: 7, count: 3072))
        + array("y", [1, 1], [10])
    ]
  }

  @Sendable static func tables() -> [[UInt8]] {
    ["a,b,class\n1,2.5,x\n-3e4,0,y\n", "1,\"2\",0\r\n3,4,1\r\n"].map { Array($0.utf8) }
  }

  @Sendable static func prose() -> [[UInt8]] {
    [Array(String(repeating: "To be, or not. ", count: 70).utf8)]
  }

  @Sendable static func metrics() -> [[UInt8]] {
    let commas = String(repeating: ",", count: MetricsFile.header.utf8.count { $0 == 0x2C } - 1)
    let rows = ["2,train\(commas)", "3,evaluation\(commas)", "4,train\(commas)"]
    return ["\n", "\r\n"].map {
      Array(([MetricsFile.header] + rows + [""]).joined(separator: $0).utf8)
    }
  }

  @Sendable static func events() -> [[UInt8]] {
    var event = Event(time: 1, step: 3)
    event.add("loss/evaluation", 0.5, description: "the loss")
    return [
      Event.fileVersion(time: 1).record + Event.start(time: 1, step: 3).record + event.record,
      event.record,
    ]
  }

  @Sendable static func texts() -> [[UInt8]] {
    [
      "{\"layers\":[20,20],\"preprocess_name\":\"LogAndSign\",\"preprocess_options\":{\"k\":5},\"scale\":0.01}",
      "[1,-2.5e3,true,false,null,\"a\\u00e9\\n\",{\"b\":[]}]", "0.30000001192092896",
    ].map { Array($0.utf8) }
  }

  @Sendable static func suites() -> [[UInt8]] {
    [
      "{\"name\":\"mine\",\"tasks\":[{\"problem\":\"perceptron\",\"options\":{\"layers\":[64,64],"
        + "\"activation\":\"gelu\"},\"steps\":1000,\"name\":\"deep\"},{\"problem\":\"rosenbrock\","
        + "\"steps\":200}],\"baselines\":[\"Adam\",\"NAG\"],\"seeds\":3,\"tuning_seeds\":2,\"trials\":11}",
      "{\"tasks\":[{\"problem\":\"simple\",\"steps\":5}]}",
    ].map { Array($0.utf8) }
  }

  @Sendable static func envelopes() -> [[UInt8]] {
    ["{\"deep\":[[0,10,20.5],[2.3,1.1e-1,0.05]],\"b\":[[1],[1]]}"].map { Array($0.utf8) }
  }

  @Sendable static func arguments() -> [[UInt8]] {
    [
      "train\n--problem=quadratic\n--save_path\nx\n--num_epochs=10\n--problem_option=num_dims=5",
      "train\n--estimator=pes\n--num_steps=100..2000\n--sigma=0.01\n--no-resume\n--verbose=true",
      "train\n--net_option\ninitializer={\"linear\":{\"w\":\"zeros\"}}\n--freeze=linear/w",
      "evaluate\n--optimizer=Adam\n--learning_rate=0.1\n--split=train\n--output=a.csv",
      "compare\n--optimizers=L2L=x,Adam=0.1,SGD\n--optimizer=A=b\n--tune",
      "unroll\n--state=x\n--second_derivatives", "list\n--options=train", "help\ntrain",
      "--version",
    ].map { Array($0.utf8) }
  }

  @Sendable static func tensors() throws -> [[UInt8]] {
    var file = SafetensorsFile(metadata: ["a": "b", "options": "{\"x\":1}"])
    file.append(SafetensorsArray(floats: [1, 2, 3, 4], shape: [2, 2]), named: "w")
    file.append(SafetensorsArray(doubles: [1], shape: []), named: "é")
    file.append(SafetensorsArray(type: .bool, shape: [3], bytes: [0, 1, 1]), named: "flags")
    return [try file.serialized(), try SafetensorsFile().serialized()]
  }

  @Sendable static func optimizers() throws -> [[UInt8]] {
    var file = SafetensorsFile(metadata: ["net": "Sgd", "net_options": "{\"learning_rate\":0.1}"])
    let plain = try file.serialized()
    file.metadata = [
      "net": "CoordinateWiseDeepLSTM",
      "net_options": "{\"layers\":[1],\"preprocess_name\":\"identity\",\"scale\":0.1}",
    ]
    for (name, shape) in [
      ("lstm_1/w_gates", [2, 4]), ("lstm_1/b_gates", [4]), ("linear/w", [1, 1]), ("linear/b", [1]),
    ] {
      let count = shape.reduce(1, *)
      file.append(
        SafetensorsArray(floats: [Float](repeating: 0.1, count: count), shape: shape), named: name)
    }
    return [plain, try file.serialized()]
  }
}
