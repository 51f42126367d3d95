// notices.ts - what a person must be told about this PC and its data: what happened, what to do next, where to look.
//
// Each stands on every page until it is settled; the status of the program says when that is.
import type { Status } from './types'
import type { Word } from './words'

export interface Notice {
  key: string
  tone: 'bad' | 'warn' | 'info'
  /** What happened: a word of the catalogue with what fills it, or a line of the program in both languages. */
  what: { word: Word; values: unknown[] } | { line: string }
  /** What to do next. */
  next?: { word: Word; values: unknown[] }
  /** Where what it concerns is listed. */
  links: { to: string; word: Word }[]
}

export interface Told {
  status: Status | null
  /** Why the link, which is there, does not help. */
  trouble: string | null
  /** What the disk refused last. */
  fault: string
}

/** Names of units, as people know them. */
export interface Names {
  unit: (id: string) => string
  parent: (id: string) => string
}

const kUnsent = { to: '/unsent', word: 'notice_see_unsent' } as const
const kRecords = { to: '/records', word: 'notice_see_records' } as const
const kConflicts = { to: '/conflicts', word: 'notice_see_conflicts' } as const
const kEnrol = { to: '/enrol', word: 'notice_enrol' } as const
const kDetails = { to: '/notices', word: 'notice_see_waiting' } as const

/** The unit itself: whoever sits here can only read, or has to ask for a new code first. */
function ofTheUnit(s: Status, names: Names): Notice[] {
  const links = [...(s.unsent > 0 ? [kUnsent] : []), kRecords]
  // Who gave out a code here says so; a server joins at its terminal.
  const again = s.enrol_again && !s.is_hub && (!s.closed || s.merged_into) ? [kEnrol] : []
  const said = (what: Word, next: Word, ...values: unknown[]): Notice[] => [
    { key: 'unit', tone: 'bad', what: { word: what, values }, next: { word: next, values }, links: [...again, ...links] }
  ]
  if (s.merged_into) return said('notice_merged', 'notice_merged_next', names.unit(s.merged_into))
  if (s.closed) return said('notice_closed', 'notice_closed_next')
  if (s.enrol_again) return said('notice_moved', 'notice_moved_next', names.parent(s.unit))
  return []
}

/** Most urgent first. */
export function noticesOf({ status: s, trouble, fault }: Told, names: Names): Notice[] {
  const out: Notice[] = []
  if (fault) out.push({ key: 'fault', tone: 'bad', what: { line: fault }, next: { word: 'notice_fault_next', values: [] }, links: [] })
  if (!s) return out
  out.push(...ofTheUnit(s, names))
  for (const x of s.out_of_scope ?? [])
    out.push({
      key: 'scope/' + x.stream,
      tone: 'warn',
      what: { word: 'notice_scope', values: [names.unit(x.stream.split('/')[0]), x.commits] },
      next: { word: 'notice_scope_next', values: [] },
      links: [kUnsent]
    })
  if (trouble) out.push({ key: 'trouble', tone: 'warn', what: { line: trouble }, next: { word: 'notice_trouble_next', values: [] }, links: s.unsent > 0 ? [kUnsent] : [] })
  if (s.quarantined > 0)
    out.push({ key: 'quarantined', tone: 'warn', what: { word: 'notice_quarantined', values: [s.quarantined] }, next: { word: 'notice_quarantined_next', values: [] }, links: [kConflicts] })
  if ((s.needs_program ?? 0) > 0)
    out.push({ key: 'program', tone: 'warn', what: { word: 'notice_program', values: [s.needs_program] }, next: { word: 'notice_program_next', values: [] }, links: [kDetails] })
  for (const line of s.notices ?? [])
    out.push({ key: line, tone: 'info', what: { line }, links: s.open_conflicts > 0 ? [kConflicts] : [] })
  return out
}

/** So many stand in the band; whoever wants the others opens the page of all. */
export const kInBand = 2
