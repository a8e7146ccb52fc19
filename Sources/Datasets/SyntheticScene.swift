internal import Tensors

/// What one synthetic image shows.
struct SyntheticScene {
  /// The structures: one is a class.
  enum Structure: Int, CaseIterable {
    /// Stripes that run along the rows, along a diagonal, along the columns, along the other
    /// diagonal.
    case rows, rising, columns, falling
    /// Fields of two colours.
    case checkerboard
    /// Stripes around a point.
    case rings
    /// Figures before a ground.
    case disc, square, cross, frame
  }

  private let structure: Structure
  private var stream: RandomStream

  // Lengths are parts of the image's larger side.
  private let center: (x: Float, y: Float)
  private let axis: (x: Float, y: Float)
  private let frequency: Float
  private let phase: Float
  private let radius: Float

  private let slope: (x: Float, y: Float)
  private let grounds: [Float]
  private let contrasts: [Float]
  private let noise: Float

  /// Draws everything but the noise.
  init(structure: Structure, channels: Int, stream: RandomStream) {
    var stream = stream
    func draw(_ low: Float, _ high: Float) -> Float { low + (high - low) * stream.nextUniform() }
    // In turns; nine degrees to both sides leave the four directions apart.
    let direction: Float =
      switch structure {
      case .rows: 0.25
      case .rising: 0.125
      case .columns: 0
      case .falling: -0.125
      default: 0
      }
    let angle = direction + draw(-0.025, 0.025)
    axis = (x: Self.sine(angle + 0.25), y: Self.sine(angle))
    center = (x: draw(-0.2, 0.2), y: draw(-0.2, 0.2))
    frequency = draw(2, 4)
    phase = draw(-0.05, 0.55)
    radius = draw(0.18, 0.32)
    slope = (x: draw(-0.3, 0.3), y: draw(-0.3, 0.3))
    let sign: Float = stream.nextUniform() < 0.8 ? 1 : -1
    let contrast = sign * draw(0.15, 0.4)
    grounds = (0..<channels).map { _ in draw(0.35, 0.65) }
    contrasts = (0..<channels).map { _ in contrast * draw(0.3, 1) }
    noise = draw(0.2, 0.6)
    self.structure = structure
    self.stream = stream
  }

  /// Writes the image [height, width, channels].
  mutating func draw(into pixels: UnsafeMutableBufferPointer<UInt8>, height: Int, width: Int) {
    let unit = 1 / Float(max(height, width))
    let channels = grounds.count
    var bits: UInt32 = 0
    var left = 0
    for row in 0..<height {
      let y = (Float(row) + 0.5 - Float(height) * 0.5) * unit
      for column in 0..<width {
        let x = (Float(column) + 0.5 - Float(width) * 0.5) * unit
        let shade = slope.x * x + slope.y * y
        let figure = figure(x - center.x, y - center.y)
        for channel in 0..<channels {
          if left == 0 {
            bits = stream.nextBits()
            left = 4
          }
          let grain = Float(bits & 0xff) * (1 / 256) - 0.5
          bits >>= 8
          left -= 1
          let value = grounds[channel] + shade + contrasts[channel] * figure + noise * grain
          pixels[(row * width + column) * channels + channel] =
            UInt8(min(max(value, 0), 1) * 255 + 0.5)
        }
      }
    }
  }

  /// From -1, the ground, to 1, the figure, at a place relative to the centre.
  private func figure(_ x: Float, _ y: Float) -> Float {
    // Along the axis and across it.
    let u = x * axis.x + y * axis.y
    let v = y * axis.x - x * axis.y
    /// Inside of a border at `distance` 0, with an edge a sixteenth wide.
    func inside(_ distance: Float) -> Float { min(max(distance * -32, -1), 1) }
    switch structure {
    case .rows, .rising, .columns, .falling:
      return Self.sine(u * frequency + phase)
    case .checkerboard:
      return Self.sine(u * frequency * 0.7 + phase) * Self.sine(v * frequency * 0.7) * 1.4
    case .rings:
      return Self.sine((u * u + v * v).squareRoot() * frequency + phase)
    case .disc:
      return inside((u * u + v * v).squareRoot() - radius)
    case .square:
      return inside(max(abs(u), abs(v)) - radius * 0.9)
    case .cross:
      let bar = max(max(abs(u), abs(v)) - radius * 1.3, min(abs(u), abs(v)) - radius * 0.4)
      return inside(bar)
    case .frame:
      return inside(abs(max(abs(u), abs(v)) - radius) - radius * 0.3)
    }
  }

  /// The sine of `turns` whole turns, within 0.002: a parabola, corrected by its own square.
  private static func sine(_ turns: Float) -> Float {
    let t = turns - (turns + 0.5).rounded(.down)
    let parabola = 8 * t - 16 * t * abs(t)
    return parabola + 0.225 * (parabola * abs(parabola) - parabola)
  }
}
