// tsv.ts - what Excel and WPS put on the clipboard, as rows of texts.
//
// Cells stand between tabs, rows between line ends. A cell with a tab, a line end or a quote inside is quoted, quotes
// doubled; a quote in the middle of a plain cell is only a quote.

export function parseTable(text: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let at = 0
  const endRow = (): void => {
    rows.push(row)
    row = []
  }
  while (at < text.length) {
    let cell = ''
    if (text[at] === '"') {
      const end = closing(text, at + 1)
      if (end > 0) {
        cell = text.slice(at + 1, end).replace(/""/g, '"')
        at = end + 1
      }
    }
    if (cell === '' || !isEdge(text[at])) {
      const end = edge(text, at)
      cell += text.slice(at, end)
      at = end
    }
    row.push(cell.replace(/\r\n?/g, '\n').trim())
    if (text[at] === '\t') {
      at++
      if (at === text.length) row.push('')
      continue
    }
    endRow()
    if (text[at] === '\r') at++
    if (text[at] === '\n') at++
  }
  if (row.length) endRow()
  while (rows.length && rows[rows.length - 1].every((c) => !c)) rows.pop()
  return rows
}

const isEdge = (c: string | undefined): boolean => c === undefined || c === '\t' || c === '\n' || c === '\r'

function edge(text: string, from: number): number {
  let at = from
  while (!isEdge(text[at])) at++
  return at
}

/** The quote that ends a quoted cell, right before an edge; -1: the first quote was only a quote. */
function closing(text: string, from: number): number {
  for (let at = from; at < text.length; at++) {
    if (text[at] !== '"') continue
    if (text[at + 1] === '"') at++
    else return isEdge(text[at + 1]) ? at : -1
  }
  return -1
}

/** A single word in a search box is no table: at least two cells side by side. */
export const looksLikeTable = (text: string): boolean => text.includes('\t') && parseTable(text).some((r) => r.length > 1)
