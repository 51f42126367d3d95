// ago.ts - how long ago, in words.
import type { ago } from '../format'
import { t } from '../words'

export function agoWords(a: NonNullable<ReturnType<typeof ago>>): string {
  if (a.n === 0) return t('ago_now')
  return t(({ minute: 'ago_minutes', hour: 'ago_hours', day: 'ago_days' } as const)[a.unit], a.n)
}
