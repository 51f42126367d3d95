// saving.ts - one save at a time of what somebody typed: what was refused is said, and the words stay until they are on
// the disk. Where a sign-in has ended meanwhile, the save waits for the next one (api.ts) and so does the form.
import { ref } from 'vue'
import { sayGood, sayNotes, wordsOf } from './say'

interface Options {
  /** What is emptied once it is saved, unless somebody has typed on meanwhile. */
  draft?: { form: Record<string, unknown>; clear: () => void }
  /** For a form that says at a field what was refused; without it `wrong` has the words. */
  refuse?: (e: unknown) => void
}

export function useSaving({ draft, refuse }: Options = {}) {
  const busy = ref(false)
  const wrong = ref('')
  const typed = (): string => JSON.stringify(draft?.form ?? null)

  /** What `work` gives; null: it was refused, or one before it is still under way. `done` is said when it is saved. */
  async function save<T>(work: () => Promise<T>, done: string | ((saved: T) => string) = ''): Promise<T | null> {
    if (busy.value) return null
    busy.value = true
    wrong.value = ''
    const sent = typed()
    try {
      const saved = await work()
      if (typed() === sent) draft?.clear()
      const words = typeof done === 'function' ? done(saved) : done
      if (words) sayGood(words)
      sayNotes(saved)
      return saved
    } catch (e) {
      if (refuse) refuse(e)
      else wrong.value = wordsOf(e)
      return null
    } finally {
      busy.value = false
    }
  }
  return { busy, wrong, save }
}
