// sheets.ts - ledgers out as workbooks, and in again: first a trial that shows what would happen, row by row.
import { reactive, shallowRef } from 'vue'
import { ApiError, get, getLarge, post, upload } from '../api'
import { prefs } from '../prefs'
import type { Page } from '../types'
import { t } from '../words'
import { blobOf, save } from './save'

export type SheetKind = 'assignments' | 'rectifications' | 'attendance'
export const kSheetKinds: SheetKind[] = ['assignments', 'rectifications', 'attendance']

/** What is taken in: a file that somebody has, or cells from the clipboard. */
export type Source = { file: File } | { cells: string[][]; kind: SheetKind }

export interface SheetRow {
  row: number
  action: 'create' | 'change' | 'refuse' | 'same'
  record: string | null
  cells: { column: string; title: string; from: string | null; to: string | null }[]
  refused: { column: string; title: string; why: string }[]
  notes: string[]
}
export interface SheetAnswer {
  kind: SheetKind
  sheet: string
  first_row: number
  dry_run: boolean
  created: number
  changed: number
  unchanged: number
  refused: number
  faults: { row: number; column: string; title: string; why: string }[]
  rows: SheetRow[]
  ignored_columns: string[]
  note_rows: number[]
  titles_added?: boolean
}

/** A table pasted elsewhere on its way to the page of sheets. */
export const pasted = shallowRef<{ cells: string[][]; kind: SheetKind } | null>(null)

export interface TakeOptions {
  trial: boolean
  newTasks: boolean
  meeting: string
}

export function takeSheet(source: Source, o: TakeOptions): Promise<SheetAnswer> {
  const options = { 'dry-run': o.trial, 'new-tasks': o.newTasks, meeting: o.meeting, person: prefs.person }
  if (!('file' in source)) return post('import-xlsx', [], { ...options, kind: source.kind, cells: JSON.stringify(source.cells) })
  const query = Object.fromEntries(Object.entries(options).filter(([, v]) => v).map(([k, v]) => [k, v === true ? '1' : String(v)]))
  return upload('import-xlsx', source.file, source.file.name, '', query)
}

export interface Saved_ {
  name: string
  rows: number
  base64: string
}

/**
 * The workbook that is being made, whatever page is looked at: how many rows it will have, for how long the program has
 * been at it (it says nothing before it is done), and then how much of the file is here.
 */
export const making = reactive({ kind: '' as SheetKind | '', rows: 0, seconds: 0, at: 0, of: 0 })

async function countRows(kind: SheetKind, unit: string | undefined): Promise<void> {
  if (kind === 'attendance') return
  making.rows = await get<Page<unknown>>('page', [kind], { unit, limit: 1 }).then((p) => p.total, () => 0)
}

export async function exportSheet(kind: SheetKind, options: { unit?: string; meeting?: string; 'with-unfinished'?: boolean } = {}): Promise<Saved_> {
  if (making.kind) throw new ApiError('busy', t('sheet_busy'))
  Object.assign(making, { kind, rows: 0, seconds: 0, at: 0, of: 0 })
  const began = Date.now()
  const clock = window.setInterval(() => (making.seconds = Math.round((Date.now() - began) / 1000)), 500)
  try {
    await countRows(kind, options.unit)
    const made = await getLarge<Saved_>('export-xlsx', [kind], options, (at, of) => Object.assign(making, { at, of }))
    save(made.name, blobOf(made.base64, 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'))
    return made
  } finally {
    window.clearInterval(clock)
    making.kind = ''
  }
}

/** A fault or a refusal counts from the first pasted row, where the titles were added by the program. */
export const shownRow = (answer: Pick<SheetAnswer, 'titles_added'>, row: number): number => (answer.titles_added ? row - 1 : row)
