import Foundation
import Testing

/// What rliable and optax make of given numbers; written by Scripts/peers/evaluation_fixture.py.
struct EvaluationFixture: Decodable {
  struct Statistics: Decodable {
    let seed: UInt64
    let scores: [[Double]]
    let iqm: Double
    let interval: [Double]
    let intervalWithNumpy: [Double]
    let taus: [Double]
    let profile: [Double]
    let profileLow: [Double]
    let profileHigh: [Double]
  }

  struct Schedule: Decodable {
    let form: String
    let steps: Int
    let warmup: Double
    let factors: [Double]
  }

  struct Trajectory: Decodable {
    let optimizer: String
    let rate: Float
    let momentum: Double
    let weightDecay: Float
    let steps: Int
    let schedule: String
    let final: [Float]
  }

  let statistics: [Statistics]
  let schedules: [Schedule]
  let trajectories: [Trajectory]

  static func load() throws -> EvaluationFixture {
    let url = try #require(
      Bundle.module.url(
        forResource: "evaluation", withExtension: "json", subdirectory: "Fixtures"))
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(EvaluationFixture.self, from: Data(contentsOf: url))
  }
}
