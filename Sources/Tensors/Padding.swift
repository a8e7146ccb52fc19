/// What windows that slide over an image do at its edges.
public enum Padding: String, Sendable, Hashable, CaseIterable {
  /// As many windows as strides begin inside the image, ceil(extent / stride): the image is padded,
  /// evenly before and after, and once more after where the number is odd (TensorFlow's SAME).
  case same
  /// Windows that lie wholly inside the image.
  case valid
}

/// Where the windows of a convolution or a pooling lie along one axis of an image.
package struct WindowPlacement: Sendable, Equatable {
  /// The number of windows.
  package let count: Int
  /// The padding before the image's first element.
  package let before: Int

  /// The windows of `window` elements, `stride` apart, over `extent` elements.
  ///
  /// - Precondition: at least one window fits.
  package init(extent: Int, window: Int, stride: Int, padding: Padding) {
    demand(window > 0 && stride > 0, "a window of \(window) with stride \(stride)")
    switch padding {
    case .same:
      count = (extent + stride - 1) / stride
      before = max((count - 1) * stride + window - extent, 0) / 2
    case .valid:
      demand(window <= extent, "a window of \(window) does not fit into \(extent) without padding")
      count = (extent - window) / stride + 1
      before = 0
    }
    demand(count > 0, "windows over an image of extent \(extent)")
  }
}
