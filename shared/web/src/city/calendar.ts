// calendar.ts - a year of days as the city's calendar of working days has them: Monday to Friday, but for what is noted.
// Dates are texts, 2025-10-01: no clock and no zone has a part in them.

export type Kind = '休息' | '上班'
/** As a record has it. */
export interface CalendarDay {
  id: string
  date: string
  kind: Kind
  name: string | null
}
export interface Day {
  date: string
  isWorking: boolean
  /** Noted as something other than its weekday says, or as something with a name. */
  isNoted: boolean
  name: string
}
export interface Span {
  from: string
  to: string
  kind: Kind
  name: string
  days: number
}

const kDayMs = 86_400_000
const utc = (date: string): number => Date.parse(date + 'T00:00:00Z')
const dateOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10)
const two = (n: number): string => String(n).padStart(2, '0')

export const addDays = (date: string, n: number): string => dateOf(utc(date) + n * kDayMs)
/** 0 is Monday. */
export const weekday = (date: string): number => (new Date(utc(date)).getUTCDay() + 6) % 7
export const usualKind = (date: string): Kind => (weekday(date) > 4 ? '休息' : '上班')

/** The month's weeks from Monday; null: a day of another month. */
export function weeksOf(year: number, month: number): (string | null)[][] {
  const first = `${year}-${two(month)}-01`
  const last = new Date(Date.UTC(year, month, 0)).getUTCDate()
  const cells: (string | null)[] = Array<null>(weekday(first)).fill(null)
  for (let i = 0; i < last; i++) cells.push(addDays(first, i))
  while (cells.length % 7) cells.push(null)
  return Array.from({ length: cells.length / 7 }, (_, w) => cells.slice(w * 7, w * 7 + 7))
}

export function dayOf(date: string, record: CalendarDay | undefined): Day {
  const usual = usualKind(date)
  const kind = record?.kind ?? usual
  const name = record?.name ?? ''
  return { date, isWorking: kind === '上班', isNoted: kind !== usual || !!name, name }
}

/** What a click writes: that, or as usual again where it says so already; null: nothing. */
export function afterClick(day: Day, want: Kind | 'usual', name: string): { kind: Kind; name: string } | null {
  const usual = usualKind(day.date)
  if (want === 'usual') return day.isNoted ? { kind: usual, name: '' } : null
  const isSame = day.isNoted && day.isWorking === (want === '上班') && day.name === name
  if (isSame) return { kind: usual, name: '' }
  // A day that is that anyway has nothing to note but a name.
  return !day.isNoted && want === usual && !name ? null : { kind: want, name }
}

/** Days noted alike that follow each other, as one line. */
export function spansOf(days: Day[]): Span[] {
  const out: Span[] = []
  for (const d of days) {
    if (!d.isNoted) continue
    const kind: Kind = d.isWorking ? '上班' : '休息'
    const last = out[out.length - 1]
    if (last && last.kind === kind && last.name === d.name && addDays(last.to, 1) === d.date) {
      last.to = d.date
      last.days++
    } else out.push({ from: d.date, to: d.date, kind, name: d.name, days: 1 })
  }
  return out
}

/** Where a key leads from that day; null: a key that leads nowhere. */
export function stepped(date: string, key: string): string | null {
  const days: Record<string, number> = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -7, ArrowDown: 7 }
  if (key in days) return addDays(date, days[key])
  if (key !== 'PageUp' && key !== 'PageDown') return null
  const [y, m, d] = date.split('-').map(Number)
  const at = new Date(Date.UTC(y, m - 1 + (key === 'PageUp' ? -1 : 1), 1))
  const last = new Date(Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + 1, 0)).getUTCDate()
  return `${at.getUTCFullYear()}-${two(at.getUTCMonth() + 1)}-${two(Math.min(d, last))}`
}
