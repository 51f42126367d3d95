// refusal.ts - where on the form a refusal belongs. The API begins such a line with the field's name.
import { half, inChinese } from '../api'

export interface Refusal {
  /** One of the form's fields; '' when the line speaks of the whole. */
  field: string
  words: string
}

/** "deadline: 日期不对 / deadline: not a date" is the deadline's; the name itself is not for people. */
export function refusalOf(e: unknown, fields: readonly string[]): Refusal {
  const line = (e as { line?: unknown } | null)?.line
  if (typeof line !== 'string') return { field: '', words: String(e) }
  const field = fields.find((f) => line.startsWith(f + ':')) ?? ''
  const words = half(line)
  if (!field) return { field, words }
  const plain = words.startsWith(field + ':') ? words.slice(field.length + 1).trim() : words
  return { field, words: inChinese(plain.replace(`(${field})`, '')) }
}

/** What a step asks for: its refusals begin with these names, which are for programs. */
export const kStepFields = ['new_deadline', 'reason', 'text']

/** The field in which somebody wrote what the refusal quotes: “机密” is said of the text that has it. */
export function quotedField(words: string, typed: Record<string, string>): string {
  const quoted = /[“'(\uff08]([^“”'()\uff08\uff09]+)[”')\uff09]/.exec(words)?.[1]
  return quoted ? (Object.keys(typed).find((f) => typed[f].includes(quoted)) ?? '') : ''
}
