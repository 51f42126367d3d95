// figures.ts - the review's figures as cards: the value in words, n beside it, "too few" where it says nothing.
import { t, type Word } from '../words'

export const kTooFew = 5

export interface Rate {
  rate: number | null
  [count: string]: number | null
}
export interface Scope {
  n_verified: number
  n_G1: number
  G1_reported_minus_verified: number | null
  G1_under_reported: number | null
  G2_point_minus_surface: number | null
  n_G2_point: number
  n_G2_surface: number
  G3_not_landed_60d: Rate
  G4_pushes_per_leaf: number | null
  n_G4_pushes: number
  n_G4_leaves: number
  G4_verified_mean: number | null
  G5_traditional_minus_emerging: number | null
  n_G5_traditional: number
  n_G5_emerging: number
  D1_false_completion: Rate
  D2_pure_forward: Rate
  D4_push_driven: Rate
  G4_among_peers?: { effort: number; effect: number; flagged: boolean }
  D2_help_unanswered?: Rate
  D4_unmoved?: Rate
  verified_mean_by_level: { level: string; mean: number; drop: number | null; n: number }[]
}
export interface Attendance {
  meetings: number
  in_person: number
  substitute_unapproved: number
  absent: number
  late_over_10min: number
}

export interface Figure {
  key: string
  name: Word
  hint: Word
  /** What is shown large; "—" where there is nothing, "too few" where n is below five. */
  text: string
  n: string
  few: boolean
  /** 0 good … 1 bad, for the shade of the table; null: no shade. */
  heat: number | null
}

/** A mean with its n: too few say nothing. */
export const percentOf = (v: number | null | undefined, n: number): string =>
  v !== null && v !== undefined && n < kTooFew ? t('too_few') : percent(v)

export const percent = (v: number | null | undefined): string =>
  v === null || v === undefined ? '—' : `${(v * 100).toFixed(1)}%`

const bad = (v: number | null, full: number): number | null => (v === null ? null : Math.max(0, Math.min(1, v / full)))

function figure(key: string, name: Word, hint: Word, value: number | null, text: string, n: string, least: number, full: number): Figure {
  const few = value !== null && least < kTooFew
  // Too few say nothing, so their figure is not shown at all (docs/METRICS.md, "n").
  return { key, name, hint, text: value === null ? '—' : few ? t('too_few') : text, n, few, heat: few ? null : bad(value, full) }
}

export function gapsOf(s: Scope): Figure[] {
  const g3 = s.G3_not_landed_60d
  return [
    figure('G1', 'g1', 'g1_hint', s.G1_reported_minus_verified, percent(s.G1_reported_minus_verified), `n=${s.n_G1}`, s.n_G1, 0.3),
    figure('G2', 'g2', 'g2_hint', s.G2_point_minus_surface, percent(s.G2_point_minus_surface), `n=${s.n_G2_point}+${s.n_G2_surface}`, Math.min(s.n_G2_point, s.n_G2_surface), 0.5),
    figure('G3', 'g3', 'g3_hint', g3.rate, percent(g3.rate), `${Number(g3.expected) - Number(g3.landed)}/${g3.expected}`, Number(g3.expected), 0.8),
    figure('G4', 'g4', 'g4_hint', s.G4_pushes_per_leaf, `${s.G4_pushes_per_leaf?.toFixed(2) ?? ''} · ${percent(s.G4_verified_mean)}`, `n=${s.n_G4_leaves}, ${s.n_verified}`, Math.min(s.n_G4_leaves, s.n_verified), 3),
    figure('G5', 'g5', 'g5_hint', s.G5_traditional_minus_emerging, percent(s.G5_traditional_minus_emerging), `n=${s.n_G5_traditional}+${s.n_G5_emerging}`, Math.min(s.n_G5_traditional, s.n_G5_emerging), 0.5)
  ]
}

export function habitsOf(s: Scope, a: Attendance | undefined): Figure[] {
  const rate = (key: string, name: Word, hint: Word, r: Rate, hits: string, of: string): Figure =>
    figure(key, name, hint, r.rate, percent(r.rate), `${r[hits]}/${r[of]}`, Number(r[of]), 1)
  const missed = a ? a.substitute_unapproved + a.absent + a.late_over_10min : null
  return [
    rate('D1', 'd1', 'd1_hint', s.D1_false_completion, 'overturned', 'verified_claims'),
    rate('D2', 'd2', 'd2_hint', s.D2_pure_forward, 'pure', 'forwards'),
    // Counts, never a score: no "too few", no shade.
    { key: 'D3', name: 'd3', hint: 'd3_hint', text: missed === null ? '—' : String(missed), n: a ? `${a.substitute_unapproved}+${a.absent}+${a.late_over_10min}, n=${a.meetings}` : '', few: false, heat: null },
    rate('D4', 'd4', 'd4_hint', s.D4_push_driven, 'driven', 'updates')
  ]
}

/** What stands beside D2 and D4, where there is anything: counts, each with the records behind it. */
export function besideOf(s: Scope): { key: string; word: Word; hits: number; of: number }[] {
  const list: { key: string; word: Word; hits: number; of: number }[] = []
  if (Number(s.D2_help_unanswered?.open)) list.push({ key: 'D2help', word: 'd2_help', hits: Number(s.D2_help_unanswered!.late), of: Number(s.D2_help_unanswered!.open) })
  if (Number(s.D4_unmoved?.pushed_twice)) list.push({ key: 'D4unmoved', word: 'd4_unmoved', hits: Number(s.D4_unmoved!.unmoved), of: Number(s.D4_unmoved!.pushed_twice) })
  return list
}
