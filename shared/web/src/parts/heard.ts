// heard.ts - when a unit was last heard of, in words.
//
// It moves with every sync, also with one that brings nothing, while the tree that the screens hold is read again only when
// it changes: pages that show it ask for it as long as they are open.
import { onBeforeUnmount } from 'vue'
import { Calm } from '../calm'
import { ago } from '../format'
import { nowText, ownUnit, readUnits, unitName, unitOf } from '../live'
import type { Unit } from '../types'
import { t } from '../words'
import { agoWords } from './ago'

const kEveryMs = 30_000
const kSilentDays = 7
const kLevels = 9

export interface Heard {
  text: string
  silent: boolean
}

export const lastSeen = (u: Unit): string => u.devices?.map((d) => d.last_seen).sort().pop() ?? ''

/** The office between here and the unit that syncs with us: its PCs are known there. */
function officeBetween(u: Unit): Unit | undefined {
  for (let at = unitOf(u.parent_id), steps = 0; at && at.id !== ownUnit.value?.id && steps < kLevels; at = unitOf(at.parent_id), steps++) if (at.devices?.length) return at
  return undefined
}

export function heardOf(u: Unit): Heard {
  if (u.id === ownUnit.value?.id && !u.devices?.length) return { text: t('this_pc'), silent: false }
  if (u.closed) return { text: '', silent: false } // nobody is missed there
  if (!u.devices?.length) {
    const office = officeBetween(u)
    return { text: office ? t('via_office', unitName(office.id)) : t('no_device'), silent: false }
  }
  const a = ago(lastSeen(u), nowText.value)
  if (!a) return { text: t('never'), silent: true }
  if (a.unit === 'day' && a.n >= kSilentDays) return { text: t('silent_for', a.n), silent: true }
  return { text: agoWords(a), silent: false }
}

export function useFreshContacts(): void {
  // Without an answer the page keeps what it has, and the frame says that the program is not there.
  const calm = new Calm(() => readUnits().catch(() => undefined))
  calm.ask()
  const timer = window.setInterval(() => {
    if (!document.hidden) calm.ask()
  }, kEveryMs)
  onBeforeUnmount(() => window.clearInterval(timer))
}
