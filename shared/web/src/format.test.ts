import { describe, expect, it } from 'vitest'
import { ago, daysLeft, isReportedThisPeriod, listed, number, plain, when } from './format'
import { prefs } from './prefs'

const now = '2025-11-06T18:00:00+08:00'

describe('names in a row', () => {
  it('have between them the sign of their language', () => {
    expect(listed(['甲', '乙'])).toBe('甲、乙')
    prefs.language = 'en'
    expect(listed(['A', 'B'])).toBe('A, B')
    prefs.language = 'zh'
  })
})

describe('dates', () => {
  it('leaves the year out when it is this one', () => {
    expect(when('2025-11-06T18:00:00+08:00', now)).toBe('11月6日 18:00')
    expect(when('2024-11-06', now)).toBe('2024年11月6日')
    expect(when(null, now)).toBe('')
  })
  it('are numbers in English', () => {
    prefs.language = 'en'
    expect(when('2025-11-06', now)).toBe('11-06')
    prefs.language = 'zh'
  })
  it('count the days to a deadline by the node clock', () => {
    expect(daysLeft('2025-11-06', now)).toBe(0)
    expect(daysLeft('2025-12-06', now)).toBe(30)
    expect(daysLeft('2025-11-01', now)).toBe(-5)
    expect(daysLeft(null, now)).toBeNull()
  })
  it('say how long ago in the unit that is enough', () => {
    expect(ago('2025-11-06T17:30:00+08:00', now)).toEqual({ n: 30, unit: 'minute' })
    expect(ago('2025-11-05T18:00:00+08:00', now)).toEqual({ n: 24, unit: 'hour' })
    expect(ago('2025-10-27T18:00:00+08:00', now)).toEqual({ n: 10, unit: 'day' })
    expect(ago('never', now)).toBeNull()
  })
})

describe('a period', () => {
  it('is answered by a report inside it', () => {
    expect(isReportedThisPeriod('2025-10-02T08:00:00+08:00', '季度', now)).toBe(true)
    expect(isReportedThisPeriod('2025-09-30T08:00:00+08:00', '季度', now)).toBe(false)
    expect(isReportedThisPeriod('2025-10-31T08:00:00+08:00', '双月', now)).toBe(false)
    expect(isReportedThisPeriod('2025-07-01T08:00:00+08:00', '半年', now)).toBe(true)
  })
  it('is a week from Monday', () => {
    expect(isReportedThisPeriod('2025-11-03T08:00:00+08:00', '每周', now)).toBe(true)
    expect(isReportedThisPeriod('2025-11-02T23:00:00+08:00', '每周', now)).toBe(false)
    expect(isReportedThisPeriod(null, '每周', now)).toBe(false)
  })
  it('is a month where nothing is said', () => {
    expect(isReportedThisPeriod('2025-11-01T08:00:00+08:00', null, now)).toBe(true)
    expect(isReportedThisPeriod('2025-10-31T08:00:00+08:00', '', now)).toBe(false)
    expect(isReportedThisPeriod(null, '', now)).toBe(false)
  })
})

describe('values', () => {
  it('of any kind become text', () => {
    expect(number(2.6)).toBe('2.6')
    expect(number(null)).toBe('—')
    expect(number(1.28404)).toBe('1.284')
    expect(plain(['一', '二'])).toBe('一\n二')
    expect(plain({ a: 1 })).toBe('a: 1')
  })
})
