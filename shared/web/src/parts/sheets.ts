// sheets.ts - ledgers out as workbooks, and in again: first a trial that shows what would happen, row by row.
import { shallowRef } from 'vue'
import { get, post, upload } from '../api'
import { prefs } from '../prefs'
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

export async function exportSheet(kind: SheetKind, options: { unit?: string; meeting?: string; 'with-unfinished'?: boolean } = {}): Promise<Saved_> {
  const made = await get<Saved_>('export-xlsx', [kind], options)
  save(made.name, blobOf(made.base64, 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'))
  return made
}

/** A fault or a refusal counts from the first pasted row, where the titles were added by the program. */
export const shownRow = (answer: Pick<SheetAnswer, 'titles_added'>, row: number): number => (answer.titles_added ? row - 1 : row)
