import { describe, expect, it } from 'vitest'
import { looksLikeTable, parseTable } from './tsv'

describe('what comes from Excel by the clipboard', () => {
  it('is rows of cells, whatever ends a line', () => {
    expect(parseTable('序号\t单位\r\n1\t老码头社区\r\n')).toEqual([['序号', '单位'], ['1', '老码头社区']])
    expect(parseTable('a\tb\rc\td')).toEqual([['a', 'b'], ['c', 'd']])
  })
  it('keeps tabs, line ends and quotes that stand in a quoted cell', () => {
    expect(parseTable('"一\n二"\t"他说""好"""\t三\n')).toEqual([['一\n二', '他说"好"', '三']])
    expect(parseTable('"a\tb"\tc')).toEqual([['a\tb', 'c']])
  })
  it('leaves a quote that quotes nothing', () => {
    expect(parseTable('5" 管\t"半句\tc')).toEqual([['5" 管', '"半句', 'c']])
    expect(parseTable('"甲"乙\tc')).toEqual([['"甲"乙', 'c']])
  })
  it('keeps empty cells and drops empty rows at the end', () => {
    expect(parseTable('a\t\tc\t\n\n1\t2\n\n\t\t\n')).toEqual([['a', '', 'c', ''], [''], ['1', '2']])
    expect(parseTable('')).toEqual([])
    expect(parseTable('""\tb')).toEqual([['', 'b']])
  })
  it('is no table when it is one word', () => {
    expect(looksLikeTable('老码头社区')).toBe(false)
    expect(looksLikeTable('a\tb')).toBe(true)
  })
})
