/// A piece of a report, from which Markdown, HTML and lines for a terminal are made.
enum ReportBlock: Sendable {
  /// A heading; 1 is the title.
  case heading(Int, String)
  /// A paragraph.
  case text(String)
  /// A table: what stands above it, its columns, its rows, and which cells are set off.
  case table(ReportTable)
  /// Figures side by side, drawn in HTML alone.
  case figures([Chart])
  /// What a terminal gets too.
  indirect case summary(ReportBlock)

  var isSummary: Bool { if case .summary = self { true } else { false } }
}

/// A table of a report.
struct ReportTable: Sendable {
  var columns: [String]
  var rows: [[String]]
  /// Rows and columns of cells that are set off.
  var bold: [(row: Int, column: Int)] = []

  func isBold(_ row: Int, _ column: Int) -> Bool {
    bold.contains { $0.row == row && $0.column == column }
  }
}

// MARK: - Markdown and plain text

extension ReportBlock {
  var markdown: String {
    switch self {
    case .heading(let level, let text):
      return String(repeating: "#", count: level) + " " + text
    case .text(let text): return text
    case .table(let table):
      func row(_ cells: [String]) -> String {
        "| " + cells.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
      }
      let rows = table.rows.enumerated().map { index, cells in
        row(
          cells.enumerated().map { column, cell in
            table.isBold(index, column) ? "**\(cell)**" : cell
          })
      }
      let rule = "|" + table.columns.map { _ in "---|" }.joined()
      return ([row(table.columns), rule] + rows).joined(separator: "\n")
    case .figures(let charts):
      return "Figures in report.html: " + charts.map(\.title).joined(separator: "; ") + "."
    case .summary(let block): return block.markdown
    }
  }

  /// Lines in columns for a terminal.
  var plainLines: [String] {
    switch self {
    case .heading(_, let text), .text(let text): return [text]
    case .figures: return []
    case .summary(let block): return block.plainLines
    case .table(let table):
      let all = [table.columns] + table.rows
      let widths = table.columns.indices.map { column in
        all.map { $0[column].count }.max() ?? 0
      }
      return all.map { cells in
        zip(cells, widths).enumerated().map { column, cell in
          let fill = String(repeating: " ", count: cell.1 - cell.0.count)
          return column == 0 ? cell.0 + fill : fill + cell.0
        }.joined(separator: "  ")
      }
    }
  }
}
