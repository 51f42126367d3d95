import { beforeEach, describe, expect, it, vi } from 'vitest'
import { effectScope, nextTick } from 'vue'

vi.mock('./say', () => ({ sayGood: vi.fn(), sayNotes: vi.fn(), wordsOf: (e: { words?: string }) => e.words ?? String(e) }))

/** A browser's storage, and a program behind `fetch` that answers as it is told to. */
const stored = new Map<string, string>()
vi.stubGlobal('localStorage', {
  getItem: (k: string) => stored.get(k) ?? null,
  setItem: (k: string, v: string) => void stored.set(k, v),
  removeItem: (k: string) => void stored.delete(k)
})
vi.stubGlobal('window', { setTimeout: () => 0, clearTimeout: () => undefined })
type Program = (path: string, body: Record<string, unknown>) => unknown
let program: Program = () => ({})
let asked: string[] = []
vi.stubGlobal('fetch', async (path: string, init: { body?: string } = {}) => {
  asked.push(path)
  return new Response(JSON.stringify(await program(path, JSON.parse(init.body ?? '{}') as Record<string, unknown>)))
})

const { useSaving } = await import('./saving')
const { sayGood, sayNotes } = await import('./say')
const { post } = await import('../api')
const { useDraft } = await import('../drafts')
const { gate, signIn } = await import('../session')
const { prefs } = await import('../prefs')

const kKey = 'taizhang/draft/new/help'
const kSaved = { saved: true, record: 'K1', notes: ['改期已转为申请 / made a request'] }
/** The form of a screen, as the screens make it. */
function form() {
  return effectScope(true).run(() => {
    const draft = useDraft('new/help', { text: '' })
    const refused: unknown[] = []
    return { draft, refused, plain: useSaving({ draft }), atField: useSaving({ draft, refuse: (e) => refused.push(e) }) }
  })!
}
const save = (s: ReturnType<typeof useSaving>) => s.save(() => post('new', ['help_request']), '已保存')
const saves = (): number => asked.filter((p) => p === '/api/new').length
const settled = async (): Promise<void> => {
  for (let i = 0; i < 20; i++) await nextTick()
}

describe('a save', () => {
  beforeEach(() => {
    stored.clear()
    asked = []
    prefs.language = 'zh'
    vi.mocked(sayGood).mockClear()
    vi.mocked(sayNotes).mockClear()
  })

  it('empties the form, says so, and tells what became of parts of it', async () => {
    program = () => kSaved
    const { draft, plain } = form()
    draft.form.text = '缺少会议室'
    expect(stored.get(kKey)).toContain('缺少会议室')
    expect(await save(plain)).toEqual(kSaved)
    expect(draft.form.text).toBe('')
    expect(stored.has(kKey)).toBe(false)
    expect(plain.busy.value).toBe(false)
    expect(sayGood).toHaveBeenCalledWith('已保存')
    expect(sayNotes).toHaveBeenCalledWith(kSaved)
  })

  it('that is refused leaves what was typed, says why, and can be tried again', async () => {
    program = (path) => (path === '/api/new' ? { error: { code: 'bad_input', line: '含涉密标记 / carries a marking' } } : {})
    const { draft, plain } = form()
    draft.form.text = '【机密】'
    expect(await save(plain)).toBeNull()
    expect(draft.form.text).toBe('【机密】')
    expect(stored.get(kKey)).toContain('【机密】')
    expect(plain.wrong.value).toBe('含涉密标记')
    expect(plain.busy.value).toBe(false)
    expect(sayGood).not.toHaveBeenCalled()
    program = () => kSaved
    expect(await save(plain)).toEqual(kSaved)
    expect(plain.wrong.value).toBe('')
  })

  it('says a refusal where the form wants it', async () => {
    program = (path) => (path === '/api/new' ? { error: { code: 'bad_input', line: 'text: 太长 / text: too long' } } : {})
    const { refused, atField } = form()
    expect(await save(atField)).toBeNull()
    expect(refused.length).toBe(1)
    expect(atField.wrong.value).toBe('')
  })

  it('that gets no answer leaves what was typed', async () => {
    program = (path) => {
      if (path === '/api/new') throw new TypeError('Failed to fetch')
      return {}
    }
    const { draft, plain } = form()
    draft.form.text = '写到一半'
    expect(await save(plain)).toBeNull()
    expect(draft.form.text).toBe('写到一半')
    expect(plain.wrong.value).toContain('没有应答')
  })

  it('is made once, however often somebody presses', async () => {
    let letGo = (): void => undefined
    const held = new Promise<void>((resolve) => (letGo = resolve))
    program = async (path) => {
      if (path === '/api/new') await held
      return kSaved
    }
    const { draft, plain } = form()
    draft.form.text = '缺少会议室'
    const first = save(plain)
    expect(plain.busy.value).toBe(true)
    expect(await save(plain)).toBeNull()
    letGo()
    expect(await first).toEqual(kSaved)
    expect(saves()).toBe(1)
  })

  it('keeps what somebody went on typing while it was under way', async () => {
    let letGo = (): void => undefined
    const held = new Promise<void>((resolve) => (letGo = resolve))
    program = async (path) => {
      if (path === '/api/new') await held
      return kSaved
    }
    const { draft, plain } = form()
    draft.form.text = '缺少会议室'
    const first = save(plain)
    draft.form.text = '缺少会议室，还缺投影仪'
    letGo()
    expect(await first).toEqual(kSaved)
    expect(draft.form.text).toBe('缺少会议室，还缺投影仪')
    expect(stored.get(kKey)).toContain('还缺投影仪')
  })

  it('waits where the sign-in has ended, keeps what was typed, and is made once somebody has signed in', async () => {
    let isIn = false
    program = (path) => {
      if (path === '/api/login') {
        isIn = true
        return { page: 'p', content: 'c' }
      }
      if (path === '/api/session') return { signed_in: isIn, mode: 'login', person: isIn ? { login: 'wen', name: '李文书', roles: 'clerk' } : null }
      if (isIn) return kSaved
      return { error: { code: 'signed_out', line: '登录已过期 / the session has expired' } }
    }
    const { draft, plain } = form()
    draft.form.text = '会话过期时写的话'
    const first = save(plain)
    await vi.waitFor(() => expect(gate.asks).toBe('sign_in'))
    expect(plain.busy.value).toBe(true)
    expect(plain.wrong.value).toBe('')
    expect(draft.form.text).toBe('会话过期时写的话')
    expect(stored.get(kKey)).toContain('会话过期时写的话')
    expect(saves()).toBe(1)
    await signIn('wen', 'ten letters')
    expect(await first).toEqual(kSaved)
    expect(saves()).toBe(2)
    expect(draft.form.text).toBe('')
    await settled()
    expect(gate.asks).toBe('')
  })
})
