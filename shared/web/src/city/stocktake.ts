// stocktake.ts - two frozen reviews beside each other: the API's flat figures as lines that people read.
import { number } from '../format'
import { t, type Word } from '../words'
import { kTooFew, percent } from './figures'

export interface Difference {
  before: number | null
  after: number | null
  change: number | null
}
export type Differences = Record<string, Difference>
export interface Comparison {
  from: { id: string; title: string; at: string }
  to: { id: string; title: string; at: string }
  scopes: Record<string, Differences>
  counts: Differences
  rectifications: Differences
  lights: Differences
}

/**
 * The figures that are shown, in the review's order; `behind` opens the records, `kind` says how it reads, `n` are the
 * numbers of what it was made of: each side of it.
 */
const kLines: { key: string; word: Word; kind: 'share' | 'count' | 'mean'; behind?: string; n?: string[] }[] = [
  { key: 'n_verified', word: 'fig_n_verified', kind: 'count', behind: 'G1' },
  { key: 'G4_verified_mean', word: 'fig_verified_mean', kind: 'share', behind: 'level', n: ['n_verified'] },
  { key: 'G1_reported_minus_verified', word: 'g1', kind: 'share', behind: 'G1', n: ['n_G1'] },
  { key: 'G1_under_reported', word: 'fig_under', kind: 'share', behind: 'G1under', n: ['n_G1'] },
  { key: 'G2_point_minus_surface', word: 'g2', kind: 'share', behind: 'G2', n: ['n_G2_point', 'n_G2_surface'] },
  { key: 'G3_not_landed_60d.rate', word: 'g3', kind: 'share', behind: 'G3', n: ['G3_not_landed_60d.expected'] },
  { key: 'G4_pushes_per_leaf', word: 'g4', kind: 'mean', behind: 'G4', n: ['n_G4_leaves'] },
  { key: 'n_G4_pushes', word: 'fig_pushes', kind: 'count', behind: 'G4' },
  { key: 'n_G4_leaves', word: 'fig_leaves', kind: 'count' },
  { key: 'G5_traditional_minus_emerging', word: 'g5', kind: 'share', behind: 'G5', n: ['n_G5_traditional', 'n_G5_emerging'] },
  { key: 'D1_false_completion.rate', word: 'd1', kind: 'share', behind: 'D1', n: ['D1_false_completion.verified_claims'] },
  { key: 'D2_pure_forward.rate', word: 'd2', kind: 'share', behind: 'D2', n: ['D2_pure_forward.forwards'] },
  { key: 'D4_push_driven.rate', word: 'd4', kind: 'share', behind: 'D4', n: ['D4_push_driven.updates'] }
]

export interface Line {
  key: string
  name: string
  before: string
  after: string
  change: string
  /** 0: the same, or one of them is not there. */
  turn: -1 | 0 | 1
  differs: boolean
  behind?: string
  /** "n=25+106"; empty where the figure is a count itself. */
  nBefore?: string
  nAfter?: string
}

function shown(kind: 'share' | 'count' | 'mean', v: number | null): string {
  if (v === null) return '—'
  return kind === 'share' ? percent(v) : number(kind === 'mean' ? Math.round(v * 100) / 100 : v)
}

/** Between two percentages lie points; so many as between the two that are shown. */
function points(d: Difference): string {
  const tenths = (v: number | null): number => Math.round(10 * parseFloat(percent(v)))
  return t('stock_points', (Math.abs(tenths(d.after) - tenths(d.before)) / 10).toFixed(1))
}

function line(key: string, name: string, d: Difference | undefined, kind: 'share' | 'count' | 'mean', behind?: string): Line {
  const before = shown(kind, d?.before ?? null)
  const after = shown(kind, d?.after ?? null)
  const change = d?.change ?? null
  const turn = change === null || before === after ? 0 : change > 0 ? 1 : -1
  const by = change === null || !turn ? '' : kind === 'share' && d ? points(d) : shown(kind, Math.abs(change))
  return { key, name, before, after, change: turn ? `${turn > 0 ? '↑' : '↓'} ${t(turn > 0 ? 'stock_more' : 'stock_less')} ${by}` : before === after ? '' : t('stock_changed_kind'), turn, differs: before !== after, behind }
}

/** One side of a figure with its n; too few say nothing, and nothing follows from a change to or from that. */
export function figureLines(d: Differences): Line[] {
  return kLines
    .filter((l) => d[l.key])
    .map((l) => {
      const out = line(l.key, t(l.word), d[l.key], l.kind, l.behind)
      const n = (side: 'before' | 'after'): number[] => (l.n ?? []).map((k) => d[k]?.[side] ?? NaN)
      const isFew = (side: 'before' | 'after'): boolean => d[l.key][side] !== null && n(side).some((x) => x < kTooFew)
      const words = (side: 'before' | 'after'): string => (d[l.key][side] === null || n(side).some(Number.isNaN) || !l.n ? '' : `n=${n(side).join('+')}`)
      const few = { before: isFew('before'), after: isFew('after') }
      if (few.before) out.before = t('too_few')
      if (few.after) out.after = t('too_few')
      if (few.before || few.after) Object.assign(out, { turn: 0, change: '', differs: out.before !== out.after })
      return { ...out, nBefore: words('before'), nAfter: words('after') }
    })
}

/** States and lights, in the order of the workflow where one is given. */
export function countLines(d: Differences, name: (key: string) => string, behind: (key: string) => string | undefined, order: string[] = []): Line[] {
  const place = (k: string): number => (order.includes(k) ? order.indexOf(k) : order.length)
  return Object.keys(d)
    .sort((a, b) => place(a) - place(b))
    .map((k) => line(k, name(k), { before: d[k].before ?? 0, after: d[k].after ?? 0, change: (d[k].after ?? 0) - (d[k].before ?? 0) }, 'count', behind(k)))
}
