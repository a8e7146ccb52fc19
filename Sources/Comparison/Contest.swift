package import Problems
package import ProcessGroups
package import Unrolling

/// What a comparison's numbers follow from, besides the contenders and the problem.
package struct ContestSettings: Sendable {
  /// Optimizees that the result is measured on.
  package var epochCount = 100
  /// Steps of each.
  package var stepCount = 100
  /// The seed of all random numbers.
  package var seed: UInt64 = 0
  /// Optimizees that each learning rate is tried on.
  package var tuningEpochs = 50
  /// Learning rates tried for each contender.
  package var tuningTrials = LearningRateSearch.defaultTrials

  /// The defaults.
  package init() {}
}

/// Why a comparison can't go on.
package enum ContestError: Error, Equatable, Sendable {
  /// A process of the group was asked to stop.
  case stopped
}

/// Runs contenders against each other.
///
/// All are unrolled on the same optimizees: same initial parameters, constants and minibatches, keyed
/// by seed, phase and epoch, each contender starting afresh. Learning rates are chosen on optimizees
/// of a phase of their own, which share no random number with those of the result nor with those of
/// training; all contenders with a rate to tune get the same number of trials.
///
/// The optimizees are shared out over the processes of the group; every process must make the same
/// calls. Losses don't depend on the number of processes.
package final class Contest {
  /// Who takes part.
  package let contenders: [Contender]
  private let settings: ContestSettings
  private let group: any ProcessGroup
  private let shouldStop: () -> Bool

  /// A contest.
  ///
  /// - Parameter shouldStop: asked after every step; when any process of the group says yes, all
  ///   throw `ContestError.stopped`.
  package init(
    _ contenders: [Contender], settings: ContestSettings, group: any ProcessGroup,
    shouldStop: @escaping () -> Bool = { false }
  ) {
    self.contenders = contenders
    self.settings = settings
    self.group = group
    self.shouldStop = shouldStop
  }

  /// Looks for learning rates on one problem; see below.
  package func tune(
    on problem: any Problem, progress: (_ done: Int, _ count: Int) -> Void = { _, _ in }
  ) throws -> [LearningRateSearch?] {
    try tune(on: [TaskAssignment("", problem)], progress: progress)
  }

  /// Runs every contender on one problem; see below.
  package func measure(
    on problem: any Problem, rates: [Float?],
    progress: (_ done: Int, _ count: Int) -> Void = { _, _ in }
  ) throws -> [[ContestRun]]? {
    try measure(on: [TaskAssignment("", problem)], rates: rates, progress: progress)
  }

  // MARK: - Tuning

  /// Looks for the learning rates of the contenders that need one.
  ///
  /// The objective is the mean final loss, infinite when any optimizee diverged.
  ///
  /// - Parameter progress: called after every trial, with what is done of all.
  /// - Returns: a search a contender, the same on every process; nil for those that need none.
  /// - Throws: `ContestError`, `ExperimentError`, `OptimizerError`, and what the group throws.
  package func tune(
    on tasks: [TaskAssignment], progress: (_ done: Int, _ count: Int) -> Void = { _, _ in }
  ) throws -> [LearningRateSearch?] {
    let count = contenders.count { $0.needsTuning } * settings.tuningTrials
    var done = 0
    return try contenders.map { contender in
      guard contender.needsTuning else { return nil }
      var search = LearningRateSearch(trials: settings.tuningTrials)
      while try search.step({ rate in
        return try finalMean(try makeUnroller(contender, rate: rate, tasks))
      }) {
        done += 1
        progress(done, count)
      }
      return search
    }
  }

  private func finalMean(_ unroller: Unroller) throws -> Double {
    var losses = [Double](repeating: .infinity, count: settings.tuningEpochs)
    try inTurn(settings.tuningEpochs) { epoch in
      let run = unrolled(unroller, epoch: epoch, phase: .tuning)
      losses[epoch] = Double(run.losses.last ?? .infinity)
    }
    try group.gather(&losses)
    return losses.reduce(0, +) / Double(losses.count)
  }

  // MARK: - Measuring

  /// Runs every contender on every optimizee; on each optimizee all contenders in turn, so that
  /// whatever else the machine does slows down all of them alike.
  ///
  /// - Parameters:
  ///   - rates: the learning rate of each contender that has none of its own.
  ///   - progress: called after every optimizee with what this process has done of its share.
  /// - Returns: on rank 0 the runs of each contender in the order of epochs; nil on the others.
  /// - Throws: as `tune`.
  package func measure(
    on tasks: [TaskAssignment], rates: [Float?],
    progress: (_ done: Int, _ count: Int) -> Void = { _, _ in }
  ) throws -> [[ContestRun]]? {
    let unrollers = try zip(contenders, rates).map { contender, rate in
      try makeUnroller(contender, rate: rate, tasks)
    }
    var bytes: [UInt8] = []
    let share = group.share(of: settings.epochCount)
    try inTurn(settings.epochCount) { epoch in
      for unroller in unrollers {
        unrolled(unroller, epoch: epoch, phase: .test).append(to: &bytes)
      }
      progress(epoch - share.lowerBound + 1, share.count)
    }
    guard let shares = try group.gather(bytes) else { return nil }
    var reader = shares.joined().makeIterator()
    var runs = [[ContestRun]](repeating: [], count: contenders.count)
    for _ in 0..<settings.epochCount {
      for contender in contenders.indices {
        runs[contender].append(
          ContestRun(reading: &reader, lossCount: settings.stepCount + 1))
      }
    }
    return runs
  }

  private func makeUnroller(
    _ contender: Contender, rate: Float?, _ tasks: [TaskAssignment]
  ) throws -> Unroller {
    let trained = contender.nets(rate: rate)
    return Unroller(
      try Experiment(tasks: tasks, nets: trained.nets), weights: trained.weights)
  }

  private func inTurn(_ count: Int, _ body: (_ item: Int) throws -> Void) throws {
    do {
      try group.inTurn(count, shouldStop: shouldStop, body)
    } catch is EvaluationStopped {
      throw ContestError.stopped
    }
  }

  /// One run from the reset; a stop ends it early.
  private func unrolled(_ unroller: Unroller, epoch: Int, phase: OptimizeePhase) -> ContestRun {
    let key = OptimizeeKey(
      seed: settings.seed, phase: phase, epoch: epoch,
      // Of several tasks each has every so many epochs.
      instance: epoch % unroller.experiment.tasks.count)
    var instance = unroller.makeOptimizee(key, plannedSteps: settings.stepCount)
    var run = ContestRun(losses: [], steps: 0, seconds: 0)
    run.losses.reserveCapacity(settings.stepCount + 1)
    let clock = ContinuousClock()
    let start = clock.now
    do throws(Divergence) {
      while run.steps < settings.stepCount, !shouldStop() {
        run.losses.append(try unroller.step(&instance))
        run.steps += 1
      }
      run.seconds = (clock.now - start).inSeconds
      run.losses.append(try unroller.finalLoss(&instance))
    } catch {
      if run.seconds == 0 { run.seconds = (clock.now - start).inSeconds }
    }
    let missing = settings.stepCount + 1 - run.losses.count
    run.losses += [Float](repeating: .infinity, count: max(missing, 0))
    return run
  }
}

