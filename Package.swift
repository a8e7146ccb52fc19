// swift-tools-version: 6.1
import PackageDescription

// Targets stand in the order of imports, what is imported above what imports it; Scripts/check sees to
// it that this is so and that no file imports anything else.

// One place for the settings of all Swift targets.
let swift: [SwiftSetting] = [
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
]

func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, exclude: ["README.md"], swiftSettings: swift)
}

func tests(_ name: String, _ dependencies: [Target.Dependency], resources: [Resource] = [])
  -> Target
{
  .testTarget(
    name: "\(name)Tests", dependencies: dependencies, resources: resources, swiftSettings: swift)
}

// MARK: - Which MPI: L2L_MPI=openmpi (the default), mpich, or the pkg-config name of another one

let (mpiPkgConfig, mpiPackages): (String, [String]) =
  switch Context.environment["L2L_MPI"] ?? "openmpi" {
  case "openmpi", "": ("ompi-c", ["libopenmpi-dev", "openmpi-bin"])
  case "mpich": ("mpich", ["libmpich-dev", "mpich"])
  case let other: (other, ["libopenmpi-dev", "openmpi-bin"])
  }

let package = Package(
  name: "l2l",
  products: [
    // Everything with the commands; the others are its parts for those who need only one.
    .library(name: "LearningToLearn", targets: ["LearningToLearn"]),
    .library(name: "Tensors", targets: ["Tensors"]),
    .library(name: "Autodiff", targets: ["Autodiff"]),
    .library(name: "Layers", targets: ["Layers"]),
    .library(name: "Problems", targets: ["Problems"]),
    .library(name: "LearnedOptimizers", targets: ["LearnedOptimizers"]),
    .library(name: "ProcessGroups", targets: ["ProcessGroups"]),
    .library(name: "MetaGradients", targets: ["MetaGradients"]),
    .library(name: "MetaTraining", targets: ["MetaTraining"]),
    // What Scripts/build-library makes libl2l.so and libl2l.a of.
    .library(name: "l2l-objects", type: .static, targets: ["LearnedOptimizersC"]),
    .library(name: "MPIGroups", targets: ["MPIGroups"]),
    .library(name: "LearningToLearnTesting", targets: ["LearningToLearnTesting"]),
    .executable(name: "l2l", targets: ["l2l"]),
    .executable(name: "l2l-bench", targets: ["l2l-bench"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.6.0")
  ],
  targets: [
    // MARK: - System libraries and C
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CKernels", exclude: ["README.md"]),
    .target(name: "CProcesses", exclude: ["README.md"]),
    .target(name: "CAllocation", exclude: ["README.md"]),
    .target(name: "CMNISTSubset", exclude: ["data", "README.md"]),
    .target(name: "CEmbeddedText", exclude: ["data", "README.md"]),
    .target(name: "CPretrainedOptimizers", exclude: ["data", "README.md"]),

    // MARK: - Libraries, from the ground up
    library("Platform", []),
    library("Essentials", ["Platform"]),
    library("Settings", ["Essentials"]),
    library("Files", ["Platform"]),
    library("Processes", ["CProcesses", "Platform"]),
    library("Safetensors", ["Files"]),
    library("Tensors", ["CKernels", "COpenBLAS", "Platform"]),
    library(
      "Datasets", ["Tensors", "CZlib", "CMNISTSubset", "CEmbeddedText", "CKernels", "Platform"]),
    library("Autodiff", ["Tensors"]),
    library("Layers", ["Autodiff", "Tensors"]),
    library(
      "Problems",
      ["Layers", "Autodiff", "Tensors", "Datasets", "Settings", "CKernels", "Platform"]),
    library(
      "LearnedOptimizers",
      [
        "Layers", "Autodiff", "Tensors", "Safetensors", "Settings", "CKernels",
        "CPretrainedOptimizers", "Platform",
      ]),
    .target(name: "CL2L", exclude: ["README.md"]),
    library(
      "LearnedOptimizersC",
      ["CL2L", "LearnedOptimizers", "Tensors", "Safetensors", "Settings", "Files", "Platform"]),
    library("Checkpoints", ["LearnedOptimizers", "Tensors", "Safetensors", "Settings"]),
    library("ProcessGroups", ["Tensors", "Platform"]),
    library(
      "Unrolling",
      [
        "ProcessGroups", "Problems", "LearnedOptimizers", "Layers", "Autodiff", "Tensors",
        "Essentials", "Platform",
      ]),
    library(
      "MetaGradients",
      ["Unrolling", "Problems", "LearnedOptimizers", "Layers", "Tensors", "Platform"]),
    library(
      "MetaTraining",
      [
        "MetaGradients", "Unrolling", "ProcessGroups", "Problems", "LearnedOptimizers", "Layers",
        "Tensors", "Safetensors", "Settings", "Essentials", "Platform",
      ]),
    library(
      "LearningToLearnTesting",
      [
        "MetaGradients", "Unrolling", "Problems", "LearnedOptimizers", "Layers", "Autodiff",
        "Tensors", "Safetensors",
      ]),
    library(
      "Comparison",
      [
        "Unrolling", "ProcessGroups", "LearnedOptimizers", "Problems", "Layers", "Autodiff",
        "Tensors", "Settings", "Essentials", "Platform",
      ]),
    library(
      "Reports",
      [
        "Comparison", "Unrolling", "LearnedOptimizers", "Settings", "Processes", "Essentials",
        "Platform",
      ]),
    library(
      "Catalogs",
      [
        "Comparison", "MetaTraining", "Unrolling", "LearnedOptimizers", "Problems", "Datasets",
        "Settings",
      ]),

    library("Telemetry", ["MetaTraining", "Unrolling", "Files", "Essentials", "Platform"]),

    // MARK: - MPI: only these and the programs know that it exists
    .systemLibrary(
      name: "CMPISystem", pkgConfig: mpiPkgConfig, providers: [.apt(mpiPackages)]),
    .target(name: "CMPI", dependencies: ["CMPISystem"], exclude: ["README.md"]),
    library("MPI", ["CMPI", "Platform"]),
    library("MPIGroups", ["ProcessGroups", "MPI"]),

    // MARK: - Programs
    .target(
      name: "CommandLine",
      dependencies: [
        "Catalogs", "Checkpoints", "Comparison", "Reports", "MPIGroups", "Telemetry",
        "MetaTraining",
        "MetaGradients", "Unrolling", "ProcessGroups", "Problems", "LearnedOptimizers", "Layers",
        "Tensors", "Safetensors", "Files", "Processes", "Datasets", "Settings",
        "Essentials", "Platform",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      exclude: ["README.md"], swiftSettings: swift),
    library(
      "LearningToLearn",
      [
        "CommandLine", "Catalogs", "Comparison", "MetaTraining", "MetaGradients", "Unrolling",
        "Problems", "LearnedOptimizers", "Layers", "Autodiff", "Tensors", "Datasets", "Settings",
      ]),
    .executableTarget(
      name: "l2l", dependencies: ["CAllocation", "LearningToLearn"], exclude: ["README.md"],
      swiftSettings: swift),

    .executableTarget(
      name: "l2l-bench",
      dependencies: [
        "Catalogs", "MPIGroups", "MetaTraining", "MetaGradients", "Unrolling", "ProcessGroups",
        "Problems", "LearnedOptimizers", "Layers", "Settings",
        "Autodiff", "Tensors", "Datasets", "CKernels", "COpenBLAS",
        "Essentials", "Platform",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      exclude: ["README.md"], swiftSettings: swift),

    .executableTarget(
      name: "l2l-fuzz",
      dependencies: [
        "CAllocation", "CommandLine", "Catalogs", "Checkpoints", "Reports", "Telemetry",
        "LearnedOptimizers", "Safetensors", "Files", "Processes", "Datasets", "Settings",
        "Essentials", "Platform",
      ],
      exclude: ["README.md"], swiftSettings: swift),

    // MARK: - Tests
    .target(
      name: "TestSupport",
      dependencies: [
        "ProcessGroups", "LearnedOptimizers", "Autodiff", "Safetensors", "Tensors", "Processes",
      ],
      path: "Tests/TestSupport",
      swiftSettings: swift),
    .target(
      name: "TrainingTestSupport",
      dependencies: [
        "MetaTraining", "MetaGradients", "Unrolling", "Problems", "LearnedOptimizers", "Layers",
        "Autodiff", "Tensors", "Settings", "TestSupport",
      ],
      path: "Tests/TrainingTestSupport",
      swiftSettings: swift),
    tests("CKernels", ["CKernels"]),
    tests("ProcessGroups", ["ProcessGroups", "Tensors", "TestSupport"]),
    tests(
      "MetaGradients",
      [
        "MetaTraining", "MetaGradients", "Unrolling", "Problems", "LearnedOptimizers", "Layers",
        "Autodiff", "Tensors", "Settings", "TestSupport", "TrainingTestSupport",
      ]),
    tests("Readme", ["LearnedOptimizers", "Tensors"]),
    tests(
      "MetaTraining",
      [
        "MetaTraining", "MetaGradients", "Unrolling", "ProcessGroups", "Problems",
        "LearnedOptimizers", "Layers", "Autodiff", "Tensors", "Safetensors", "Settings",
        "TestSupport", "TrainingTestSupport",
      ], resources: [.copy("Fixtures")]),
    tests(
      "Telemetry",
      [
        "Telemetry", "MetaTraining", "MetaGradients", "Unrolling", "ProcessGroups", "Problems",
        "LearnedOptimizers", "Tensors",
        "Files", "TestSupport",
      ]),
    tests(
      "Comparison",
      [
        "Catalogs", "Comparison", "Unrolling", "ProcessGroups", "Problems", "LearnedOptimizers",
        "Datasets", "Tensors", "TestSupport",
      ], resources: [.copy("Fixtures")]),
    tests("Reports", ["Reports", "Comparison", "LearnedOptimizers", "Settings", "Unrolling"]),
    tests("Settings", ["Settings"]),
    tests(
      "Catalogs",
      [
        "Catalogs", "Comparison", "Unrolling", "LearnedOptimizers", "Problems", "Layers",
        "Autodiff", "Datasets", "Settings", "Tensors", "TestSupport",
      ]),
    tests(
      "LearningToLearnTesting",
      [
        "LearningToLearnTesting", "Catalogs", "MetaTraining", "MetaGradients", "Unrolling",
        "LearnedOptimizers", "Problems", "Layers", "Autodiff", "Tensors", "Datasets", "Settings",
      ]),
    tests("Files", ["Files", "TestSupport"]),
    tests("Processes", ["Processes", "TestSupport"]),
    tests("Safetensors", ["Safetensors", "Files", "TestSupport"]),
    // Depends on the program so that it is built; the tests run it.
    tests(
      "l2l",
      [
        "l2l", "Catalogs", "MetaTraining", "MetaGradients", "Unrolling", "Problems",
        "LearnedOptimizers", "Datasets", "Layers", "Tensors", "Safetensors", "Settings",
        "Processes",
        "TestSupport",
        "TrainingTestSupport",
      ], resources: [.copy("Fixtures")]),
    tests("MPI", ["MPI"]),
    tests(
      "MPIGroups",
      [
        "Catalogs", "MPIGroups", "MetaTraining", "MetaGradients", "MPI", "Unrolling",
        "ProcessGroups", "Problems", "Datasets", "LearnedOptimizers", "Layers", "Tensors",
        "Safetensors", "Processes", "CKernels", "COpenBLAS", "TestSupport",
      ]),
    tests(
      "Datasets", ["Datasets", "Tensors", "TestSupport", "CZlib", "CMNISTSubset"],
      resources: [.copy("Fixtures")]),
    tests(
      "Unrolling",
      [
        "Unrolling", "Problems", "LearnedOptimizers", "Layers", "Autodiff", "Datasets", "Tensors",
        "TestSupport",
      ]),
    tests(
      "LearnedOptimizers",
      [
        "LearnedOptimizers", "Layers", "Autodiff", "Tensors", "Safetensors", "Settings",
        "CKernels", "TestSupport",
      ], resources: [.copy("Fixtures")]),
    tests(
      "LearnedOptimizersC",
      [
        "LearnedOptimizersC", "CL2L", "LearnedOptimizers", "Safetensors", "Settings", "Tensors",
        "TestSupport",
      ], resources: [.copy("Fixtures")]),
    tests(
      "Checkpoints",
      ["Checkpoints", "LearnedOptimizers", "Safetensors", "Settings", "Tensors", "TestSupport"],
      resources: [.copy("Fixtures")]),
    tests("Tensors", ["Tensors", "CKernels", "TestSupport"]),
    tests("Autodiff", ["Autodiff", "Tensors", "TestSupport"]),
    tests(
      "Problems",
      [
        "LearningToLearnTesting", "Catalogs", "Problems", "Layers", "Autodiff", "Datasets",
        "Tensors", "TestSupport",
      ]),
  ]
)
