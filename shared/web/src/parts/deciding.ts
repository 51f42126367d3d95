// deciding.ts - whose conflicts are whose to settle.
import { homeLevel, ownUnit } from '../live'
import type { Conflict } from '../types'

/** A branch settles its own; offices see theirs and leave them to them, or to the rule. */
export const isOursToSettle = (c: Pick<Conflict, 'winner' | 'losers'>): boolean =>
  homeLevel.value === 'branch' || [c.winner, ...c.losers].some((s) => s?.unit === ownUnit.value?.id)
