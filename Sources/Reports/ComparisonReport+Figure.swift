internal import Comparison
internal import Platform

// MARK: - Figures, in the manner of the paper's Figures 4 to 7
//
// Loss on a logarithmic axis against the step, and against time; a line for the mean, a band from the
// 10% to the 90% quantile, names at the ends of the lines. Colours differ in lightness too and each
// line has dashes of its own, for print without colours and for eyes that don't tell all apart (a
// selection of Okabe and Ito's, "Color universal design", 2008, darkened to be read as text). The
// background is white in both formats, so that figures can be read on dark pages.

extension ComparisonReport {
  /// The names of the figures that `figureScript` draws.
  package static let figureNames = [
    "loss-by-step.svg", "loss-by-step.png", "loss-by-time.svg", "loss-by-time.png",
  ]

  private static let colours = [
    "#0072b2", "#007a58", "#a8326f", "#8a6500", "#3d3d3d", "#5b4bb5", "#2f8f9d",
  ]
  private static let learnedColours = ["#c04a00", "#d6216b", "#7a2e00", "#e07b00"]
  private static let dashes = ["(10,4)", "(3,3)", "(10,4,2,4)", "(16,5)", "(6,3,2,3,2,3)", "(5,5)"]

  private static let height = 520.0
  // Where the plot begins, in pixels; what it has at least; the room before the names.
  private static let (left, leastPlot, leader) = (92.0, 420.0, 34.0)

  /// The size of the figures: names at the ends of lines get the room that they need beside the plot,
  /// not inside it.
  private var size: (width: Double, height: Double) {
    (max(800, (Self.left + Self.leastPlot + labelWidth).rounded(.up)), Self.height)
  }

  /// The room for the longest name, in pixels.
  private var labelWidth: Double {
    let longest = standings.all.map { Double(name($0, lossRange).count) }.max() ?? 0
    return longest * Self.letterWidth + Self.leader
  }
  private static let fontSize = 14.0
  // Of the mean sans-serif letter; names are short, so this is on the safe side.
  private static let letterWidth = 0.62 * fontSize

  /// The gnuplot script that draws the figures from `summary.csv` in its folder.
  package var figureScript: String {
    let range = lossRange
    var lines = [
      "# Draws the figures of this folder from summary.csv: gnuplot figure.gp",
      "# Made by l2l compare; change what you like.",
      "set encoding utf8",
      "folder = ''",
      "do for [i = 1:strlen(ARG0)] { if (ARG0[i:i] eq '/') { folder = ARG0[1:i] } }",
      "data = folder.'summary.csv'",
      "set datafile separator ','",
      "low = \(range.low)",
      "high = \(range.high)",
      "# Rows of one optimizer, every so many steps; the last step always.",
      "last = \(settings.stepCount)",
      "every_step = \(max(1, settings.stepCount / 1_000))",
      "at(name) = (strcol(1) eq name"
        + " && (int(column(2)) % every_step == 0 || column(2) == last)) ? column(2) : NaN",
      "# A band or line that leaves the figure, or is infinite, is cut off at its edge.",
      "cut(text) = text eq 'inf' ? high : real(text) > high ? high"
        + " : real(text) < low ? low : real(text)",
      "line(text) = text eq 'inf' ? NaN : real(text)",
      "",
    ]
    for (index, standing) in standings.all.enumerated() {
      let style = styles[index]
      lines += [
        "name\(index) = '\(standing.contender.label)'",
        "second\(index) = \(standing.secondsPerStep.isNaN ? 0 : standing.secondsPerStep)",
        "set style line \(index + 1) linecolor rgb '\(style.colour)' linewidth \(style.width)"
          + " dashtype \(style.dash)",
      ]
    }
    lines += [
      "", "set logscale y", "set yrange [low:high]", "set ytics (\(LossAxis(range).ticks))",
      "set border 3 linecolor rgb '#555555'", "set tics nomirror textcolor rgb '#222222'",
      "set grid ytics linetype 1 linecolor rgb '#dddddd' linewidth 0.8 dashtype 1", "unset key",
      "set label 201 '\(title)' noenhanced at screen 0.02,0.955 left textcolor rgb '#222222'",
      "set label 202 'loss' at screen 0.02,0.905 left textcolor rgb '#222222'",
      "set lmargin screen \(LossAxis.decimal(Self.left / size.width))", "set tmargin screen 0.87",
      "set bmargin screen 0.13",
      "set rmargin screen \(LossAxis.decimal(rightMargin))", "",
    ]
    lines += labels(range)
    lines += ["", "# The last number is the scale of the horizontal axis."]
    lines += figure(
      "loss-by-step", axis: "step", scale: (0..<standings.all.count).map { _ in "1" },
      end: Double(settings.stepCount))
    let seconds = standings.all.map { $0.secondsPerStep.isNaN ? 0 : $0.secondsPerStep }
    let end = (seconds.max() ?? 0) * Double(settings.stepCount)
    let isShort = end < 1
    lines += figure(
      "loss-by-time", axis: "time of one process in \(isShort ? "milliseconds" : "seconds")",
      scale: seconds.indices.map { "second\($0)\(isShort ? " * 1000" : "")" },
      end: end > 0 ? end * (isShort ? 1_000 : 1) : 1)
    return lines.joined(separator: "\n") + "\n"
  }

