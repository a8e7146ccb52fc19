/// One of the two parts of a data set.
public enum DatasetSplit: String, CaseIterable, Sendable {
  /// The images to learn from.
  case train
  /// The images to test with.
  case test
}
