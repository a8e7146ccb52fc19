internal import Essentials
internal import Platform

/// A figure of curves, as SVG without script.
struct Chart: Sendable {
  /// A curve with what may lie around it.
  struct Series: Sendable {
    /// The name in the legend.
    var name: String
    /// The points; those that can't be on the axes are left out.
    var points: [(x: Double, y: Double)]
    /// Borders at the same places; empty for none.
    var low: [Double] = []
    var high: [Double] = []
    /// Which of the colours and dashes.
    var style: Int
    /// Whether points are marked.
    var isMarked = false
  }

  var title: String
  var xLabel: String
  var yLabel: String
  var hasLogarithmicX = false
  var hasLogarithmicY = false
  var series: [Series]
  var hasLegend = true

  private static let (width, height) = (420.0, 300.0)
  private static let (left, right, top, bottom) = (58.0, 12.0, 26.0, 40.0)

  var svg: String {
    let scales = (
      x: Scale(series.flatMap { $0.points.map(\.x) }, isLogarithmic: hasLogarithmicX),
      y: Scale(
        series.flatMap { each in each.points.map(\.y) }, isLogarithmic: hasLogarithmicY)
    )
    let rows = hasLegend ? (series.count + 1) / 2 : 0
    let height = Self.height + Double(rows) * 15
    var text =
      "<svg viewBox=\"0 0 \(Self.text(Self.width)) \(Self.text(height))\" role=\"img\""
      + " aria-label=\"\(HTMLPage.escaped(title))\">\n"
      + "<text class=\"title\" x=\"\(Self.text(Self.left))\" y=\"15\">"
      + "\(HTMLPage.escaped(title))</text>\n"
    if let x = scales.x, let y = scales.y {
      text += axes(x, y) + series.map { curve($0, x, y) }.joined()
    } else {
      text += "<text x=\"\(Self.text(Self.left))\" y=\"150\">nothing to draw</text>\n"
    }
    if hasLegend { text += legend }
    return text + "</svg>"
  }

  // MARK: - Places

  private static func text(_ value: Double) -> String { String(format: "%.5g", value) }

  private func place(_ point: (x: Double, y: Double), _ x: Scale, _ y: Scale) -> String? {
    guard let across = x.share(of: point.x), let up = y.share(of: point.y) else { return nil }
    return Self.text(Self.left + across * (Self.width - Self.left - Self.right)) + ","
      + Self.text(Self.top + (1 - up) * (Self.height - Self.top - Self.bottom))
  }

  private func axes(_ x: Scale, _ y: Scale) -> String {
    let (end, floor) = (Self.width - Self.right, Self.height - Self.bottom)
    var text = ""
    for mark in y.marks {
      let place = Self.text(
        Self.top + (1 - (y.share(of: mark.value) ?? 0)) * (floor - Self.top))
      text +=
        "<line class=\"grid\" x1=\"\(Self.text(Self.left))\" x2=\"\(Self.text(end))\""
        + " y1=\"\(place)\" y2=\"\(place)\"/>"
        + "<text x=\"\(Self.text(Self.left - 5))\" y=\"\(place)\" dy=\"4\" text-anchor=\"end\">"
        + "\(mark.text)</text>\n"
    }
    for mark in x.marks {
      let place = Self.text(Self.left + (x.share(of: mark.value) ?? 0) * (end - Self.left))
      text +=
        "<line class=\"grid\" y1=\"\(Self.text(Self.top))\" y2=\"\(Self.text(floor))\""
        + " x1=\"\(place)\" x2=\"\(place)\"/>"
        + "<text x=\"\(place)\" y=\"\(Self.text(floor + 14))\" text-anchor=\"middle\">"
        + "\(mark.text)</text>\n"
    }
    return text
      + "<path class=\"axis\" d=\"M\(Self.text(Self.left)),\(Self.text(Self.top))"
      + "V\(Self.text(floor))H\(Self.text(end))\"/>\n"
      + "<text x=\"\(Self.text((Self.left + end) / 2))\" y=\"\(Self.text(floor + 31))\""
      + " text-anchor=\"middle\">\(HTMLPage.escaped(xLabel))</text>\n"
      + "<text transform=\"translate(12 \(Self.text((Self.top + floor) / 2))) rotate(-90)\""
      + " text-anchor=\"middle\">\(HTMLPage.escaped(yLabel))</text>\n"
  }