  private var title: String {
    "\(problem): mean loss of \(sample)\(settings.epochCount > 1 ? ", band from 10% to 90%" : "")"
  }

  // MARK: - Lines

  private struct Style {
    let colour: String
    let width: Double
    let dash: String
  }

  private var styles: [Style] {
    var learned = 0
    var others = 0
    return standings.all.map { standing in
      defer { if standing.contender.isLearned { learned += 1 } else { others += 1 } }
      if standing.contender.isLearned {
        let round = learned / Self.learnedColours.count
        return Style(
          colour: Self.learnedColours[learned % Self.learnedColours.count], width: 2.6,
          dash: learned == 0 ? "solid" : Self.dashes[(learned + round) % Self.dashes.count])
      }
      let round = others / Self.colours.count
      return Style(
        colour: Self.colours[others % Self.colours.count], width: 1.6,
        dash: Self.dashes[(others + round) % Self.dashes.count])
    }
  }

  /// The commands that draw one figure in both formats.
  private func figure(_ name: String, axis: String, scale: [String], end: Double) -> [String] {
    // Learned optimizers are drawn last, above the others.
    let order = standings.all.indices.sorted {
      (standings.all[$0].contender.isLearned ? 1 : 0, $0)
        < (standings.all[$1].contender.isLearned ? 1 : 0, $1)
    }
    let bands = order.map {
      "data skip 1 using (at(name\($0)) * \(scale[$0])):(cut(strcol(5))):(cut(strcol(6)))"
        + " with filledcurves fillcolor rgb '\(styles[$0].colour)'"
        + " fillstyle transparent solid 0.13 noborder"
    }
    let lines = order.map {
      "data skip 1 using (at(name\($0)) * \(scale[$0])):(line(strcol(3)))"
        + " with lines linestyle \($0 + 1)"
    }
    let plots = (settings.epochCount > 1 ? bands : []) + lines
    // From where a line ends to where its name stands.
    let range = lossRange
    let leaders = ends(range).filter { isInside(standings.all[$0.0], range) }.map { index, height in
      "set arrow \(index + 1) from \(LossAxis.decimal(finalX(index, scale[index], end))),"
        + "graph \(LossAxis.decimal(height)) to graph 1,graph \(LossAxis.decimal(height)) nohead back"
        + " linecolor rgb '\(styles[index].colour)' linewidth 0.7 dashtype (1,3)"
    }
    let drawing = "plot " + plots.joined(separator: ", \\\n     ")
    return [
      "", "set xlabel '\(axis)' textcolor rgb '#222222'", "set xrange [0:\(LossAxis.decimal(end))]",
    ] + (name == "loss-by-time" ? leaders : []) + [
      "set terminal svg size \(Int(size.width)),\(Int(size.height)) dynamic"
        + " font 'sans-serif,\(Int(Self.fontSize))' background '#ffffff'",
      "set output folder.'\(name).svg'", drawing,
      "set terminal pngcairo size \(Int(size.width * 2)),\(Int(size.height * 2))"
        + " font 'sans,\(Int(Self.fontSize * 0.75))' fontscale 2 linewidth 2 background '#ffffff'",
      "set output folder.'\(name).png'", "replot", "set output",
    ]
  }

