// swift-tools-version: 6.1
import Foundation
import PackageDescription

let library = Target.Dependency.product(name: "LearningToLearn", package: "l2l")
let checks = Target.Dependency.product(name: "LearningToLearnTesting", package: "l2l")

// The Swift in the library's articles, one program an article, as `check` has put it here.
let folder = Context.packageDirectory + "/Articles"
let articles = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).sorted()

// What is new lies in a library, so that tests can import it; the program is its main alone.
let package = Package(
  name: "lab",
  dependencies: [.package(name: "l2l", path: "../..")],
  targets: [
    .target(name: "Parts", dependencies: [library]),
    .executableTarget(name: "lab", dependencies: ["Parts", library]),
    .testTarget(name: "PartsTests", dependencies: ["Parts", library, checks]),
  ]
    + articles.map {
      .executableTarget(
        name: $0,
        dependencies: [
          library, checks, .product(name: "LearnedOptimizers", package: "l2l"),
          .product(name: "MetaTraining", package: "l2l"),
          .product(name: "MPIGroups", package: "l2l"),
        ], path: "Articles/\($0)")
    })