/// One contender on one optimizee.
package struct ContestRun: Equatable, Sendable {
  /// The losses from f_0 to f_T, infinite from the step on at which it diverged.
  package var losses: [Float]
  /// The steps taken, fewer than T when it diverged.
  package var steps: Int
  /// The time they took: gradients of the loss and updates, without the last loss.
  package var seconds: Double

  /// A run of which all is known.
  package init(losses: [Float], steps: Int, seconds: Double) {
    self.losses = losses
    self.steps = steps
    self.seconds = seconds
  }

  func append(to bytes: inout [UInt8]) {
    withUnsafeBytes(of: seconds.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    withUnsafeBytes(of: UInt64(steps).littleEndian) { bytes.append(contentsOf: $0) }
    for loss in losses {
      withUnsafeBytes(of: loss.bitPattern.littleEndian) { bytes.append(contentsOf: $0) }
    }
  }

  init(reading bytes: inout some IteratorProtocol<UInt8>, lossCount: Int) {
    func word(_ count: Int) -> UInt64 {
      (0..<count).reduce(0) { $0 | UInt64(bytes.next() ?? 0) << (8 * UInt64($1)) }
    }
    seconds = Double(bitPattern: word(8))
    steps = Int(word(8))
    losses = (0..<lossCount).map { _ in Float(bitPattern: UInt32(word(4))) }
  }
}
