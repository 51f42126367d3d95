// behind.ts - which record a row behind a figure opens, and what explains the row.
import { number, when } from '../format'
import { unitName } from '../live'
import { t, type Word } from '../words'
import { percent } from './figures'
import { stateName } from '../words-states'

export interface BehindRow {
  id: string
  unit_id: string
  unit: string
  hit: boolean
  title?: string | null
  [more: string]: unknown
}
export interface Behind {
  figure: string
  zh: string
  en: string
  hits: number
  of: number
  more: boolean
  rows: BehindRow[]
}

/** A check, a reminder or a report is read in its assignment; a pair of task and unit in the list of that task there. */
export function linkOf(figure: string, r: BehindRow): string | { path: string; query: Record<string, string> } {
  if (figure === 'G3') return { path: '/records', query: { task: r.id, unit: r.unit_id } }
  if (figure === 'D3') return '/meetings'
  if (figure === 'D2help') return '/help'
  return '/record/' + encodeURIComponent(String(r.assignment_id ?? r.id))
}

export function explained(figure: string, r: BehindRow): string {
  switch (figure) {
    case 'G1':
    case 'G1under':
      return `${t('reported')} ${percent(Number(r.reported))} · ${t('verified')} ${percent(Number(r.verified))}`
    case 'G2':
    case 'G5':
    case 'D1':
      return `${t('verified')} ${percent(Number(r.verified))}`
    case 'level':
      return `${t(('level_' + String(r.level)) as Word)} · ${t('verified')} ${percent(Number(r.verified))}`
    case 'G4':
      return [when(r.at), unitName(r.by_unit_id)].filter(Boolean).join(' · ')
    case 'D2':
      return `${when(r.received_at)} → ${when(r.forwarded_at)} · ${number(r.forward_text_similarity)}`
    case 'D3':
      return [stateName(r.status), r.late_min ? t('minutes', r.late_min) : ''].filter(Boolean).join(' · ')
    case 'D2help':
      return [unitName(r.asked_by), when(r.asked_at), t('waited_days', Number(r.working_days))].filter(Boolean).join(' · ')
    case 'D4unmoved':
      return [stateName(r.status), when(r.second_push)].filter(Boolean).join(' · ')
    case 'D4':
      return when(r.occurred_at)
    default:
      return [stateName(r.status), when(r.deadline)].filter(Boolean).join(' · ')
  }
}
