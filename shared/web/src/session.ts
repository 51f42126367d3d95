// session.ts - who is signed in here, and what this person may do.
//
// The cookie belongs to the browser; what stands here is the page's own key, kept for this address alone. Both are
// needed. When a sign-in ends while somebody types, the page stays as it is: a request that was refused waits until
// somebody has signed in again, and is then made anew.
import { reactive, ref, shallowRef } from 'vue'

export interface Person {
  login: string
  name: string
  roles: string
}
interface Refused {
  commands: Record<string, string>
  steps: Record<string, string>
  entities: Record<string, string>
  below: string | null
}
/** Before there is anything to serve: the keys are locked, or the PC belongs to no city yet. */
type Doorstep = 'locked' | 'new'
const kDoorsteps: readonly string[] = ['locked', 'new'] satisfies Doorstep[]
export const isDoorstep = (mode: string): boolean => kDoorsteps.includes(mode)

interface SessionDocument {
  signed_in: boolean
  mode: 'launch' | 'login' | 'closed' | Doorstep
  /** Enrolled a moment ago: so many entries of the unit have come. */
  fetching?: boolean
  received?: number
  person: Person | null
  refused?: Refused
}

export const session = shallowRef<SessionDocument>({ signed_in: false, mode: 'launch', person: null })
/** What is asked of whoever sits here, over the page. `isOver`: the page is there already. */
export const gate = reactive({ asks: '' as '' | 'sign_in' | 'name' | 'password', isOver: false })

const kKeys = 'taizhang/session'
const kToken = 'taizhang/launch'
const kActiveMs = 60_000
const kOpeningMs = 120_000
const kOpeningEveryMs = 300

let keys: { page: string; content: string } = { page: '', content: '' }
let lastInput = Date.now()
let signedIn: Promise<void> | null = null
let resolveSignedIn: (() => void) | null = null
let named: Promise<void> | null = null
let resolveNamed: (() => void) | null = null

/** Out of the address line and the history, whatever comes of it: before the router looks at the address. */
function takeLaunchToken(): string {
  if (typeof location === 'undefined') return ''
  const token = /^#launch=([0-9a-f]+)$/.exec(location.hash)?.[1]
  if (token) history.replaceState(null, '', location.pathname)
  return token ?? sessionStorage.getItem(kToken) ?? ''
}
/** Good once, so it is kept until then: at the doorstep, over a reload too. */
export const launchToken = ref(takeLaunchToken())
export function holdToken(token: string): void {
  launchToken.value = token
  if (token) sessionStorage.setItem(kToken, token)
  else sessionStorage.removeItem(kToken)
}

function readKeys(): void {
  try {
    Object.assign(keys, JSON.parse(localStorage.getItem(kKeys) ?? '{}'))
  } catch {
    // Somebody else's text under our key: sign in anew.
  }
}
function keepKeys(next: typeof keys): void {
  keys = next
  localStorage.setItem(kKeys, JSON.stringify(keys))
}

/** Goes with every request. A hand at the PC keeps the sign-in; the page's own looking for news does not. */
export function credentials(): Record<string, string> {
  const out: Record<string, string> = { 'x-taizhang-page': keys.page }
  if (Date.now() - lastInput < kActiveMs) out['x-taizhang-active'] = '1'
  return out
}
/** An address that a picture or a link can use: those cannot send headers. */
export const contentAddress = (hash: string): string => `/api/content/${encodeURIComponent(hash)}?key=${keys.content}`

export class SignInError extends Error {
  constructor(
    readonly code: string,
    readonly line: string
  ) {
    super(line)
  }
}

async function send(path: string, body: Record<string, string>): Promise<Record<string, unknown>> {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...credentials() },
    body: JSON.stringify(body)
  })
  return documentOf(response)
}
async function documentOf(response: Response): Promise<Record<string, unknown>> {
  const document = (await response.json()) as Record<string, unknown>
  const error = document.error as { code: string; line: string } | undefined
  if (error) throw new SignInError(error.code, error.line)
  return document
}

async function readSession(): Promise<void> {
  const response = await fetch('/api/session', { headers: credentials(), cache: 'no-store' })
  const read = (await response.json()) as SessionDocument
  // A page that is open stays whose it was until somebody has signed in again.
  session.value = gate.isOver && !read.signed_in ? { ...session.value, signed_in: false, mode: read.mode } : read
}

