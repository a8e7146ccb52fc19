import Catalogs
import Checkpoints
import Reports

// Optimizers in the files of other programs, and tables and suites of users.
extension Reader {
  static let checkpoints = [
    checkpoint("flax", .none, ".state"), checkpoint("pickle", .none, ".pickle"),
    checkpoint("pylo", .header, ".safetensors"),
  ]

  /// Starts from the fixtures of one ending, which other programs wrote.
  private static func checkpoint(
    _ name: String, _ envelope: Envelope, _ ending: String
  ) -> Reader {
    Reader(
      name, envelope, corpus: "../CheckpointsTests/Fixtures", ending: ending, seeds: { [] },
      read: { bytes, _ in
        let result = try CheckpointReader().read(bytes)
        // What was taken can be written again.
        _ = try ConvertedFile(result.trained, as: result.format)
      })
  }

  static let others = [
    Reader("suite", seeds: Seeds.suites) { bytes, _ in
      guard let text = String(validating: bytes, as: UTF8.self) else { return }
      _ = try Suite(parsing: text, name: "x", standard: Suite.fileStandard)
    },
    Reader("envelope", seeds: Seeds.envelopes) { bytes, _ in
      guard let text = String(validating: bytes, as: UTF8.self) else { return }
      let envelopes = try EnvelopeFile.envelopes(parsing: text)
      guard try EnvelopeFile.envelopes(parsing: EnvelopeFile.text(of: envelopes)) == envelopes
      else {
        fatalError("envelopes that are read and written are others")
      }
    },
    Reader("report", corpus: "metrics", seeds: Seeds.metrics) { bytes, _ in
      _ = TrainingReport.rows(ofTable: String(decoding: bytes, as: UTF8.self))
    },
  ]
}