  private func finalX(_ index: Int, _ scale: String, _ end: Double) -> Double {
    let standing = standings.all[index]
    let slowest = standings.all.map(\.secondsPerStep).filter { !$0.isNaN }.max() ?? 0
    guard slowest > 0, !standing.secondsPerStep.isNaN else { return end }
    return end * standing.secondsPerStep / slowest
  }

  // MARK: - Names at the ends of lines

  /// The losses that the figures show: all of means and bands that is finite and positive, but not
  /// more than ten times the first losses, which only runs that are diverging exceed.
  private var lossRange: (low: Double, high: Double) {
    let figures = standings.all.flatMap(\.steps)
    let start =
      standings.all.compactMap(\.steps.first)
      .flatMap { [$0.mean, $0.highDecile] }.filter { $0.isFinite && $0 > 0 }.max() ?? 1
    let values = figures.flatMap { [$0.mean, $0.lowDecile, $0.highDecile] }
      .filter { $0.isFinite && $0 > 0 }
    let high = min(values.max() ?? 1, start * 10)
    let low = max(values.filter { $0 <= high }.min() ?? high / 10, high * 1e-15)
    // Losses that hardly differ would leave no axis.
    let room = max(pow(high / low, 0.03), high / low < 1.002 ? 1.001 : 1)
    return (low / room, high * room)
  }

  /// For each contender where its line ends, as a share of the figure's height.
  private func ends(_ range: (low: Double, high: Double)) -> [(Int, Double)] {
    standings.all.enumerated().map { index, standing in
      let value = standing.final.mean
      let share = log(max(value, range.low) / range.low) / log(range.high / range.low)
      return (index, value.isFinite ? min(max(share, 0), 1) : 1)
    }
  }

  private func name(_ standing: Standing, _ range: (low: Double, high: Double)) -> String {
    let mean = standing.final.mean
    let label = standing.contender.label
    guard mean.isFinite else { return "\u{2191} \(label) (all diverged)" }
    // Arrows for what is above or below the figure.
    let arrow = mean > range.high ? "\u{2191} " : mean < range.low ? "\u{2193} " : ""
    let loss = (100..<10_000).contains(mean) ? "\(Int(mean.rounded()))" : Self.text(mean, digits: 2)
    return "\(arrow)\(label) \(loss)"
      + (standing.diverged > 0 ? " (\(standing.diverged) diverged)" : "")
  }

  private var rightMargin: Double { 1 - labelWidth / size.width }

  private func labels(_ range: (low: Double, high: Double)) -> [String] {
    let ends = ends(range).map(\.1)
    let height = 0.74 * size.height
    let heights = LabelColumn.heights(
      wanted: ends, gap: 1.25 * Self.fontSize / height, range: 0...1)
    // As shares of the distance from the figure's edge to that of the picture.
    let width = size.width * rightMargin - Self.left
    return standings.all.indices.flatMap { index in
      let commands = [
        "set label \(index + 1) '\(name(standings.all[index], range))' noenhanced at"
          + " graph \(LossAxis.decimal(1 + 24 / width)),graph \(LossAxis.decimal(heights[index]))"
          + " left textcolor rgb '\(styles[index].colour)'",
        "set arrow \(index + 101) from graph 1,graph \(LossAxis.decimal(ends[index])) to"
          + " graph \(LossAxis.decimal(1 + 20 / width)),graph \(LossAxis.decimal(heights[index])) nohead"
          + " linecolor rgb '\(styles[index].colour)' linewidth 0.8 dashtype solid",
      ]
      return isInside(standings.all[index], range) ? commands : [commands[0]]
    }
  }

  private func isInside(_ standing: Standing, _ range: (low: Double, high: Double)) -> Bool {
    (range.low...range.high).contains(standing.final.mean)
  }
}
