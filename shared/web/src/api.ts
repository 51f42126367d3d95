// api.ts - the JSON API of the program that served this page; the screens know nothing else.
import { ref } from 'vue'
import { isEnglish, prefs } from './prefs'
import { credentials, whenNamed, whenSignedIn } from './session'
import { t } from './words'

/** What the API refused, in both languages as it said it. `code` is the API's; 'no_answer': the program is not there. */
export class ApiError extends Error {
  constructor(
    readonly code: string,
    readonly line: string
  ) {
    super(line)
  }
  /** The line in the language of the screens. */
  get words(): string {
    return half(this.line)
  }
}

/** "中文 / English" cut to the language that is shown; other texts as they are. Several such, joined by "; ", too. */
export function half(line: string): string {
  const at = line.indexOf(' / ')
  if (at < 0 || !/[\u3000-\u9fff]/.test(line.slice(0, at))) return line
  const [zh, rest] = [line.slice(0, at), line.slice(at + 3)]
  const next = rest.search(/; (?=[^;]*[\u4e00-\u9fff][^;]* \/ )/)
  const more = next < 0 ? '' : half(rest.slice(next + 2))
  const en = next < 0 ? rest : rest.slice(0, next)
  const own = isEnglish.value ? en : inChinese(zh)
  return more ? `${own}${isEnglish.value ? '; ' : '；'}${more}` : own
}

const kFullWidth: Record<string, string> = { ',': '，', ';': '；', ':': '：', '?': '？', '!': '！' }
/** The programs' lines are written for terminals; on a screen Chinese has its own signs, as wide as its letters. */
export const inChinese = (line: string): string =>
  line
    .replace(/\(([^()]*[\u3400-\u9fff][^()]*)\)/g, '\uff08$1\uff09')
    .replace(/([\u3400-\u9fff\uff09\u201d])([,;:?!])/g, (_, before: string, sign: string) => before + kFullWidth[sign])
    .replace(/[,;](?=[\u3400-\u9fff\u201c])/g, (sign) => kFullWidth[sign])

/** What the disk refused last, until something is saved again: told on every page. */
export const fault = ref('')
const kSaving = ['report', 'set', 'do', 'new', 'draft', 'resolve', 'issue', 'circular', 'merge', 'attach']
const kDiskCodes = ['disk_full', 'io']

export type Options = Record<string, string | number | boolean | undefined>

function path(name: string, args: string[]): string {
  return '/api/' + [name, ...args].map(encodeURIComponent).join('/')
}

function asked(options: Options): Record<string, string> {
  const out: Record<string, string> = {}
  for (const [key, value] of Object.entries(options)) {
    if (value === undefined || value === false || value === '') continue
    out[key] = value === true ? '1' : String(value)
  }
  return out
}

/** Where a sign-in has ended, waits for the next one and asks again: what somebody typed is saved after all. */
async function answer<T>(make: () => Promise<Response>): Promise<T> {
  let response: Response
  let document: unknown
  try {
    response = await make()
    document = await response.json()
  } catch {
    throw new ApiError('no_answer', t('no_answer'))
  }
  const error = (document as { error?: { code: string; line: string } }).error
  if (error?.code === 'signed_out') {
    await whenSignedIn()
    return answer(make)
  }
  if (error?.code === 'no_person') {
    await whenNamed()
    return answer(make)
  }
  if (error) {
    if (kDiskCodes.includes(error.code)) fault.value = error.line
    throw new ApiError(error.code, error.line)
  }
  if (!response.ok) throw new ApiError('no_answer', t('no_answer'))
  return document as T
}

/** Reads. */
export function get<T>(name: string, args: string[] = [], options: Options = {}): Promise<T> {
  const query = new URLSearchParams(asked(options)).toString()
  return answer<T>(() => fetch(path(name, args) + (query ? '?' + query : ''), { headers: credentials(), cache: 'no-store' }))
}

/** The same answer, told piece by piece how much of it is here. */
export async function counted(response: Response, tell: (at: number, of: number) => void): Promise<Response> {
  const of = Number(response.headers.get('content-length') ?? 0)
  const reader = response.body?.getReader()
  if (!reader) return response
  const pieces: BlobPart[] = []
  let at = 0
  for (let piece = await reader.read(); !piece.done; piece = await reader.read()) {
    pieces.push(piece.value as BlobPart)
    at += piece.value.length
    tell(at, of)
  }
  return new Response(new Blob(pieces), { status: response.status, headers: response.headers })
}

/** Reads what may be large. */
export function getLarge<T>(name: string, args: string[], options: Options, tell: (at: number, of: number) => void): Promise<T> {
  const query = new URLSearchParams(asked(options)).toString()
  return answer<T>(async () => counted(await fetch(path(name, args) + (query ? '?' + query : ''), { headers: credentials(), cache: 'no-store' }), tell))
}

/** Writes. When it resolves, what it says is on the disk of this PC. */
export async function post<T>(name: string, args: string[] = [], options: Options = {}): Promise<T> {
  const done = await answer<T>(() =>
    fetch('/api/' + encodeURIComponent(name), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...credentials() },
      body: JSON.stringify({ command: name, args, options: asked({ ...options, person: options.person || prefs.person }) })
    })
  )
  if (kSaving.includes(name)) fault.value = ''
  return done
}

/** Hands a bundle, a workbook or an attachment over as it is; `way` is the rest of the address, encoded. */
export function upload<T>(way: string, file: Blob, fileName: string, person = '', options: Record<string, string> = {}): Promise<T> {
  return answer<T>(() =>
    fetch('/api/' + way + '?' + new URLSearchParams({ ...options, name: fileName, person: person || prefs.person }).toString(), {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream', ...credentials() },
      body: file
    })
  )
}
