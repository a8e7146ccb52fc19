/// One optimizer's way through one task at one horizon: its trials, one after the other, then the
/// result with the best of them, then what it makes of other numbers of steps that it is told.
struct SuiteChain {
  let task: Int
  let horizon: Int
  let entrant: Int
  private let rule: Entrant
  private let taskName: String
  private let settings: SuiteSettings
  private var search: HyperparameterSearch?
  private var shares: [Double] = []
  private var hasFinal = false

  init(
    task: (index: Int, name: String), horizon: Int, entrant: (index: Int, Entrant),
    settings: SuiteSettings
  ) {
    self.task = task.index
    self.horizon = horizon
    self.entrant = entrant.index
    self.settings = settings
    rule = entrant.1
    taskName = task.name
    if !rule.dimensions.isEmpty {
      search = HyperparameterSearch(
        rule.dimensions, schedule: rule.schedule, trials: settings.trialCount,
        seed: settings.seed)
    }
  }

  /// How many units there are, but for those of told numbers of steps.
  var unitCount: Int { (search == nil ? 0 : settings.trialCount) + 1 }

  /// How many of these are done.
  var doneCount: Int { (search?.trials.count ?? 0) + (hasFinal ? 1 : 0) }

  /// What to do next; nil when all is done.
  var next: (unit: SuiteUnit, hyperparameters: Hyperparameters?)? {
    func unit(_ purpose: SuiteUnit.Purpose) -> SuiteUnit {
      SuiteUnit(task: taskName, horizon: horizon, entrant: rule.label, purpose: purpose)
    }
    if let search, let upcoming = search.upcoming {
      return (unit(.trial(search.trials.count)), upcoming)
    }
    let best = search?.best?.hyperparameters
    if !hasFinal { return (unit(.final), best) }
    return shares.first.map { (unit(.told($0)), best) }
  }

  /// Goes on behind what was to be done next.
  mutating func take(_ result: SuiteResult) throws {
    switch result.unit.purpose {
    case .trial: search?.record(result.mean)
    case .final:
      hasFinal = true
      if try rule.looksAtProgress(search?.best?.hyperparameters) { shares = settings.toldShares }
    case .told: shares.removeFirst()
    }
  }

  /// Goes on as far as results are known.
  mutating func replay(_ known: [SuiteUnit: SuiteResult]) throws {
    while let next, let result = known[next.unit],
      result.hyperparameters == next.hyperparameters
    {
      try take(result)
    }
  }
}
