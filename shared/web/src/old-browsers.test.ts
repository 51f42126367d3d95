import { describe, expect, it } from 'vitest'
import { newerStyle } from '../newer-than-86.mjs'
import { tooNewInScript, tooNewInStyle } from '../old-browsers.mjs'

describe('what Chromium 86 does not have', () => {
  it('is found in a style by each of its rules', () => {
    for (const s of newerStyle) expect(tooNewInStyle(s.sample), s.sample).toContain(s.what)
  })
  it('is not seen where there is nothing of the kind', () => {
    const good = 'a{box-shadow:inset 0 0 1px red;margin-inline-start:1px;clip-path:inset(50%);transform:scale(2);-webkit-mask:none;overflow:hidden;overflow-wrap:anywhere}a:not(.b):hover>b{width:1.5rem}@supports (inset:0){a{top:0}}'
    expect(tooNewInStyle(good)).toEqual([])
  })
  it('is found in a script: functions, globals, syntax', () => {
    const found = (code: string) => tooNewInScript(code)
    expect(found('[1].at(-1)')).toEqual(['.at'])
    expect(found('x?.findLast((y) => y)')).toEqual(['.findLast'])
    expect(found('Object.hasOwn(a, "b")')).toEqual(['Object.hasOwn'])
    expect(found('const f = Promise.withResolvers')).toEqual(['Promise.withResolvers'])
    expect(found('structuredClone({})')).toEqual(['structuredClone'])
    expect(found('new URLPattern("/")')).toEqual(['URLPattern'])
    expect(found('crypto.randomUUID()')).toEqual(['.randomUUID'])
    expect(found('el.inert = true')).toEqual(['.inert'])
    expect(found('class A { static { f() } }')).toEqual(['static { } in a class (94)'])
    expect(found('class A { #x; has(o) { return #x in o } }')).toEqual(['#x in (91)'])
    expect(found('/a/d.exec(b)')).toEqual(['flags d of a pattern (90, 112)'])
    expect(found('await f()')).toEqual(['await outside of any function (89)'])
  })
  it('is not seen in what only looks like it', () => {
    expect(tooNewInScript('const at = 1; p.at = at; p.at; async function f() { await g() } rect.union(b); if (typeof structuredClone === "function") f(); a ??= b?.c')).toEqual([])
  })
})
