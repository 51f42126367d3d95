// fields.ts - names of fields and steps in people's words, from the catalog that travels with the data.
import { half } from '../api'
import { entityOf, unitName } from '../live'
import { isEnglish } from '../prefs'
import { plain, number, when } from '../format'
import { t, type Word, words } from '../words'
import { stateName } from '../words-states'

/** The catalog writes names in English as in the middle of a line; here they begin one. */
const begun = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1)

export function fieldLabel(entity: string, name: string): string {
  const e = entityOf(entity)
  const f = e?.fields.find((x) => x.name === name)
  if (f) return isEnglish.value ? begun(f.en) : f.zh
  if (e?.workflow?.field === name) return t('state')
  return ('f_' + name) in words ? t(('f_' + name) as Word) : name
}

/** Whether the city's catalog has it: one that began with an earlier program may not. */
export function hasField(entity: string, name: string): boolean {
  return !!entityOf(entity)?.fields.some((f) => f.name === name)
}

export function transitionLabel(entity: string, name: string): string {
  const x = entityOf(entity)?.workflow?.transitions.find((s) => s.name === name)
  return x ? (isEnglish.value ? begun(x.en) : x.zh) : name
}

export function entityLabel(entity: string): string {
  const e = entityOf(entity)
  return e ? (isEnglish.value ? begun(e.en) : e.zh) : entity
}

/** Their values have names in both languages. */
const kNamed = ['status', 'state', 'source_type', 'rectify_type', 'report_frequency', 'kind']

/** A field's value as text. */
export function shown(entity: string, name: string, value: unknown): string {
  if (value === null || value === undefined || value === '') return ''
  if (name.endsWith('unit_id')) return unitName(value)
  if (kNamed.includes(name)) return stateName(value)
  if (name === 'level' && 'level_' + String(value) in words) return t(('level_' + String(value)) as Word)
  const type = entityOf(entity)?.fields.find((f) => f.name === name)?.type
  if (typeof value === 'boolean' || type === 'bool') return value ? t('yes') : t('no')
  if (type === 'date' || type === 'datetime' || name.endsWith('_at')) return when(value) || plain(value)
  if (typeof value === 'number') return number(value)
  return plain(value)
}

/** Links between records, and what only programs read. */
const kNotTold = ['assignment_id', 'rectification_id', 'task_id', 'unit_id', 'synced_at', 'events', 'version', 'forward_text_similarity']

/** What one history entry did, as [label, text] lines. */
export function told(entity: string, what: Record<string, unknown>): [string, string][] {
  const out: [string, string][] = []
  for (const [name, value] of Object.entries(what)) {
    if (name === 'transition') out.push([t('step'), transitionLabel(entity, String(value))])
    else if (kNotTold.includes(name)) continue
    else out.push([fieldLabel(entity, name), shown(entity, name, value)])
  }
  return out.filter(([, text]) => text !== '')
}

export const firstHalf = half
