import { describe, expect, it } from 'vitest'
import { compare } from './diff'

const differing = (pieces: { text: string; same: boolean }[]): string[] => pieces.filter((p) => !p.same).map((p) => p.text)
const whole = (pieces: { text: string }[]): string => pieces.map((p) => p.text).join('')

describe('compare', () => {
  it('marks only what differs, on both sides', () => {
    const [a, b] = compare('三次学习均有签到', '三次学习都有签到')
    expect(differing(a)).toEqual(['均'])
    expect(differing(b)).toEqual(['都'])
  })
  it('keeps every character', () => {
    const x = '甲稿:三次学习均有签到'
    const y = '乙稿:两次集中、一次入户'
    const [a, b] = compare(x, y)
    expect(whole(a)).toBe(x)
    expect(whole(b)).toBe(y)
    expect(differing(a).length).toBeGreaterThan(0)
  })
  it('says nothing differs between equal texts, empty ones too', () => {
    expect(differing(compare('一样', '一样')[0])).toEqual([])
    expect(compare('', '')).toEqual([[], []])
  })
  it('does not split what one person sees as one character', () => {
    const [a] = compare('好👍', '好👎')
    expect(differing(a)).toEqual(['👍'])
  })
  it('gives up on marking inside texts that are far too long, not on showing them', () => {
    const long = 'a'.repeat(3000)
    const other = 'b'.repeat(3000)
    const [a, b] = compare(long, other)
    expect(whole(a)).toBe(long)
    expect(differing(b)).toEqual([other])
  })
})
