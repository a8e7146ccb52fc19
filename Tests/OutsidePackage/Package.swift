// swift-tools-version: 6.1
import PackageDescription

let package = Package(
  name: "lab",
  dependencies: [.package(name: "l2l", path: "../..")],
  targets: [
    .executableTarget(
      name: "lab", dependencies: [.product(name: "LearningToLearn", package: "l2l")])
  ])
