// tree.ts - the organisation as a tree of which only what was opened is drawn: a city has twelve thousand branches.
import type { Unit } from '../types'

export interface TreeRow {
  unit: Unit
  depth: number
  /** Has units below it; whether they are shown. */
  hasBelow: boolean
  isOpen: boolean
}

export function childrenOf(units: readonly Unit[]): Map<string, Unit[]> {
  const out = new Map<string, Unit[]>()
  for (const u of units) {
    if (u.closed) continue // what it had belongs to others
    const siblings = out.get(u.parent_id)
    if (siblings) siblings.push(u)
    else out.set(u.parent_id, [u])
  }
  return out
}

/** The rows that are seen, from `top` down. */
export function treeRows(top: Unit, below: ReadonlyMap<string, Unit[]>, open: ReadonlySet<string>): TreeRow[] {
  const out: TreeRow[] = []
  const walk = (unit: Unit, depth: number): void => {
    const children = below.get(unit.id) ?? []
    const isOpen = open.has(unit.id) && children.length > 0
    out.push({ unit, depth, hasBelow: children.length > 0, isOpen })
    if (isOpen) for (const c of children) walk(c, depth + 1)
  }
  walk(top, 0)
  return out
}

/** Where an arrow key leads from a row, as trees have it: in and out before up and down. */
export function treeStep(rows: readonly TreeRow[], at: number, key: string): { to: number } | { open: string } | { close: string } | null {
  const row = rows[at]
  if (!row) return null
  if (key === 'ArrowDown') return { to: Math.min(rows.length - 1, at + 1) }
  if (key === 'ArrowUp') return { to: Math.max(0, at - 1) }
  if (key === 'Home') return { to: 0 }
  if (key === 'End') return { to: rows.length - 1 }
  if (key === 'ArrowRight') return row.isOpen ? { to: at + 1 } : row.hasBelow ? { open: row.unit.id } : null
  if (key !== 'ArrowLeft') return null
  if (row.isOpen) return { close: row.unit.id }
  for (let i = at - 1; i >= 0; i--) if (rows[i].depth < row.depth) return { to: i }
  return null
}
