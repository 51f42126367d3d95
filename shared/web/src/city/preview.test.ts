import { describe, expect, it } from 'vitest'
import { burdenWords, type Preview } from './preview'

const preview: Preview = {
  reached: 7,
  already: 0,
  by_unit: [],
  burden: { forms_per_month: 1 / 3, fields_per_month: 1, forms_per_month_all: 7 / 3, fields_per_month_all: 7, open_now_mean: 8.857142, busiest: [] },
  same: []
}

describe('the burden of a task', () => {
  it('is said per unit and for all, to two places', () => {
    expect(burdenWords(preview)).toEqual(['每个单位每月 0.33 张表、1 项', '合计每月 2.33 张表、7 项', '这些单位手上平均已有 8.86 件未办结'])
  })
  it('of a task without periodic reports is no row of zeros', () => {
    const once = { ...preview, reached: 0, burden: { ...preview.burden, forms_per_month: 0, fields_per_month: 0 } }
    expect(burdenWords(once)).toEqual(['只下达一次，没有定期填报'])
  })
})