async function enter(document: Record<string, unknown>): Promise<void> {
  const before = session.value.person?.login
  keepKeys({ page: String(document.page), content: String(document.content) })
  await readSession()
  // Somebody else: nothing that the one before had on the screen is his.
  if (gate.isOver && before !== session.value.person?.login) return location.reload()
  gate.asks = ''
  resolveSignedIn?.()
  signedIn = resolveSignedIn = null
}

export const launch = async (token: string): Promise<void> => enter(await send('/api/launch', { token }))
/** The program opens its data, and goes on as on any other day. `patience`: for how long that may take without news. */
async function whenOpened(patience: number): Promise<void> {
  const before = session.value.mode
  let end = Date.now() + patience
  do {
    await new Promise((resolve) => setTimeout(resolve, kOpeningEveryMs))
    const received = session.value.received
    await readSession().catch(() => undefined)
    if (session.value.received !== received) end = Date.now() + patience
  } while (session.value.mode === before && Date.now() < end)
  const token = launchToken.value
  holdToken('')
  if (session.value.mode === 'launch') await launch(token)
}
export async function unlock(passphrase: string): Promise<void> {
  await send('/api/unlock', { token: launchToken.value, passphrase })
  await whenOpened(kOpeningMs)
}
/** A PC that belongs to no city yet. */
export const enrolFirst = (what: Record<string, string>): Promise<Record<string, unknown>> =>
  send('/api/enrol-here', { token: launchToken.value, ...what })
/** The office's answer, as the file that it gave. */
export async function enrolFirstFile(file: Blob, what: Record<string, string>): Promise<Record<string, unknown>> {
  const response = await fetch('/api/enrol-here?' + new URLSearchParams(what).toString(), {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream', 'x-taizhang-launch': launchToken.value },
    body: file
  })
  return documentOf(response)
}
export const whenFetched = (): Promise<void> => whenOpened(kOpeningMs)
export const signIn = async (account: string, password: string): Promise<void> =>
  enter(await send('/api/login', { account, password }))
export async function changePassword(old: string, next: string): Promise<void> {
  const document = await send('/api/password', { old, new: next })
  keepKeys({ page: String(document.page), content: String(document.content) })
}
export async function signOut(): Promise<void> {
  await send('/api/logout', {}).catch(() => undefined)
  keepKeys({ page: '', content: '' })
  location.reload()
}

/** Resolves when somebody has signed in again. */
export function whenSignedIn(): Promise<void> {
  signedIn ??= new Promise((resolve) => {
    resolveSignedIn = resolve
    readKeys() // another window may have signed in
    void readSession()
      .catch(() => undefined)
      .then(() => {
        if (session.value.signed_in) void enter({ ...keys })
        else gate.asks = 'sign_in'
      })
  })
  return signedIn
}

/** Resolves when the name of whoever sits here is known. */
export function whenNamed(): Promise<void> {
  named ??= new Promise((resolve) => {
    resolveNamed = resolve
    gate.asks = 'name'
  })
  return named
}
export function nameGiven(): void {
  gate.asks = ''
  resolveNamed?.()
  named = resolveNamed = null
}

/** Before anything is read: by the launch token of the address, by what this browser has, or by asking. */
export async function beginSession(): Promise<void> {
  for (const event of ['pointerdown', 'keydown', 'wheel'])
    window.addEventListener(event, () => (lastInput = Date.now()), { capture: true, passive: true })
  // Signed in in another window: this one goes on as well.
  window.addEventListener('storage', (event) => {
    if (event.key !== kKeys) return
    readKeys()
    if (gate.asks === 'sign_in') void readSession().then(() => (session.value.signed_in ? enter({ ...keys }) : undefined))
  })
  readKeys()
  // A launch that succeeds has read the session.
  const isLaunched = !!launchToken.value && (await launch(launchToken.value).then(() => true, () => false))
  if (!isLaunched) await readSession().catch(() => undefined)
  holdToken(isDoorstep(session.value.mode) ? launchToken.value : '')
  if (!session.value.signed_in) await whenSignedIn()
}

/** Why this person may not, in both languages; empty: as far as the role goes, yes. */
export function whyNot(kind: 'commands' | 'steps' | 'entities', name: string): string {
  return session.value.refused?.[kind][name] ?? ''
}
/** The same for what is done to records of units below. */
export const whyNotBelow = (): string => session.value.refused?.below ?? ''
