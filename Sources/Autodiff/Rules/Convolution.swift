public import Tensors

// A convolution y(x, w) and its two gradients are the partial derivatives of one trilinear form, the
// sum of y(x, w) g. So the derivatives of each are the other two, with the operands exchanged.

/// y from images x and filters w, and a bias for each filter if there is a third operand.
struct Convolution2D: Primitive {
  let geometry: ConvolutionGeometry
  let hasBias: Bool

  func pullback(_ site: inout Pullback) {
    if hasBias && site.needs(2) {
      site.accumulate(site.cotangent.sum(to: site.shape(2)), into: 2)
    }
    if site.needs(0) {
      site.accumulate(site.cotangent.convolution2DInputGradient(site.operand(1), geometry), into: 0)
    }
    if site.needs(1) {
      site.accumulate(
        site.operand(0).convolution2DFilterGradient(site.cotangent, geometry), into: 1)
    }
  }
}

/// dx from cotangents g and filters w.
struct Convolution2DInputGradient: Primitive {
  let geometry: ConvolutionGeometry

  func pullback(_ site: inout Pullback) {
    if site.needs(0) {
      site.accumulate(site.cotangent.convolution2D(site.operand(1), geometry), into: 0)
    }
    if site.needs(1) {
      site.accumulate(
        site.cotangent.convolution2DFilterGradient(site.operand(0), geometry), into: 1)
    }
  }
}

/// dw from images x and cotangents g.
struct Convolution2DFilterGradient: Primitive {
  let geometry: ConvolutionGeometry

  func pullback(_ site: inout Pullback) {
    if site.needs(0) {
      site.accumulate(site.operand(1).convolution2DInputGradient(site.cotangent, geometry), into: 0)
    }
    if site.needs(1) {
      site.accumulate(site.operand(0).convolution2D(site.cotangent, geometry), into: 1)
    }
  }
}

extension Variable {
  /// The convolution of images [batch, height, width, channels] with filters [window height, window
  /// width, channels, filters], plus a bias for each filter; see `Tensor.convolution2D`.
  public func convolution2D(
    _ filters: Variable, bias: Variable? = nil, stride: Int = 1, padding: Padding = .same
  ) -> Variable {
    let geometry = ConvolutionGeometry(
      input: shape, filters: filters.shape, stride: stride, padding: padding)
    guard let bias else { return convolution2D(filters, geometry) }
    return .apply(
      Convolution2D(geometry: geometry, hasBias: true), self, filters, bias,
      value: value.convolution2D(filters.value, bias: bias.value, geometry))
  }

  /// The convolution of these images with filters, for a known geometry.
  package func convolution2D(_ filters: Variable, _ geometry: ConvolutionGeometry) -> Variable {
    .apply(
      Convolution2D(geometry: geometry, hasBias: false), self, filters,
      value: value.convolution2D(filters.value, geometry))
  }

  /// The gradient in the images of the sum of a convolution's products with these cotangents.
  package func convolution2DInputGradient(
    _ filters: Variable, _ geometry: ConvolutionGeometry
  ) -> Variable {
    .apply(
      Convolution2DInputGradient(geometry: geometry), self, filters,
      value: value.convolution2DInputGradient(filters.value, geometry))
  }

  /// The gradient in the filters of the sum of the convolution's products with `cotangents`.
  package func convolution2DFilterGradient(
    _ cotangents: Variable, _ geometry: ConvolutionGeometry
  ) -> Variable {
    .apply(
      Convolution2DFilterGradient(geometry: geometry), self, cotangents,
      value: value.convolution2DFilterGradient(cotangents.value, geometry))
  }
}
