// drafts.ts - nothing typed is lost: kept in the browser with every key, beside the data a moment later.
//
// The browser's copy outlives a closed page. The program's copy outlives browser, program and PC, and is found again
// when the program serves on another port (for a browser that is another site).
import { onScopeDispose, reactive, ref, watch } from 'vue'
import { get, post } from './api'
import { session } from './session'

/** Where several people sign in, each has drafts of his own in this browser, too. */
const prefix = (): string => 'taizhang/draft/' + (session.value.person ? `@${session.value.person.login}/` : '')
const kPauseMs = 700

interface Kept {
  at: number
  value: Record<string, unknown>
}

const kept = new Map<string, Kept>()

function parsed(text: string | null): Kept | null {
  try {
    const k = JSON.parse(text ?? '') as Kept
    return typeof k.at === 'number' && k.value && typeof k.value === 'object' ? k : null
  } catch {
    return null
  }
}

/** Reads both copies; the later one counts. Once, before the first page. */
export async function loadDrafts(): Promise<void> {
  for (let i = 0; i < localStorage.length; i++) {
    const key = localStorage.key(i)!
    const name = key.startsWith(prefix()) ? key.slice(prefix().length) : '@'
    const k = name.startsWith('@') ? null : parsed(localStorage.getItem(key))
    if (k) kept.set(name, k)
  }
  try {
    for (const [key, text] of Object.entries(await get<Record<string, string>>('drafts'))) {
      const k = parsed(text)
      if (k && k.at > (kept.get(key)?.at ?? 0)) kept.set(key, k)
    }
  } catch {
    // The program does not answer: the browser's copies do for now.
  }
}

export const hasDraft = (key: string): boolean => kept.has(key)

function keep(key: string, value: Record<string, unknown>): string {
  const k = { at: Date.now(), value }
  kept.set(key, k)
  const text = JSON.stringify(k)
  try {
    localStorage.setItem(prefix() + key, text)
  } catch {
    // Full: the program's copy still follows.
  }
  return text
}

/** What this PC's people are used to (phrases, language): kept like a draft, so that another port or browser has it too. */
export const habit = (key: string): Record<string, unknown> | undefined => kept.get('habit/' + key)?.value

/** In this browser at once, or a page that is read again meanwhile would find what was; beside the data after the pause. */
export function keepHabit(key: string, value: Record<string, unknown>, pauseMs = 0): void {
  const text = keep('habit/' + key, value)
  const send = (): void => void post('draft', ['habit/' + key], { value: text }).catch(() => undefined)
  window.clearTimeout(habitTimers.get(key))
  if (pauseMs) habitTimers.set(key, window.setTimeout(send, pauseMs))
  else send()
}
const habitTimers = new Map<string, number>()

/**
 * A form's fields that survive. `blank` is the empty form; `clear` is for after it was saved.
 * `restored` says whether something typed earlier came back.
 */
export function useDraft<T extends Record<string, unknown>>(key: string, blank: T) {
  const before = kept.get(key)
  const form = reactive({ ...blank, ...(before?.value ?? {}) }) as T
  const restored = ref(before !== undefined)
  let timer = 0
  let waiting: string | null = null
  let quiet = false

  const send = (): void => {
    window.clearTimeout(timer)
    if (waiting === null) return
    const value = waiting
    waiting = null
    void post('draft', [key], { value }).catch(() => undefined)
  }
  const later = (value: string): void => {
    waiting = value
    window.clearTimeout(timer)
    timer = window.setTimeout(send, kPauseMs)
  }
  watch(
    form,
    () => {
      if (quiet) return
      const isBlank = Object.keys(blank).every((k) => (form[k] ?? '') === (blank[k] ?? ''))
      if (isBlank) forget()
      else later(keep(key, { ...form }))
    },
    { flush: 'sync' }
  )
  function forget(): void {
    kept.delete(key)
    localStorage.removeItem(prefix() + key)
    later('')
  }
  function clear(): void {
    quiet = true
    Object.assign(form, blank)
    restored.value = false
    quiet = false
    forget()
    send()
  }
  onScopeDispose(send)
  return { form, clear, restored }
}
