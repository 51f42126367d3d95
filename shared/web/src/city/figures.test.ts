import { describe, expect, it } from 'vitest'
import { besideOf, gapsOf, habitsOf, percentOf, type Scope } from './figures'

const scope: Scope = {
  n_verified: 131,
  n_G1: 131,
  G1_reported_minus_verified: 0.1284,
  G1_under_reported: 0,
  G2_point_minus_surface: 0.2833,
  n_G2_point: 4,
  n_G2_surface: 90,
  G3_not_landed_60d: { expected: 100, landed: 60, rate: 0.4 },
  G4_pushes_per_leaf: 1.2,
  n_G4_pushes: 120,
  n_G4_leaves: 100,
  G4_verified_mean: 0.55,
  G5_traditional_minus_emerging: null,
  n_G5_traditional: 0,
  n_G5_emerging: 0,
  D1_false_completion: { overturned: 9, verified_claims: 17, rate: 0.5294 },
  D2_pure_forward: { pure: 0, forwards: 0, rate: null },
  D4_push_driven: { driven: 2, updates: 3, rate: 0.6667 },
  verified_mean_by_level: []
}

describe('figures', () => {
  it('are never shown without n', () => {
    for (const f of [...gapsOf(scope), ...habitsOf(scope, undefined)]) if (f.text !== '—') expect(f.n, f.key).not.toBe('')
  })
  it('below five say "too few" in place of the figure and get no shade', () => {
    const g2 = gapsOf(scope)[1]
    expect(g2).toMatchObject({ few: true, text: '样本太少', n: 'n=4+90' })
    expect(g2.heat).toBeNull()
    expect(habitsOf(scope, undefined)[3]).toMatchObject({ few: true, text: '样本太少', n: '2/3' })
    expect(percentOf(0.5, 4)).toBe('样本太少')
    expect(percentOf(0.5, 5)).toBe('50.0%')
    expect(percentOf(null, 0)).toBe('—')
  })
  it('that are not there are a dash, not a zero', () => {
    expect(gapsOf(scope)[4].text).toBe('—')
    expect(habitsOf(scope, undefined)[1].text).toBe('—')
  })
  it('show how many of how many', () => {
    expect(gapsOf(scope)[2]).toMatchObject({ text: '40.0%', n: '40/100', few: false })
    expect(habitsOf(scope, undefined)[0]).toMatchObject({ text: '52.9%', n: '9/17' })
  })
  it('that stand beside the habits are there where there is something to count', () => {
    expect(besideOf(scope)).toEqual([])
    expect(besideOf({ ...scope, D4_unmoved: { unmoved: 2, pushed_twice: 5, rate: 0.4 }, D2_help_unanswered: { late: 0, open: 0, rate: null } })).toEqual([{ key: 'D4unmoved', word: 'd4_unmoved', hits: 2, of: 5 }])
  })
  it('of meetings are counts, never a score', () => {
    const d3 = habitsOf(scope, { meetings: 2, in_person: 1, substitute_unapproved: 1, absent: 0, late_over_10min: 0 })[2]
    expect(d3).toMatchObject({ text: '1', heat: null, few: false })
  })
})
