import { describe, expect, it } from 'vitest'
import { counted, half } from './api'
import { prefs } from './prefs'
import { words } from './words'

describe('half', () => {
  const both = (line: string): [string, string] => {
    const zh = half(line)
    prefs.language = 'en'
    const en = half(line)
    prefs.language = 'zh'
    return [zh, en]
  }
  it('cuts a line of the API to one language', () => {
    expect(both('数值不对:x / not a number: x')).toEqual(['数值不对：x', 'not a number: x'])
  })
  it('keeps a semicolon inside the English half', () => {
    expect(both('已作废:K1已退回;文字保留 / void; K1 did return (不齐); its text is kept')).toEqual([
      '已作废：K1已退回；文字保留',
      'void; K1 did return (不齐); its text is kept'
    ])
  })
  it('cuts each of several lines', () => {
    expect(both('甲 / A; 乙 / B')).toEqual(['甲；乙', 'A; B'])
  })
  it('gives Chinese its own signs, and leaves times and numbers alone', () => {
    expect(both('复制的(6日发现):各处保留 (K1) / kept')[0]).toBe('复制的（6日发现）：各处保留 (K1)')
    expect(both('已到18:00,还差1,200条! / late, 18:00: 1,200 are missing!')).toEqual(['已到18:00，还差1,200条！', 'late, 18:00: 1,200 are missing!'])
  })
  it('leaves other text alone', () => {
    expect(both('x / y')).toEqual(['x / y', 'x / y'])
  })
})

describe('a large answer', () => {
  it('is told piece by piece, against what was announced, and is the same answer', async () => {
    const pieces = ['{"a":', '[1,2', ']}'].map((p) => new TextEncoder().encode(p))
    const body = new ReadableStream({
      start(c) {
        for (const p of pieces) c.enqueue(p)
        c.close()
      }
    })
    const told: number[][] = []
    const same = await counted(new Response(body, { status: 200, headers: { 'content-length': '11' } }), (at, of) => told.push([at, of]))
    expect(told).toEqual([[5, 11], [9, 11], [11, 11]])
    expect(await same.json()).toEqual({ a: [1, 2] })
  })
})

describe('the catalogue', () => {
  it('has both languages, with the same places to fill', () => {
    for (const [key, [zh, en]] of Object.entries(words)) {
      expect(zh, key).toBeTruthy()
      expect(en, key).toBeTruthy()
      expect((zh.match(/\{\}/g) ?? []).length, key).toBe((en.match(/\{\}/g) ?? []).length)
    }
  })
})
