@_exported public import Autodiff
@_exported public import Catalogs
internal import CommandLine
@_exported public import Comparison
@_exported public import Datasets
@_exported public import Layers
@_exported public import LearnedOptimizers
@_exported public import MetaGradients
@_exported public import MetaTraining
@_exported public import Problems
@_exported public import Settings
@_exported public import Tensors
@_exported public import Unrolling

/// Runs the command that the arguments of this process name, with what the catalog offers, and ends
/// the process: `train`, `evaluate`, `compare`, `unroll` and `list`, alone or under `mpirun`.
///
/// ```swift
/// import LearningToLearn
///
/// var catalog = Catalog.standard
/// catalog.problems.append(
///   ProblemEntry("rosenbrock", "the banana valley", nets: [.lstm]) { (options: RosenbrockOptions, _) in
///     Rosenbrock(options)
///   })
/// LearningToLearn.run(catalog)
/// ```
///
/// Ends with exit code 0, or with one line on standard error and a code that says of what kind the
/// error is: 64 wrong usage, 65 bad data, 66 a missing file, 70 a fault of the program, 73 something
/// that can't be written, 75 stopped with all saved.
public func run(_ catalog: Catalog = .standard) -> Never { Program.run(catalog) }
