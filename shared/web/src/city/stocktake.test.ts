import { describe, expect, it } from 'vitest'
import { countLines, figureLines } from './stocktake'

describe('two stocktakes beside each other', () => {
  it('says what rose, what fell and by how much', () => {
    const [n, mean] = figureLines({ n_verified: { before: 120, after: 131, change: 11 }, G4_verified_mean: { before: 0.62, after: 0.58, change: -0.04 } })
    expect(n).toMatchObject({ before: '120', after: '131', turn: 1, differs: true, change: '↑ 增加 11', behind: 'G1' })
    expect(mean).toMatchObject({ before: '62.0%', after: '58.0%', turn: -1, change: '↓ 减少 4.0 个百分点' })
  })
  it('gives the points that lie between the two figures that are shown', () => {
    const [g1] = figureLines({ G1_reported_minus_verified: { before: 0.1284, after: 0.1306, change: 0.0022 } })
    expect(g1).toMatchObject({ before: '12.8%', after: '13.1%', change: '↑ 增加 0.3 个百分点' })
  })
  it('marks nothing where the shown figures are the same', () => {
    const [g1] = figureLines({ G1_reported_minus_verified: { before: 0.1284, after: 0.12841, change: 0 } })
    expect(g1).toMatchObject({ turn: 0, differs: false, change: '' })
  })
  it('says when a figure was not there before', () => {
    const [g5] = figureLines({ G5_traditional_minus_emerging: { before: null, after: 0.2, change: null } })
    expect(g5).toMatchObject({ before: '—', after: '20.0%', turn: 0, differs: true })
    expect(g5.change).not.toBe('')
  })
  it('says nothing of too few, on either side, and gives n beside a figure', () => {
    const [g2] = figureLines({
      G2_point_minus_surface: { before: 0.3, after: 0.2, change: -0.1 },
      n_G2_point: { before: 4, after: 5, change: 1 },
      n_G2_surface: { before: 21, after: 20, change: -1 }
    })
    expect(g2).toMatchObject({ before: '样本太少', after: '20.0%', nBefore: 'n=4+21', nAfter: 'n=5+20', turn: 0, change: '', differs: true, behind: 'G2' })
  })
  it('counts a state that is not there as none, in the order of the workflow', () => {
    const lines = countLines({ 已办结: { before: 3, after: 5, change: 2 }, 待签收: { before: 2, after: null, change: null } }, (k) => k, () => undefined, ['待签收', '已办结'])
    expect(lines.map((l) => [l.name, l.before, l.after, l.turn])).toEqual([['待签收', '2', '0', -1], ['已办结', '3', '5', 1]])
  })
})
