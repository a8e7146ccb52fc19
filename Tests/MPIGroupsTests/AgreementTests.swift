import Catalogs
import Datasets
import LearnedOptimizers
import MetaTraining
import Problems
import ProcessGroups
import Tensors
import TestSupport
import Testing
import Unrolling

@Suite struct AgreementTests {
  private func disagreements(
    _ ranks: Int, _ items: @escaping @Sendable (Int) -> [(name: String, hash: UInt64)]
  ) -> [Disagreement?] {
    FakeGroup.run(ranks: ranks) { group in
      do {
        try group.agree(on: items(group.rank))
        return nil
      } catch let error as Disagreement {
        return error
      }
    }.map { (try? $0.get()) ?? nil }
  }

  @Test("ranks with equal items agree")
  func equal() {
    let result = disagreements(4) { _ in [("version", 1), ("weights", .max)] }
    #expect(result == [nil, nil, nil, nil])
  }

  @Test("the first item that differs and its ranks are named on every rank")
  func different() {
    let result = disagreements(4) { rank in
      [("version", 7), ("options", rank == 1 || rank == 3 ? 0 : 5), ("weights", UInt64(rank))]
    }
    #expect(result.count == 4)
    for disagreement in result {
      #expect(disagreement?.item == "options")
      #expect(disagreement?.ranks == [1, 3])
    }
  }

  @Test("hashes differ in one bit, one order, one sign")
  func hashes() {
    func hash(_ values: [Float]) -> UInt64 {
      var hash = ContentHash()
      hash.add(Tensor(values, shape: Shape(vector: values.count)))
      return hash.value
    }
    #expect(hash([1, 2]) == hash([1, 2]))
    #expect(hash([1, 2]) != hash([2, 1]))
    #expect(hash([1, 2]) != hash([1, Float(2).nextUp]))
    #expect(hash([0]) != hash([-0.0]))
    #expect(ContentHash("0.1.0").value != ContentHash("0.1.1").value)
  }
}

/// Meta-training by threads.
@Suite struct FakeGroupTrainingTests {
  private static func trainer(
    _ group: any ProcessGroup, optimizees: Int, changing change: (inout TrainingState) -> Void
  ) throws -> MetaTrainer {
    var options = TrainingOptions(
      problem: "quadratic", problemOptions: ["batch_size": "4", "num_dims": "3"])
    options.epochCount = 4
    options.stepCount = 6
    options.unrollLength = 3
    options.logPeriod = 2
    options.evaluationPeriod = 2
    options.evaluationEpochs = 3
    options.optimizees = optimizees
    let built = try Catalog.standard.problem(named: "quadratic").make(
      options: options.problemOptions, data: ProblemData(split: .train))
    let nets = try Catalog.standard.problem(named: "quadratic").nets.map {
      try $0.assignment(from: Catalog.standard.optimizers)
    }
    let experiment = try Experiment(problem: built.problem, nets: nets)
    var state = MetaTrainer.initialState(of: experiment, options: options)
    change(&state)
    return MetaTrainer(experiment: experiment, options: options, state: state, group: group)
  }

  /// The bits of all weights after the training.
  private static func train(_ group: any ProcessGroup, optimizees: Int) throws -> [UInt32] {
    let trainer = try trainer(group, optimizees: optimizees) { _ in }
    _ = try trainer.run()
    return trainer.state.weights.flatMap(\.flattened.elements).map(\.bitPattern)
  }

  @Test("weights are the same bits on every rank and for every number of ranks")
  func sameBits() throws {
    for optimizees in [1, 3, 5] {
      let reference = try Self.train(SoleProcess(), optimizees: optimizees)
      for ranks in [1, 2, 3, 4, 7] {
        let results = FakeGroup.run(ranks: ranks) {
          try Self.train($0, optimizees: optimizees)
        }
        for result in results {
          let isSame = try result.get() == reference
          #expect(isSame, "\(optimizees) optimizees on \(ranks) ranks")
        }
      }
    }
  }

  @Test("a rank whose weights, Adam state or epoch differ is named before the first step")
  func differentStates() throws {
    let changes: [(String, @Sendable (inout TrainingState) -> Void)] = [
      (
        "weights",
        {
          $0.weights[0] = $0.weights[0].unflattening(
            .zeros(Shape(vector: $0.weights[0].elementCount)))
        }
      ),
      ("Adam state", { $0.optimizer.stepCount += 1 }),
      ("epoch", { $0.epoch += 1 }),
    ]
    for (item, change) in changes {
      let results = FakeGroup.run(ranks: 3) { group in
        let trainer = try Self.trainer(group, optimizees: 3) {
          if group.rank == 2 { change(&$0) }
        }
        _ = try trainer.run()
      }
      for result in results {
        let error = #expect(throws: Disagreement.self) { try result.get() }
        #expect(error?.item == item)
        #expect(error?.ranks == [2])
      }
    }
  }

  @Test("a stop that one rank wants stops all after the same unroll, and resuming goes on")
  func stop() throws {
    let ends = FakeGroup.run(ranks: 3) { group in
      let trainer = try Self.trainer(group, optimizees: 4) { _ in }
      var unrolls = 0
      let end = try trainer.run {
        unrolls += 1
        return group.rank == 1 && unrolls == 3
      }
      return (end == .stopped, trainer.state.epoch, trainer.state.unroll)
    }
    for end in ends {
      let (stopped, epoch, unroll) = try end.get()
      #expect(stopped)
      #expect(epoch == 1 && unroll == 1)
    }
  }
}
