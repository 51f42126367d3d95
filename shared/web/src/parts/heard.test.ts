import { beforeEach, describe, expect, it } from 'vitest'
import { nowText, status, units } from '../live'
import { prefs } from '../prefs'
import type { Status, Unit } from '../types'
import { heardOf } from './heard'

const unit = (id: string, parent_id: string, level: Unit['level'], ...seen: string[]): Unit => ({
  id, parent_id, level, name: id, short: id, field: null, ...(seen.length ? { devices: seen.map((last_seen) => ({ label: 'pc', last_seen })) } : {})
})

describe('when a unit was last heard of', () => {
  beforeEach(() => {
    prefs.language = 'zh'
    nowText.value = '2025-11-06T18:00:00+08:00'
    status.value = { unit: 'K1' } as Status
    units.value = [
      unit('K1', 'C', 'county'),
      unit('竹塘街道', 'K1', 'township', '2025-11-06T17:30:00+08:00'),
      unit('B03', '竹塘街道', 'branch'),
      unit('澜桥街道', 'K1', 'township'),
      unit('B01', '澜桥街道', 'branch'),
      unit('B09', 'K1', 'branch', '2025-10-01T08:00:00+08:00', '2025-10-20T08:00:00+08:00')
    ]
  })
  const said = (id: string) => heardOf(units.value.find((u) => u.id === id)!)
  it('counts from its newest sync, and a week of silence is said', () => {
    expect(said('竹塘街道')).toEqual({ text: '30 分钟前', silent: false })
    expect(said('B09')).toEqual({ text: '已 17 天没有联系', silent: true })
  })
  it('says by whom a branch is looked after whose PC is known to the office between, and that there is none only where none is known', () => {
    expect(said('B03').text).toBe('由竹塘街道联系')
    expect(said('B01').text).toBe('没有登记电脑')
  })
  it('is no question for the PC at hand', () => {
    expect(said('K1').text).toBe('本机')
  })
})
