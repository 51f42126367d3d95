import { describe, expect, it } from 'vitest'
import { noticesOf } from './notices'
import type { Status } from './types'

const calm = {
  unit: 'B03', unit_name: '老码头社区', replica: '', unsent: 0, last_sync: null, server: 'http://x', server_level: 'township', own_commits: 0,
  acks: { township: 0, county: 0, city: 0 }, waiting: 0, waiting_for: [], quarantined: 0, open_conflicts: 0, clock: 'trusted',
  needs_program: 0, notices: [], enrol_again: false, closed: false, merged_into: null, out_of_scope: []
} as Status
const names = { unit: (id: string) => `<${id}>`, parent: (id: string) => `<above ${id}>` }
const of = (more: Partial<Status>, trouble: string | null = null, fault = '') => noticesOf({ status: { ...calm, ...more }, trouble, fault }, names)
const words = (list: ReturnType<typeof of>) => list.map((n) => ('word' in n.what ? n.what.word : n.what.line))

describe('what a person must be told', () => {
  it('is nothing on an ordinary day', () => {
    expect(of({ unsent: 7, waiting: 2, open_conflicts: 1 })).toEqual([])
    expect(noticesOf({ status: null, trouble: null, fault: '' }, names)).toEqual([])
  })

  it('says once why the unit can only read: merged, closed or moved', () => {
    const gone = { enrol_again: true, closed: true }
    expect(words(of({ ...gone, merged_into: 'B01' }))).toEqual(['notice_merged'])
    expect(of({ ...gone, merged_into: 'B01' })[0].what).toMatchObject({ values: ['<B01>'] })
    expect(words(of(gone))).toEqual(['notice_closed'])
    expect(of({ enrol_again: true })[0]).toMatchObject({ what: { word: 'notice_moved' }, next: { values: ['<above B03>'] } })
  })

  it('leads to what is not sent yet as long as there is some', () => {
    const merged = { enrol_again: true, closed: true, merged_into: 'B01' }
    expect(of({ ...merged, unsent: 3 })[0].links.map((l) => l.to)).toEqual(['/enrol', '/unsent', '/records'])
    expect(of(merged)[0].links.map((l) => l.to)).toEqual(['/enrol', '/records'])
    expect(of({ out_of_scope: [{ stream: 'B08/ledger', commits: 2 }] })[0]).toMatchObject({ what: { word: 'notice_scope', values: ['<B08>', 2] }, links: [{ to: '/unsent' }] })
  })

  it('leads to enrolling again where a code can come from, and where the screens can do it', () => {
    const ways = (more: Partial<Status>) => of({ enrol_again: true, ...more })[0].links.map((l) => l.to)
    expect(ways({})).toEqual(['/enrol', '/records'])
    expect(ways({ closed: true })).toEqual(['/records'])
    expect(ways({ is_hub: true })).toEqual(['/records'])
  })

  it('puts what stops the work before what is only to be known', () => {
    const list = of({ notices: ['复制过 / copied'], quarantined: 1, needs_program: 2, out_of_scope: [{ stream: 'B08/ledger', commits: 1 }], closed: true }, '被拒绝 / denied', '磁盘出错 / disk error')
    expect(words(list)).toEqual(['磁盘出错 / disk error', 'notice_closed', 'notice_scope', '被拒绝 / denied', 'notice_quarantined', 'notice_program', '复制过 / copied'])
    expect(list.map((n) => n.tone)).toEqual(['bad', 'bad', 'warn', 'warn', 'warn', 'warn', 'info'])
    expect(new Set(list.map((n) => n.key)).size).toBe(list.length)
  })

  it('speaks of the disk even when nothing else can be read', () => {
    expect(words(noticesOf({ status: null, trouble: null, fault: '磁盘满了 / disk full' }, names))).toEqual(['磁盘满了 / disk full'])
  })

  it('leads from a copied folder to where both wrote differently', () => {
    expect(of({ notices: ['复制过 / copied'] })[0].links).toEqual([])
    expect(of({ notices: ['复制过 / copied'], open_conflicts: 2 })[0].links.map((l) => l.to)).toEqual(['/conflicts'])
  })
})
