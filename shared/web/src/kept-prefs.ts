// kept-prefs.ts - language, text size and name beside the data as well: the program may serve on another port tomorrow,
// and for a browser that is another site with nothing in it.
import { watch } from 'vue'
import { habit, keepHabit } from './drafts'
import { prefs } from './prefs'

const kPauseMs = 500

/** After the drafts were read, before the first page is drawn. */
export function keepPrefs(): void {
  Object.assign(prefs, habit('prefs') ?? {})
  watch(prefs, () => keepHabit('prefs', { ...prefs }, kPauseMs))
}
