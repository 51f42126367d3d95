import { afterEach, describe, expect, it } from 'vitest'
import { status, units } from '../live'
import type { Side, Status, Unit } from '../types'
import { isOursToSettle } from './deciding'

const at = (id: string): void => {
  status.value = { unit: id } as Status
  units.value = [
    { id: 'T', level: 'township', name: 'T', short: 'T', parent_id: '' },
    { id: 'B', level: 'branch', name: 'B', short: 'B', parent_id: 'T' }
  ] as unknown as Unit[]
}
const by = (winner: string, loser: string) => ({ winner: { unit: winner } as Side, losers: [{ unit: loser } as Side] })

describe('a conflict', () => {
  afterEach(() => {
    status.value = null
    units.value = []
  })
  it('of two PCs of a branch is settled there', () => {
    at('B')
    expect(isOursToSettle(by('B', 'B'))).toBe(true)
  })
  it('of a branch is not the office’s to settle, one that it takes part in is', () => {
    at('T')
    expect(isOursToSettle(by('B', 'B'))).toBe(false)
    expect(isOursToSettle(by('B', 'T'))).toBe(true)
  })
})
