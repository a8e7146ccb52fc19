/// A report as one HTML file: no script, no font, no image from elsewhere; in the reader's light or
/// dark colours, and in black on white in print.
enum HTMLPage {
  static func page(title: String, _ blocks: [ReportBlock]) -> String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>\(escaped(title))</title>
    <style>
    \(style)
    </style>
    </head>
    <body>
    \(blocks.map(html).joined(separator: "\n"))
    </body>
    </html>

    """
  }

  static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;")
  }

  private static func html(_ block: ReportBlock) -> String {
    switch block {
    case .heading(let level, let text): return "<h\(level)>\(escaped(text))</h\(level)>"
    case .text(let text): return "<p>\(escaped(text))</p>"
    case .summary(let block): return html(block)
    case .figures(let charts):
      return "<div class=\"figures\">\n" + charts.map(\.svg).joined(separator: "\n") + "\n</div>"
    case .table(let table):
      let head = table.columns.map { "<th scope=\"col\">\(escaped($0))</th>" }.joined()
      let rows = table.rows.enumerated().map { index, cells in
        let cells = cells.enumerated().map { column, cell in
          column == 0
            ? "<th scope=\"row\">\(escaped(cell))</th>"
            : table.isBold(index, column)
              ? "<td><strong>\(escaped(cell))</strong></td>" : "<td>\(escaped(cell))</td>"
        }
        return "<tr>\(cells.joined())</tr>"
      }
      return "<div class=\"wide\"><table>\n<thead><tr>\(head)</tr></thead>\n<tbody>\n"
        + rows.joined(separator: "\n") + "\n</tbody></table></div>"
    }
  }

  /// Colours that are told apart by people who don't see all of them (Okabe and Ito), lighter in the
  /// dark; lines differ in dashes too.
  private static let style = """
    :root { color-scheme: light dark; --ink: #1a1a1a; --paper: #ffffff; --faint: #d8d8d8;
      --shade: #f4f4f4; --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #9c4f86; --c4: #a07400;
      --c5: #2a86b8; --c6: #555555; --c7: #b02a30; }
    @media (prefers-color-scheme: dark) {
      :root { --ink: #e6e6e6; --paper: #16181b; --faint: #3c4045; --shade: #202327; --c0: #56b4e9;
        --c1: #f0935a; --c2: #3fcf9f; --c3: #dd9cc6; --c4: #e6b93c; --c5: #9ad0f0; --c6: #b4b4b4;
        --c7: #ff8a8f; }
    }
    * { box-sizing: border-box; }
    body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper);
      max-width: 72rem; margin: 0 auto; padding: 1.5rem; }
    h1 { font-size: 1.6rem; } h2 { font-size: 1.25rem; margin-top: 2.2rem; }
    p { max-width: 50rem; }
    .wide { overflow-x: auto; }
    table { border-collapse: collapse; font-variant-numeric: tabular-nums; margin: 0.8rem 0; }
    th, td { padding: 0.25em 0.7em; text-align: right; border-bottom: 1px solid var(--faint);
      white-space: nowrap; }
    th:first-child { text-align: left; } thead th { border-bottom: 2px solid var(--ink); }
    tbody tr:nth-child(even) { background: var(--shade); }
    tbody th { font-weight: normal; white-space: normal; max-width: 16rem; }
    .figures { display: flex; flex-wrap: wrap; gap: 1rem; margin: 0.8rem 0; }
    svg { width: 22rem; max-width: 100%; height: auto; }
    svg text { font: 11px system-ui, sans-serif; fill: var(--ink); }
    svg .title { font-weight: 600; } svg .axis { stroke: var(--ink); fill: none; }
    svg .grid { stroke: var(--faint); stroke-width: 0.7; }
    svg .line { fill: none; stroke-width: 1.7; } svg .band { opacity: 0.15; stroke: none; }
    """
    + (0..<8).map { index in
      "\n.s\(index) { stroke: var(--c\(index)); } .f\(index) { fill: var(--c\(index)); }"
    }.joined() + "\n" + print

  /// Last, since it stands above all.
  private static let print = """
    @media print {
      @page { size: A4 landscape; margin: 12mm; }
      :root { color-scheme: light; --ink: #000; --paper: #fff; --faint: #bbb; --shade: #fff;
        --c0: #0072b2; --c1: #d55e00; --c2: #009e73; --c3: #9c4f86; --c4: #a07400; --c5: #2a86b8;
        --c6: #555555; --c7: #b02a30; }
      body { font-size: 9pt; max-width: none; margin: 0; padding: 0; }
      svg, tr { break-inside: avoid; }
      h1, h2, h3 { break-after: avoid; }
      .wide { overflow: visible; }
      table { font-size: 7.5pt; }
      td, th { padding: 0.1em 0.45em; }
      .figures { display: block; }
      svg { width: 31%; margin: 0 1% 0.5rem 0; }
    }
    """
}
