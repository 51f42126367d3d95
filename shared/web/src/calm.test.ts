import { describe, expect, it } from 'vitest'
import { Calm, kRestPerWork } from './calm'

function world(cost: number) {
  const w = { at: 0, runs: 0, timers: [] as { f: () => void; at: number }[] }
  const calm = new Calm(
    async () => {
      w.runs++
      w.at += cost
    },
    () => w.at,
    (f, ms) => w.timers.push({ f, at: w.at + ms })
  )
  const settle = async () => {
    for (let i = 0; i < 5; i++) await Promise.resolve()
  }
  return { w, calm, settle }
}

describe('a reading that costs much', () => {
  it('is not repeated before it has rested ten times what it took', async () => {
    const { w, calm, settle } = world(1000)
    calm.ask()
    await settle()
    for (let i = 0; i < 20; i++) calm.ask()
    await settle()
    expect(w.runs).toBe(1)
    expect(w.timers[0].at).toBe(1000 + 1000 * kRestPerWork)
    w.timers[0].f()
    await settle()
    expect(w.runs).toBe(2)
  })
  it('is not repeated at all when nothing changed meanwhile', async () => {
    const { w, calm, settle } = world(1000)
    calm.ask()
    await settle()
    w.timers[0].f()
    await settle()
    expect(w.runs).toBe(1)
  })
  it('asked for while another runs begins right after it', async () => {
    const { w, calm, settle } = world(1000)
    calm.ask()
    await calm.atOnce()
    await settle()
    expect(w.runs).toBe(2)
  })
  it('is done at once when a person asks', async () => {
    const { w, calm } = world(1000)
    await calm.atOnce()
    await calm.atOnce()
    expect(w.runs).toBe(2)
  })
})
