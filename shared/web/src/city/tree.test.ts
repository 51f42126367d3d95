import { describe, expect, it } from 'vitest'
import type { Unit } from '../types'
import { childrenOf, treeRows, treeStep } from './tree'

const unit = (id: string, parent_id: string, level: Unit['level'], more: Partial<Unit> = {}): Unit => ({ id, parent_id, level, name: id, short: id, field: null, ...more })
const city = unit('C', '', 'city')
const all = [city, unit('K1', 'C', 'county'), unit('K2', 'C', 'county'), unit('T1', 'K1', 'township'), unit('B1', 'T1', 'branch'), unit('B2', 'T1', 'branch', { closed: true })]
const rows = (...open: string[]) => treeRows(city, childrenOf(all), new Set(open))
const ids = (list: ReturnType<typeof rows>) => list.map((r) => '·'.repeat(r.depth) + r.unit.id)

describe('the organisation tree', () => {
  it('draws what was opened and nothing else', () => {
    expect(ids(rows())).toEqual(['C'])
    expect(ids(rows('C', 'T1'))).toEqual(['C', '·K1', '·K2']) // T1 is open, but nothing above it is
    expect(ids(rows('C', 'K1', 'T1'))).toEqual(['C', '·K1', '··T1', '···B1', '·K2'])
  })
  it('leaves out units that were closed', () => {
    expect(ids(rows('C', 'K1', 'T1')).join()).not.toContain('B2')
  })
  it('goes in and out by the arrows to the sides, up and down by the others', () => {
    const list = rows('C', 'K1')
    expect(treeStep(list, 0, 'ArrowRight')).toEqual({ to: 1 })
    expect(treeStep(list, 3, 'ArrowRight')).toBeNull() // K2 has nothing below
    expect(treeStep(list, 2, 'ArrowRight')).toEqual({ open: 'T1' })
    expect(treeStep(list, 2, 'ArrowLeft')).toEqual({ to: 1 })
    expect(treeStep(list, 1, 'ArrowLeft')).toEqual({ close: 'K1' })
    expect(treeStep(list, 0, 'ArrowUp')).toEqual({ to: 0 })
    expect(treeStep(list, 3, 'ArrowDown')).toEqual({ to: 3 })
    expect(treeStep(list, 1, 'End')).toEqual({ to: 3 })
    expect(treeStep(list, 1, 'x')).toBeNull()
  })
})
