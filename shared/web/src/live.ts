// live.ts - what is new: asks a cheap counter every few seconds, and the rest only when it moved.
//
// Pages watch `changes`: they read again and keep whatever somebody is typing (forms hold their own copy).
import { computed, reactive, ref, shallowRef } from 'vue'
import { ApiError, fault, get, post } from './api'
import { noticesOf } from './notices'
import { prefs } from './prefs'
import type { Catalog, CatalogEntity, Pulse, Status, SyncReport, Unit } from './types'

const kEveryMs = 3000
const kHiddenEveryMs = 15000

export const changes = ref(0)
export const status = shallowRef<Status | null>(null)
export const units = shallowRef<Unit[]>([])
export const catalog = shallowRef<Catalog | null>(null)
/** The program answers. */
export const isThere = ref(true)
/** Why the link, which is there, does not help; null: nothing of the kind. */
export const trouble = ref<string | null>(null)
/** The node's own clock: lights and "days left" follow it, not the browser's. */
export const nowText = ref('')

export const sync = reactive({ running: false, error: '', report: null as SyncReport | null, at: '' })

const unitById = computed(() => new Map(units.value.map((u) => [u.id, u])))
export const unitOf = (id: string): Unit | undefined => unitById.value.get(id)
export const unitName = (id: unknown): string => unitById.value.get(String(id ?? ''))?.short || String(id ?? '')
export const unitFullName = (id: unknown): string => unitById.value.get(String(id ?? ''))?.name || String(id ?? '')
export const ownUnit = computed(() => unitOf(status.value?.unit ?? ''))
/** The own unit's, or one's that was merged into it: to go on with. */
export function isOurs(unit: string): boolean {
  const own = status.value?.unit
  const seen = new Set<string>()
  for (let at: string | null | undefined = unit; at && !seen.has(at); at = unitOf(at)?.merged_into) {
    if (at === own) return true
    seen.add(at)
  }
  return false
}
export const homeLevel = computed(() => ownUnit.value?.level ?? 'branch')
export const entityOf = (name: string): CatalogEntity | undefined => catalog.value?.entities[name]

let last: Pulse | null = null
let timer = 0
let looks = 0

/** What has to be told also begins and ends without a record that moves: a clock that goes wrong, a month that is over. */
const kStatusEvery = 20

export const readUnits = async (): Promise<void> => void (units.value = await get<Unit[]>('units'))

async function readAll(moved: boolean, treeMoved: boolean): Promise<void> {
  const reading: Promise<unknown>[] = [get<Status>('status', [], { short: '1' }).then((s) => (status.value = s))]
  if (treeMoved || !units.value.length) {
    reading.push(readUnits())
    reading.push(get<Catalog>('catalog').then((c) => (catalog.value = c)))
  }
  await Promise.all(reading)
  if (moved) changes.value++
}

async function look(): Promise<void> {
  try {
    const p = await get<Pulse>('pulse')
    isThere.value = true
    nowText.value = p.now
    trouble.value = p.trouble ?? null
    const treeMoved = !last || last.control !== p.control
    const moved = treeMoved || last!.head !== p.head || last!.waiting !== p.waiting
    const isDue = ++looks % kStatusEvery === 0
    if (moved || isDue || last!.unsent !== p.unsent || last!.last_sync !== p.last_sync) await readAll(moved, treeMoved)
    last = p
  } catch (e) {
    if (e instanceof ApiError && e.code === 'no_answer') isThere.value = false
  }
}

function again(): void {
  window.clearTimeout(timer)
  timer = window.setTimeout(
    () => {
      void look().finally(again)
    },
    document.hidden ? kHiddenEveryMs : kEveryMs
  )
}

/** Looks at once: after every write, and when the page comes back. */
export async function lookNow(): Promise<void> {
  await look()
  again()
}

export async function startLive(): Promise<void> {
  document.addEventListener('visibilitychange', () => {
    if (!document.hidden) void lookNow()
  })
  await lookNow()
}

/** Writes, with the name of whoever sits here, and then everything shows it. */
export async function write<T>(name: string, args: string[], options: Record<string, string | undefined> = {}): Promise<T> {
  const saved = await post<T>(name, args, { ...options, person: prefs.person || undefined })
  void lookNow()
  return saved
}

export async function syncNow(): Promise<void> {
  if (sync.running) return
  sync.running = true
  sync.error = ''
  try {
    sync.report = await post<SyncReport>('sync')
  } catch (e) {
    sync.report = null
    sync.error = e instanceof ApiError ? e.words : String(e)
  } finally {
    sync.running = false
    void lookNow()
  }
}

/** What a person must be told, on every page until it is settled. */
export const notices = computed(() =>
  noticesOf(
    { status: status.value, trouble: trouble.value, fault: fault.value },
    { unit: unitFullName, parent: (id) => unitFullName(unitOf(id)?.parent_id) }
  )
)
