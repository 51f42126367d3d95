import { describe, expect, it } from 'vitest'
import { explained, linkOf, type BehindRow } from './behind'

const row = (more: Record<string, unknown>): BehindRow => ({ id: 'V1', unit_id: 'B01', unit: '支部', hit: true, assignment_id: 'A1', verified: 0.5, ...more })

describe('a record behind a figure', () => {
  it('is explained for every gap, also those that compare two groups', () => {
    for (const figure of ['G1', 'G1under']) expect(explained(figure, row({ reported: 0.75 }))).toMatch(/75.*50/)
    for (const figure of ['G2', 'G5', 'D1']) expect(explained(figure, row({}))).toMatch(/50/)
    expect(explained('level', row({ level: 'township' }))).toMatch(/乡镇.*50/)
  })
  it('opens the assignment that the check belongs to', () => {
    for (const figure of ['G2', 'G5', 'level']) expect(linkOf(figure, row({}))).toBe('/record/A1')
  })
})
