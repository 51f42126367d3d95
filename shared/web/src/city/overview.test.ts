import { describe, expect, it } from 'vitest'
import { cellKey, cellMap, shownCell, type Cell } from './overview'

const cell: Cell = { unit: 'K1', task: 'T1', n: 10, lights: { red: 4, yellow: 1, green: 5, blue: 0, grey: 0 }, n_verified: 3, verified_mean: 0.25 }

describe('a cell of the heat map', () => {
  it('shows the share overdue with its n, darker the more', () => {
    expect(shownCell(cell, 'red')).toEqual({ text: '40.0%', n: 10, few: false, shade: 2 })
    expect(shownCell({ ...cell, lights: { ...cell.lights, red: 10 } }, 'red')?.shade).toBe(4)
  })
  it('with fewer than five says so and has no shade', () => {
    expect(shownCell(cell, 'verified')).toEqual({ text: '样本太少', n: 3, few: true, shade: null })
  })
  it('of low verified values is dark', () => {
    expect(shownCell({ ...cell, n_verified: 8 }, 'verified')?.shade).toBe(3)
  })
  it('without anything is a dash; without assignments nothing', () => {
    expect(shownCell({ ...cell, n_verified: 0, verified_mean: null }, 'verified')?.text).toBe('—')
    expect(shownCell(undefined, 'red')).toBeNull()
  })
  it('is found by unit and task', () => {
    expect(cellMap([cell]).get(cellKey('K1', 'T1'))).toBe(cell)
  })
})
