public import Datasets
internal import Layers

/// The tasks that the published Celo2 optimizer was trained on, and where their data come from.
///
/// Moudgil et al., 2026 (https://arxiv.org/abs/2602.19142): perceptrons with 32 ReLU units on MNIST,
/// Fashion-MNIST, CIFAR-10 and SVHN as grey images of 8 x 8, minibatches of 64, weights scaled by
/// inputs and biases 0.
public enum SmallImageTasks {
  /// The images' height and width.
  public static let side = 8

  /// The four tasks, one a data set, in the order of `ImageSet`.
  ///
  /// Sets that are not there are replaced as `ImageSet.load(split:directory:standIn:)` says; the
  /// notices of the tasks' `datasets` name them.
  ///
  /// - Throws: `DatasetError` for a folder that was named and is not there, and for damaged files.
  public static func all(
    split: DatasetSplit, directory: String? = nil
  ) throws(DatasetError) -> [ImagePerceptron] {
    var tasks: [ImagePerceptron] = []
    for set in ImageSet.allCases {
      let images = try set.load(split: split, directory: directory, standIn: true)
        .resized(height: side, width: side, isGrey: true)
      tasks.append(
        ImagePerceptron(source: .sampled(images, batchSize: 64), layers: [32], activation: .relu))
    }
    return tasks
  }
}
