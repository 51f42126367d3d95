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

/** One after the other, in the order of their names: parts of one bundle belong together. */
export function useImport() {
  const state = reactive({ running: false, at: 0, of: 0, results: [] as Import[], missing: [] as string[] })
  async function importFiles(files: File[]): Promise<void> {
    if (state.running || !files.length) return
    Object.assign(state, { running: true, at: 0, of: files.length, results: [], missing: [] })
    for (const file of [...files].sort((a, b) => a.name.localeCompare(b.name))) {
      state.at++
      try {
        const t = await upload<Taken>('import', file, file.name)
        state.results.push({ name: file.name, error: '', taken: t.files[0] })
        state.missing = t.missing
      } catch (e) {
        state.results.push({ name: file.name, error: e instanceof ApiError ? e.words : String(e), taken: null })
      }
    }
    state.running = false
    void lookNow()
  }
  return { ...toRefs(state), importFiles }
}
