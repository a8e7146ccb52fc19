internal import Problems
internal import ProcessGroups
internal import Unrolling

/// Takes the runs of a unit.
struct SuiteMeasurement {
  let settings: SuiteSettings

  /// Evaluations of a measured loss take their minibatches from here on, far behind those of steps.
  private static let firstProbe = 1 << 30

  /// The optimizees of a unit.
  func runCount(_ unit: SuiteUnit) -> Int {
    if case .trial = unit.purpose { return settings.tuningSeedCount }
    return settings.seedCount
  }

  /// What steps the optimizees of a unit.
  ///
  /// - Throws: `ExperimentError`, `OptimizerError`.
  func unroller(
    _ unit: SuiteUnit, _ task: SuiteTask, _ entrant: Entrant, _ hyperparameters: Hyperparameters?
  ) throws -> Unroller {
    let trained = try entrant.nets(hyperparameters)
    var tasks = task.measured
    if case .trial = unit.purpose { tasks = task.tuning }
    return Unroller(
      try Experiment(tasks: tasks, nets: trained.nets), weights: trained.weights)
  }

  /// One run of a unit from its start.
  ///
  /// - Returns: nil when it was asked to stop before its end.
  func run(
    _ unroller: Unroller, _ unit: SuiteUnit, stepCount: Int, number: Int,
    shouldStop: () -> Bool
  ) -> SuiteRun? {
    let phase: OptimizeePhase
    let points: [Int]
    var told = stepCount
    switch unit.purpose {
    case .trial: (phase, points) = (.tuning, [stepCount])
    case .final: (phase, points) = (.test, settings.points(of: stepCount))
    case .told(let share):
      (phase, points) = (.test, [stepCount])
      told = max(Int((Double(stepCount) * share).rounded()), 1)
    }
    let key = OptimizeeKey(
      seed: settings.seed, phase: phase, epoch: number,
      instance: number % unroller.experiment.tasks.count)
    var optimizee = unroller.makeOptimizee(key, plannedSteps: told)
    var run = SuiteRun(losses: [], parameterCount: optimizee.layout.count)
    do throws(Divergence) {
      for point in points {
        while run.steps < point {
          if shouldStop() { return nil }
          try step(unroller, &optimizee, &run)
        }
        run.losses.append(try loss(unroller, optimizee, point: run.losses.count))
      }
    } catch {
      run.losses += Array(repeating: nil, count: points.count - run.losses.count)
    }
    return run
  }

  private func step(
    _ unroller: Unroller, _ optimizee: inout Optimizee, _ run: inout SuiteRun
  ) throws(Divergence) {
    let start = ContinuousClock.now
    let (loss, gradient) = try unroller.lossAndGradient(&optimizee)
    let middle = ContinuousClock.now
    unroller.advance(&optimizee, gradient, loss: loss)
    run.gradientSeconds += (middle - start).inSeconds
    run.updateSeconds += (ContinuousClock.now - middle).inSeconds
    run.steps += 1
  }

  /// The mean loss over minibatches that no step takes, the same for all optimizers.
  private func loss(
    _ unroller: Unroller, _ optimizee: Optimizee, point: Int
  ) throws(Divergence) -> Float {
    var sum = 0.0
    for batch in 0..<settings.batchCount {
      var probe = optimizee
      probe.evaluations = Self.firstProbe + point * settings.batchCount + batch
      sum += Double(try unroller.finalLoss(&probe))
    }
    return Float(sum / Double(settings.batchCount))
  }
}
