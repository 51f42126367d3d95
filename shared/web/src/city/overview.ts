// overview.ts - the heat map's cells and the months: what is shown, what is too little to say anything.
import { kTooFew, percentOf } from './figures'
import type { LightName } from '../types'

export interface Cell {
  unit: string
  task: string
  n: number
  lights: Record<LightName, number>
  n_verified: number
  verified_mean: number | null
}
export interface Month {
  month: string
  reports: number
  substantive: number
  n_verified: number
  verified_mean: number | null
  pushes: number
}
export interface Overview {
  tasks: { id: string; title: string }[]
  units: { id: string; name: string }[]
  cells: Cell[]
  months: Month[]
}

export type Measure = 'red' | 'verified'

export interface Shown {
  text: string
  n: number
  few: boolean
  /** 0 calm … 4 wants a look; null: nothing can be said, no shade. */
  shade: number | null
}

const shadeOf = (bad: number): number => Math.min(4, Math.floor(bad * 5))

/** One cell in one measure. Below kTooFew it says "too few" in place of the share, and has no shade. */
export function shownCell(cell: Cell | undefined, measure: Measure): Shown | null {
  if (!cell) return null
  const n = measure === 'red' ? cell.n : cell.n_verified
  if (n === 0) return { text: '—', n: 0, few: false, shade: null }
  const value = measure === 'red' ? cell.lights.red / cell.n : (cell.verified_mean ?? 0)
  const few = n < kTooFew
  return { text: percentOf(value, n), n, few, shade: few ? null : shadeOf(measure === 'red' ? value : 1 - value) }
}

export const cellKey = (unit: string, task: string): string => unit + '\n' + task
export const cellMap = (cells: Cell[]): Map<string, Cell> => new Map(cells.map((c) => [cellKey(c.unit, c.task), c]))
