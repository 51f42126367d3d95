// circular.ts - what a circular can be about, and the pieces of one, as the API gives them.
import { get } from '../api'
import type { Listed, Page } from '../types'
import type { Word } from '../words'

export interface PaperLine {
  line: 'masthead' | 'number' | 'title' | 'addressee' | 'heading' | 'subheading' | 'body' | 'signer' | 'date' | 'note'
  text: string
}
export interface NamedUnit {
  unit_id: string
  problem_id: string | null
  record_id?: string
  text: string
}
export interface CircularPreview {
  no: string
  title: string
  text: string
  named: NamedUnit[]
  paragraphs: PaperLine[]
}
export interface Circular {
  id: string
  issuer: string | null
  kind: string | null
  no: string | null
  title: string | null
  period: string | null
  issued_at: string | null
  text?: string | null
  named: NamedUnit[] | string | null
}

/** Something that can be chosen: a finding, or a unit by itself. */
export interface Choice {
  id: string
  unit_id: string
  text: string
}

export const kSources = ['problems', 'overturned', 'gap', 'red', 'units'] as const
export type SourceName = (typeof kSources)[number]
export const kFigures: { key: string; word: Word }[] = [
  { key: 'checked', word: 'circ_checked' },
  { key: 'mean', word: 'circ_mean' },
  { key: 'G1', word: 'g1' },
  { key: 'G3', word: 'g3' },
  { key: 'G4', word: 'g4' },
  { key: 'D1', word: 'd1' },
  { key: 'D2', word: 'd2' },
  { key: 'D4', word: 'd4' }
]

const kLimit = 200
const kOpenProblems = '登记,待签收,制定方案,整改中,退回整改,待初审,待复审,待终审,持续整改,重启,延期待批'

interface Behind {
  more: boolean
  rows: { id: string; unit_id: string; hit: boolean; title?: string | null; assignment_id?: string; reported?: number; verified?: number; deadline?: string }[]
}
/** A part of the findings of one kind: `next` is where the following part begins, null after the last. */
export interface Choices {
  list: Choice[]
  next: number | null
}

const percent = (v: number | undefined): string => (v === undefined ? '' : `${(v * 100).toFixed(1)}%`)

/** Findings of one kind, in a unit and all below it, with what they say in a few words; from the place `offset` on. */
export async function choicesOf(source: SourceName, unit: string, offset = 0, words = ''): Promise<Choices> {
  if (source === 'units') return { list: [], next: null }
  if (source === 'problems') {
    const p = await get<Page<Listed>>('page', ['rectifications'], { unit, state: kOpenProblems, search: words || undefined, offset, limit: kLimit })
    const end = offset + p.rows.length
    return { list: p.rows.map((r) => ({ id: r.id, unit_id: r.unit_id, text: `${r.problem ?? r.id}(${r.status})` })), next: end < p.total && p.rows.length ? end : null }
  }
  const figure = source === 'red' ? 'red' : source === 'gap' ? 'G1' : 'D1'
  const b = await get<Behind>('behind', [figure], { unit, offset, limit: kLimit })
  // Those that count stand first: after one that does not there are no more.
  const hits = b.rows.filter((r) => r.hit)
  const said = (r: Behind['rows'][number]): string =>
    source === 'red'
      ? `${r.title ?? r.id} ${r.deadline ?? ''}`
      : [r.title ?? r.assignment_id ?? r.id, r.reported === undefined ? '' : percent(r.reported) + ' → ', percent(r.verified)].filter(Boolean).join(' ')
  return { list: hits.map((r) => ({ id: r.id, unit_id: r.unit_id, text: said(r) })), next: b.more && hits.length === b.rows.length ? offset + b.rows.length : null }
}

/** The API gives a JSON field as a value, or as text where it could not be read. */
export function namedOf(c: Pick<Circular, 'named'>): NamedUnit[] {
  if (Array.isArray(c.named)) return c.named
  try {
    const v = JSON.parse(String(c.named ?? '[]')) as unknown
    return Array.isArray(v) ? (v as NamedUnit[]) : []
  } catch {
    return []
  }
}
