// extra.ts - a task's own form fields: as they are declared, answered and shown.
import { number } from '../format'

export const kExtraTypes = ['text', 'number', 'date', 'choice', 'file'] as const
export type ExtraType = (typeof kExtraTypes)[number]
export interface ExtraField {
  name: string
  type: ExtraType
  choices?: string[]
  required?: boolean
}

/** Of a task's `extra_fields`: a list, or text where the API could not read it. */
export function formOf(declared: unknown): ExtraField[] {
  let v = declared
  if (typeof v === 'string') {
    try {
      v = JSON.parse(v || '[]')
    } catch {
      return []
    }
  }
  return Array.isArray(v) ? v.filter((f): f is ExtraField => !!f && typeof f === 'object' && typeof (f as ExtraField).name === 'string') : []
}

/** What was answered last, as it stands in an input. */
export function answersOf(extra: unknown): Record<string, string> {
  if (!extra || typeof extra !== 'object' || Array.isArray(extra)) return {}
  return Object.fromEntries(Object.entries(extra as Record<string, unknown>).filter(([, v]) => v !== null && v !== '').map(([n, v]) => [n, String(v)]))
}

/** As the API takes answers; undefined where nothing was answered. */
export function extraOption(form: ExtraField[], typed: Record<string, string>): string | undefined {
  const given = form.map((f) => [f.name, (typed[f.name] ?? '').trim()]).filter(([, v]) => v)
  return given.length ? JSON.stringify(Object.fromEntries(given)) : undefined
}

/** The first required field without an answer; '' when all are there. */
export const missingOf = (form: ExtraField[], typed: Record<string, string>): string => form.find((f) => f.required && !(typed[f.name] ?? '').trim())?.name ?? ''

/** Answers in words, in the order of the form; what an earlier form asked stands behind. */
export function shownAnswers(form: ExtraField[], extra: unknown): [string, string][] {
  const answers = answersOf(extra)
  const names = [...form.map((f) => f.name), ...Object.keys(answers).filter((n) => !form.some((f) => f.name === n))]
  return names.filter((n) => answers[n]).map((n) => [n, form.find((f) => f.name === n)?.type === 'number' ? number(Number(answers[n])) : answers[n]])
}

/** A declaration that is being written, as the API takes it: rows without a name say nothing. */
export function declared(rows: { name: string; type: ExtraType; choices: string; required: boolean }[]): string {
  const list = rows
    .filter((r) => r.name.trim())
    .map((r) => {
      const f: ExtraField = { name: r.name.trim(), type: r.type }
      if (r.type === 'choice') f.choices = r.choices.split(/[,,、\s]+/).filter(Boolean)
      if (r.required) f.required = true
      return f
    })
  return list.length ? JSON.stringify(list) : ''
}
