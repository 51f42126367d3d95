// bundles.ts - exchange files out of the program onto a stick, and in again.
import { ElMessage } from 'element-plus/es/components/message/index'
import 'element-plus/es/components/message/style/css'
import { reactive, toRefs } from 'vue'
import { ApiError, post, upload } from '../api'
import { lookNow } from '../live'
import type { Taken } from '../types'
import { t } from '../words'
import { blobOf, save } from './save'

interface Bundle {
  files: { name: string; base64: string }[]
  to: string
  commits: number
  bytes: number
}

export interface Exported {
  names: string[]
  commits: number
  bytes: number
  to: string
}

export function useExport() {
  const state = reactive({ running: false, error: '', done: null as Exported | null })
  async function exportBundle(to: string, all: boolean): Promise<Exported | null> {
    state.running = true
    state.error = ''
    try {
      const b = await post<Bundle>('bundle', [], { to, all })
      for (const f of b.files) save(f.name, blobOf(f.base64))
      state.done = { names: b.files.map((f) => f.name), commits: b.commits, bytes: b.bytes, to }
      ElMessage({ type: 'success', message: t('exported', state.done.names.join(' '), b.commits), duration: 6000 })
      return state.done
    } catch (e) {
      state.error = e instanceof ApiError ? e.words : String(e)
      ElMessage({ type: 'error', message: state.error, duration: 8000, showClose: true })
      return null
    } finally {
      state.running = false
    }
  }
  return { ...toRefs(state), exportBundle }
}

export interface Import {
  name: string
  error: string
  taken: Taken['files'][number] | null
}

/** Goes on while other pages are looked at, and is still there afterwards: what became of a file is never lost. */
const taking = reactive({ running: false, at: 0, of: 0, results: [] as Import[], missing: [] as string[] })
const queue: File[] = []

async function takeNext(file: File): Promise<void> {
  try {
    const done = await upload<Taken>('import', file, file.name)
    taking.results.push({ name: file.name, error: '', taken: done.files[0] })
    taking.missing = done.missing
  } catch (e) {
    taking.results.push({ name: file.name, error: e instanceof ApiError ? e.words : String(e), taken: null })
  }
}

export function useImport() {
  /** One after the other, in the order of their names: parts of one bundle belong together. More may come meanwhile. */
  async function importFiles(files: File[]): Promise<void> {
    queue.push(...[...files].sort((a, b) => a.name.localeCompare(b.name)))
    if (taking.running) taking.of += files.length
    if (taking.running || !queue.length) return
    Object.assign(taking, { running: true, at: 0, of: queue.length, results: [], missing: [] })
    for (let file = queue.shift(); file; file = queue.shift()) {
      taking.at++
      await takeNext(file)
    }
    taking.running = false
    void lookNow()
  }
  /** Who comes back another time does not read of the last. */
  function forget(): void {
    if (!taking.running) Object.assign(taking, { results: [], missing: [] })
  }
  return { ...toRefs(taking), importFiles, forget }
}