  private func curve(_ series: Series, _ x: Scale, _ y: Scale) -> String {
    let color = series.style % 8
    var text = ""
    if series.low.count == series.points.count, series.high.count == series.points.count {
      let xs = series.points.map(\.x)
      let border =
        zip(xs, series.high).compactMap { place(($0, y.clamped($1)), x, y) }
        + zip(xs, series.low).reversed().compactMap { place(($0, y.clamped($1)), x, y) }
      text += "<path class=\"band f\(color)\" d=\"M\(border.joined(separator: "L"))Z\"/>\n"
    }
    let places = series.points.compactMap { place($0, x, y) }
    if places.count > 1 {
      let dash = ["", "6 3", "2 3", "9 3 2 3", "4 2", "1 2", "12 4", "7 2 1 2"][series.style % 8]
      text +=
        "<path class=\"line s\(color)\" stroke-dasharray=\"\(dash)\""
        + " d=\"M\(places.joined(separator: "L"))\"/>\n"
    }
    if series.isMarked || places.count == 1 {
      for place in places {
        let parts = place.split(separator: ",")
        text += "<circle class=\"f\(color)\" cx=\"\(parts[0])\" cy=\"\(parts[1])\" r=\"2.6\"/>"
      }
      text += "\n"
    }
    return text
  }

  private var legend: String {
    series.enumerated().map { index, each in
      let x = Self.left + (index % 2 == 0 ? 0 : (Self.width - Self.left) / 2)
      let y = Self.height + Double(index / 2) * 15 + 4
      let dash = ["", "6 3", "2 3", "9 3 2 3", "4 2", "1 2", "12 4", "7 2 1 2"][each.style % 8]
      return "<line class=\"line s\(each.style % 8)\" stroke-dasharray=\"\(dash)\""
        + " x1=\"\(Self.text(x))\" x2=\"\(Self.text(x + 22))\" y1=\"\(Self.text(y))\""
        + " y2=\"\(Self.text(y))\"/><text x=\"\(Self.text(x + 27))\" y=\"\(Self.text(y))\" dy=\"4\">"
        + "\(HTMLPage.escaped(each.name))</text>\n"
    }.joined()
  }
}

/// An axis from the smallest to the largest of some numbers.
private struct Scale {
  let low: Double
  let high: Double
  let isLogarithmic: Bool

  init?(_ values: [Double], isLogarithmic: Bool) {
    let usable = values.filter { $0.isFinite && (!isLogarithmic || $0 > 0) }
    guard var low = usable.min(), var high = usable.max() else { return nil }
    if low == high {
      if isLogarithmic {
        (low, high) = (low / 2, high * 2)
      } else {
        (low, high) = (low - 0.5, high + 0.5)
      }
    }
    (self.low, self.high, self.isLogarithmic) = (low, high, isLogarithmic)
  }

  func clamped(_ value: Double) -> Double { min(max(value, low), high) }

  /// Where a number is, from 0 at the low end to 1; nil for what can't be on the axis.
  func share(of value: Double) -> Double? {
    guard value.isFinite, !isLogarithmic || value > 0 else { return nil }
    let share =
      isLogarithmic ? log(value / low) / log(high / low) : (value - low) / (high - low)
    return (-0.001...1.001).contains(share) ? share : nil
  }

  var marks: [(value: Double, text: String)] {
    if isLogarithmic { return LossAxis((low, high)).marks }
    let rough = (high - low) / 5
    let power = pow(10, log10(rough).rounded(.down))
    let step = power * ([1.0, 2, 5, 10].first { $0 * power >= rough } ?? 10)
    let (first, last) = ((low / step).rounded(.up), (high / step).rounded(.down))
    guard last >= first, last - first < 20 else { return [] }
    return (Int(first)...Int(last)).map { index in
      (Double(index) * step, String(format: "%.6g", Double(index) * step))
    }
  }
}
