// preview.ts - what `issue --dry_run` says (docs/CLI.md), in words.
import { number } from '../format'
import { t } from '../words'

export interface Preview {
  reached: number
  already: number
  by_unit: { id: string; name: string; reached: number }[]
  burden: {
    forms_per_month: number
    fields_per_month: number
    forms_per_month_all: number
    fields_per_month_all: number
    open_now_mean: number
    busiest: { id: string; name: string; open: number }[]
  }
  same: { id: string; title: string }[]
}

const two = (v: number): string => number(Math.round(v * 100) / 100)

/** The burden in sentences; a task that is asked for once says so instead of zeros. */
export function burdenWords(p: Preview): string[] {
  const b = p.burden
  const asks = b.forms_per_month > 0 ? [t('preview_each', two(b.forms_per_month), two(b.fields_per_month)), t('preview_all', two(b.forms_per_month_all), two(b.fields_per_month_all))] : [t('preview_once')]
  return p.reached ? [...asks, t('preview_open', two(b.open_now_mean))] : asks
}
