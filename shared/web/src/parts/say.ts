// say.ts - short words at the top of the page about what was just done.
import { ElMessage } from 'element-plus/es/components/message/index'
import 'element-plus/es/components/message/style/css'
import { ApiError, half } from '../api'

export function sayGood(message: string): void {
  ElMessage({ type: 'success', message, duration: 4000 })
}

export function sayBad(message: string): void {
  ElMessage({ type: 'error', message, duration: 9000, showClose: true })
}

/** What became of parts of a save that were not simply taken: the person learns it now. */
export function sayNotes(saved: unknown): void {
  for (const note of (saved as { notes?: string[] } | null)?.notes ?? []) ElMessage({ type: 'warning', message: half(note), duration: 10000, showClose: true })
}

export function wordsOf(e: unknown): string {
  return e instanceof ApiError ? e.words : String(e)
}
