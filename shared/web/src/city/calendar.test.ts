import { describe, expect, it } from 'vitest'
import { addDays, afterClick, dayOf, spansOf, stepped, usualKind, weeksOf, type CalendarDay } from './calendar'

const record = (date: string, kind: '休息' | '上班', name: string | null = null): CalendarDay => ({ id: 'RL-' + date, date, kind, name })

describe('a month', () => {
  it('has its days in weeks from Monday', () => {
    const weeks = weeksOf(2025, 10) // begins on a Wednesday
    expect(weeks[0]).toEqual([null, null, '2025-10-01', '2025-10-02', '2025-10-03', '2025-10-04', '2025-10-05'])
    expect(weeks[4].slice(0, 5)).toEqual(['2025-10-27', '2025-10-28', '2025-10-29', '2025-10-30', '2025-10-31'])
    expect(weeksOf(2027, 2)).toHaveLength(4) // Monday to Sunday, four times
    expect(weeksOf(2024, 2).flat().filter(Boolean)).toHaveLength(29)
  })
})

describe('a day', () => {
  it('is worked from Monday to Friday unless the calendar says otherwise', () => {
    expect(usualKind('2025-10-03')).toBe('上班')
    expect(usualKind('2025-10-04')).toBe('休息')
    expect(dayOf('2025-10-03', undefined)).toMatchObject({ isWorking: true, isNoted: false })
    expect(dayOf('2025-10-03', record('2025-10-03', '休息', '国庆节'))).toMatchObject({ isWorking: false, isNoted: true, name: '国庆节' })
    expect(dayOf('2025-10-11', record('2025-10-11', '上班'))).toMatchObject({ isWorking: true, isNoted: true })
    expect(dayOf('2025-10-04', record('2025-10-04', '休息', '国庆节')).isNoted).toBe(true) // a Saturday, but one with a name
    expect(dayOf('2025-10-04', record('2025-10-04', '休息')).isNoted).toBe(false) // taken back
  })

  it('becomes what is chosen by a click, and as usual by the second', () => {
    const usual = dayOf('2025-10-03', undefined)
    expect(afterClick(usual, '休息', '国庆节')).toEqual({ kind: '休息', name: '国庆节' })
    const off = dayOf('2025-10-03', record('2025-10-03', '休息', '国庆节'))
    expect(afterClick(off, '休息', '国庆节')).toEqual({ kind: '上班', name: '' })
    expect(afterClick(off, '休息', '中秋节')).toEqual({ kind: '休息', name: '中秋节' })
    expect(afterClick(off, 'usual', '')).toEqual({ kind: '上班', name: '' })
    expect(afterClick(usual, 'usual', '')).toBeNull()
    expect(afterClick(usual, '上班', '')).toBeNull()
    expect(afterClick(usual, '上班', '补班')).toEqual({ kind: '上班', name: '补班' })
  })
})

describe('the list of a year', () => {
  it('joins days that are alike and follow each other', () => {
    const days = ['2025-10-01', '2025-10-02', '2025-10-03'].map((d) => dayOf(d, record(d, '休息', '国庆节')))
    days.push(dayOf('2025-10-04', undefined), dayOf('2025-10-06', record('2025-10-06', '休息', '国庆节')), dayOf('2025-10-11', record('2025-10-11', '上班')))
    expect(spansOf(days)).toEqual([
      { from: '2025-10-01', to: '2025-10-03', kind: '休息', name: '国庆节', days: 3 },
      { from: '2025-10-06', to: '2025-10-06', kind: '休息', name: '国庆节', days: 1 },
      { from: '2025-10-11', to: '2025-10-11', kind: '上班', name: '', days: 1 }
    ])
  })
})

describe('keys', () => {
  it('lead over the ends of months and years', () => {
    expect(addDays('2025-12-31', 1)).toBe('2026-01-01')
    expect(stepped('2025-01-01', 'ArrowLeft')).toBe('2024-12-31')
    expect(stepped('2025-01-01', 'ArrowDown')).toBe('2025-01-08')
    expect(stepped('2025-01-31', 'PageDown')).toBe('2025-02-28')
    expect(stepped('2025-01-15', 'PageUp')).toBe('2024-12-15')
    expect(stepped('2025-01-15', 'a')).toBeNull()
  })
})
