// swift-tools-version: 6.1
import PackageDescription

// Who may import whom is checked by Scripts/check.

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
    .library(name: "LearnedOptimizers", targets: ["LearnedOptimizers"]),
    .library(name: "MetaTraining", targets: ["MetaTraining"]),
    .executable(name: "l2l", targets: ["l2l"]),
    .executable(name: "l2l-bench", targets: ["l2l-bench"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
  ],
  targets: [
    // MARK: - System libraries and C
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CKernels", exclude: ["README.md"]),
    .target(name: "CMNISTSubset", exclude: ["data", "README.md"]),
    .target(name: "CPretrainedOptimizers", exclude: ["data", "README.md"]),

    // MARK: - Libraries, from the ground up
    library("Safetensors", []),
    library("Datasets", ["Tensors", "CZlib", "CMNISTSubset", "CKernels"]),
    library("Tensors", ["CKernels", "COpenBLAS"]),
    library("Autodiff", ["Tensors"]),
    library("Layers", ["Autodiff", "Tensors"]),
    library("Problems", ["Layers", "Autodiff", "Tensors", "Datasets"]),
    library(
      "LearnedOptimizers",
      ["Layers", "Autodiff", "Tensors", "Safetensors", "CKernels", "CPretrainedOptimizers"]),
    library("Experiments", ["Problems", "LearnedOptimizers", "Layers", "Tensors"]),
    library(
      "MetaTraining",
      [
        "Experiments", "Problems", "LearnedOptimizers", "Layers", "Autodiff", "Tensors",
        "Safetensors",
      ]),
    library("Comparison", ["MetaTraining", "Experiments", "LearnedOptimizers", "Problems"]),
    library("Reports", ["Comparison", "Experiments", "LearnedOptimizers"]),

    library("Telemetry", ["MetaTraining", "Safetensors"]),

    // MARK: - MPI: only these and the programs know that it exists
    .systemLibrary(
      name: "CMPISystem", pkgConfig: mpiPkgConfig, providers: [.apt(mpiPackages)]),
    .target(name: "CMPI", dependencies: ["CMPISystem"], exclude: ["README.md"]),
    library("MPI", ["CMPI"]),
    library("DistributedTraining", ["MetaTraining", "MPI"]),

    // MARK: - Programs
    .executableTarget(
      name: "l2l",
      dependencies: [
        "Comparison", "Reports", "DistributedTraining", "Telemetry", "MetaTraining", "Experiments",
        "Problems",
        "LearnedOptimizers", "Layers", "Tensors", "Safetensors", "Datasets",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      exclude: ["README.md"], swiftSettings: swift),

    .executableTarget(
      name: "l2l-bench",
      dependencies: [
        "DistributedTraining", "MetaTraining", "Experiments", "Problems", "LearnedOptimizers",
        "Autodiff", "Tensors", "Datasets", "CKernels",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      exclude: ["README.md"], swiftSettings: swift),

    // MARK: - Tests
    .target(
      name: "TestSupport", dependencies: ["Autodiff", "Safetensors", "Tensors"],
      path: "Tests/TestSupport",
      swiftSettings: swift),
    tests("Readme", ["LearnedOptimizers", "Tensors"]),
    tests(
      "MetaTraining",
      [
        "MetaTraining", "Experiments", "Problems", "LearnedOptimizers", "Layers", "Autodiff",
        "Tensors", "Safetensors", "TestSupport",
      ], resources: [.copy("Fixtures")]),
    tests(
      "Telemetry",
      [
        "Telemetry", "MetaTraining", "Experiments", "Problems", "LearnedOptimizers", "Tensors",
        "TestSupport",
      ]),
    tests(
      "Comparison",
      [
        "Comparison", "MetaTraining", "Experiments", "Problems", "LearnedOptimizers", "Datasets",
        "Tensors",
      ]),
    tests("Reports", ["Reports", "Comparison", "LearnedOptimizers"]),
    tests("Safetensors", ["Safetensors", "TestSupport"]),
    // Depends on the program so that it is built; the tests run it.
    tests("l2l", ["l2l", "Safetensors", "TestSupport"], resources: [.copy("Fixtures")]),
    tests("MPI", ["MPI"]),
    tests(
      "DistributedTraining",
      [
        "DistributedTraining", "MetaTraining", "MPI", "Experiments", "Problems", "Datasets",
        "LearnedOptimizers", "Layers", "Tensors", "Safetensors", "TestSupport",
      ]),
    tests("Datasets", ["Datasets", "TestSupport", "CZlib", "CMNISTSubset"]),
    tests(
      "Experiments",
      ["Experiments", "Problems", "LearnedOptimizers", "Layers", "Autodiff", "Datasets", "Tensors"]),
    tests(
      "LearnedOptimizers",
      [
        "LearnedOptimizers", "Layers", "Autodiff", "Tensors", "Safetensors", "CKernels",
        "TestSupport",
      ], resources: [.copy("Fixtures")]),
    tests("Tensors", ["Tensors", "CKernels", "TestSupport"]),
    tests("Autodiff", ["Autodiff", "Tensors", "TestSupport"]),
    tests(
      "Problems", ["Problems", "Layers", "Autodiff", "Datasets", "Tensors", "TestSupport"]),
  ]
)
