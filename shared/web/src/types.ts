// types.ts - the shapes of docs/CLI.md that the screens read.

export type LightName = 'green' | 'yellow' | 'red' | 'blue' | 'grey'

export interface Acks {
  township: boolean
  city: boolean
}

export interface Listed {
  id: string
  kind?: 'assignment' | 'rectification' | 'conflict'
  title?: string
  problem?: string
  task_id?: string
  unit_id: string
  unit?: string
  status: string
  deadline: string | null
  value?: number | null
  text?: string | null
  reported_at?: string | null
  verified_value?: number | null
  target_value?: number | null
  indicator?: string | null
  indicator_unit?: string | null
  report_frequency?: string | null
  source_type?: string | null
  result_text?: string | null
  light: LightName
  light_zh: string
  acks?: Acks
  /** Changes that wait for a newer program. */
  needs_program?: string
}

export interface Side {
  value: unknown
  level: string
  unit: string
  time: string
  person?: string
  time_unverified?: boolean
  replica: string
}

export interface Conflict {
  id: string
  kind: 'open' | 'closed' | 'refused' | 'suggestion' | 'void' | 'after_close' | 'quarantined'
  entity: string
  row: string
  group: string
  rule: string
  winner: Side | null
  losers: Side[]
  open: boolean
  why: string
}

export interface HistoryEntry {
  commit: { replica: string; stream: string; seq: number }
  record: string
  entity: string
  time: string
  time_unverified?: boolean
  level: string
  unit: string
  person: string
  what: Record<string, unknown>
  accepted: boolean
  removal?: boolean
  /** It reached this PC so many days after it was written, by its author's fault or link. */
  late_days?: number
  why: string
  acks: Acks
}

export interface Attachment {
  id: string
  hash: string
  name: string
  size: number
  state: 'here' | 'partial' | 'not_here'
  wanted?: boolean
  refused?: string
}

export interface Order {
  id: string
  unit_id: string
  by_unit_id: string | null
  at: string
  reply_by: string | null
  text: string | null
  reply: string | null
}

export interface Record_ {
  id: string
  entity: string
  unit: string
  fields: Record<string, unknown>
  state: string | null
  history: HistoryEntry[]
  conflicts: string[]
  conflict_details: Conflict[]
  attachments?: Attachment[]
  orders?: Order[]
  needs_program?: { what: string }[]
  allowed: { transition: string; zh: string; en: string }[]
  review_depth?: number
  acks: Acks
}

export interface Status {
  unit: string
  unit_name: string
  replica: string
  unsent: number
  last_sync: string | null
  server: string | null
  server_level: string | null
  own_commits: number
  acks: { township: number; county: number; city: number }
  waiting: number
  waiting_for: { stream: string; replica: string; seq: number; reason: string; what: string }[]
  missing?: string[]
  quarantined: number
  open_conflicts: number
  clock: 'trusted' | 'low'
  needs_program?: number
  notices?: string[]
  enrol_again?: boolean
  /** An office's server: it joins at its terminal. */
  is_hub?: boolean
  closed?: boolean
  merged_into?: string | null
  out_of_scope?: { stream: string; commits: number }[]
  attachments?: { unsent: number }
}

/** A commit that is only here. */
export interface Unsent {
  lsn: number
  time: string | null
  time_unverified?: boolean
  unit: string
  person: string
  stream: string
  in_scope: boolean
  outcome: string
  records: { entity: string; id: string; what?: Record<string, unknown> }[]
}

export interface Pulse {
  head: number
  control: number
  unsent: number
  last_sync: string | null
  waiting: number
  now: string
  trouble?: string | null
}

export interface Unit {
  id: string
  parent_id: string
  level: 'branch' | 'township' | 'county' | 'city'
  name: string
  short: string
  field: string | null
  closed?: boolean
  merged_into?: string
  devices?: { label: string; last_seen: string }[]
}

export interface Saved {
  saved: true
  record: string
  notes: string[]
}

export interface Page<T> {
  total: number
  offset: number
  rows: T[]
}

export interface CatalogField {
  name: string
  zh: string
  en: string
  type: string
  required: boolean
  max?: number
  choices?: string[]
}

export interface CatalogTransition {
  name: string
  zh: string
  en: string
  from: string[]
  to: string | null
  needs: string[]
  takes: string[]
}

export interface CatalogEntity {
  zh: string
  en: string
  fields: CatalogField[]
  workflow?: { field: string; states: string[]; done: string[]; awaiting_check: string[]; transitions: CatalogTransition[] }
}

export interface Catalog {
  version: number
  entities: Record<string, CatalogEntity>
}

export interface SyncReport {
  sent: number
  received: number
  unsent: number
  acks: { township: number; city: number }
  refused: string[]
}

export interface Taken {
  files: {
    file: string
    unit: string
    part: number
    parts: number
    made: string
    taken: number
    known: number
    held: number
    released: number
  }[]
  missing: string[]
}
