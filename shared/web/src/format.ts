// format.ts - dates and numbers as people here read them.
import { isEnglish } from './prefs'

/** "2025-11-06T18:00:00+08:00" or "2025-11-06" as 11月6日 18:00; with the year when it is not `now`'s. */
export function when(text: unknown, now = ''): string {
  const m = /^(\d{4})-(\d{2})-(\d{2})(?:T(\d{2}:\d{2}))?/.exec(String(text ?? ''))
  if (!m) return ''
  const [, year, month, day, time] = m
  const sameYear = now.slice(0, 4) === year
  const date = isEnglish.value
    ? `${sameYear ? '' : year + '-'}${month}-${day}`
    : `${sameYear ? '' : year + '年'}${Number(month)}月${Number(day)}日`
  return time ? `${date} ${time}` : date
}

/** Whole days from `now` to the end of a deadline's day; negative when it is over. */
export function daysLeft(deadline: unknown, now: string): number | null {
  const day = /^\d{4}-\d{2}-\d{2}/.exec(String(deadline ?? ''))
  const today = /^\d{4}-\d{2}-\d{2}/.exec(now)
  if (!day || !today) return null
  return Math.round((Date.parse(day[0]) - Date.parse(today[0])) / 86_400_000)
}

export function number(value: unknown): string {
  if (value === null || value === undefined || value === '') return '—'
  const n = Number(value)
  return Number.isFinite(n) ? String(Number(n.toFixed(4))) : String(value)
}

/** Names one after the other, with the sign that each language puts between them. */
export const listed = (names: string[]): string => names.join(isEnglish.value ? ', ' : '、')

/** Any value of a record, as text. */
export function plain(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (Array.isArray(value)) return value.map(plain).join('\n')
  if (typeof value === 'object')
    return Object.entries(value as Record<string, unknown>)
      .map(([k, v]) => `${k}: ${plain(v)}`)
      .join('\n')
  return String(value)
}

/** How long ago, in the largest unit that says enough. */
export function ago(text: unknown, now: string): { n: number; unit: 'minute' | 'hour' | 'day' } | null {
  const ms = Date.parse(now) - Date.parse(String(text ?? ''))
  if (!Number.isFinite(ms)) return null
  const minutes = Math.max(0, Math.round(ms / 60_000))
  if (minutes < 60) return { n: minutes, unit: 'minute' }
  if (minutes < 48 * 60) return { n: Math.floor(minutes / 60), unit: 'hour' }
  return { n: Math.floor(minutes / 1440), unit: 'day' }
}

const kPeriodMonths: Record<string, number> = { 月: 1, 每月: 1, 双月: 2, 每两月: 2, 季度: 3, 每季度: 3, 半年: 6, 每半年: 6, 年: 12, 每年: 12, 年度: 12 }
const kWeekly = ['每周', '周']

/** Weeks from Monday, counted from one long ago. */
function weekOf(text: string): number | null {
  const day = Date.parse(text.slice(0, 10))
  return Number.isFinite(day) ? Math.floor((day / 86_400_000 + 3) / 7) : null
}

/** Whether a report at `reported` answers the period that `now` lies in. Without a frequency: a month. */
export function isReportedThisPeriod(reported: unknown, frequency: unknown, now: string): boolean {
  if (kWeekly.includes(String(frequency))) {
    const week = weekOf(String(reported ?? ''))
    return week !== null && week === weekOf(now)
  }
  const months = kPeriodMonths[String(frequency ?? '')] ?? 1
  const place = (text: string): number | null => {
    const m = /^(\d{4})-(\d{2})/.exec(text)
    return m ? Math.floor((Number(m[1]) * 12 + Number(m[2]) - 1) / months) : null
  }
  const a = place(String(reported ?? ''))
  return a !== null && a === place(now)
}
