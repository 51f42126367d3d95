import { afterEach, describe, expect, it, vi } from 'vitest'

const get = vi.fn()
vi.mock('../api', () => ({ get: (...args: unknown[]) => get(...args) }))
const { choicesOf } = await import('./circular')

afterEach(() => get.mockReset())

describe('findings of a circular', () => {
  it('come part by part: the next part begins where this one ended', async () => {
    get.mockResolvedValueOnce({ total: 450, offset: 0, rows: Array.from({ length: 200 }, (_, i) => ({ id: 'ZG' + i, unit_id: 'B01', problem: '问题', status: '登记' })) })
    const first = await choicesOf('problems', 'K1')
    expect(first.next).toBe(200)
    expect(first.list).toHaveLength(200)
    get.mockResolvedValueOnce({ total: 450, offset: 400, rows: Array.from({ length: 50 }, (_, i) => ({ id: 'ZG' + i, unit_id: 'B01', problem: '问题', status: '登记' })) })
    expect((await choicesOf('problems', 'K1', 400, '台账')).next).toBeNull()
    expect(get).toHaveBeenLastCalledWith('page', ['rectifications'], expect.objectContaining({ unit: 'K1', offset: 400, search: '台账' }))
  })
  it('end with the last one that counts, however many records stand behind it', async () => {
    get.mockResolvedValueOnce({ more: true, rows: [{ id: 'V1', unit_id: 'B01', hit: true, verified: 0.5 }, { id: 'V2', unit_id: 'B01', hit: false }] })
    expect(await choicesOf('overturned', '')).toEqual({ list: [{ id: 'V1', unit_id: 'B01', text: 'V1 50.0%' }], next: null })
    get.mockResolvedValueOnce({ more: true, rows: [{ id: 'V1', unit_id: 'B01', hit: true }] })
    expect((await choicesOf('overturned', '', 200)).next).toBe(201)
  })
})
