// prefs.ts - language, text size and who sits at this PC. Kept in the browser and beside the data (drafts.ts).
import { computed, reactive, watch } from 'vue'

export type Language = 'zh' | 'en'
export const textSizes = ['normal', 'large', 'larger'] as const
export type TextSize = (typeof textSizes)[number]

export const prefs = reactive({
  language: 'zh' as Language,
  size: 'normal' as TextSize,
  person: ''
})

const kKey = 'taizhang/prefs'

export const isEnglish = computed(() => prefs.language === 'en')

export function loadPrefs(): void {
  try {
    Object.assign(prefs, JSON.parse(localStorage.getItem(kKey) ?? '{}'))
  } catch {
    // Somebody else's text under our key: the defaults do.
  }
  watch(
    prefs,
    () => {
      document.documentElement.lang = prefs.language === 'en' ? 'en' : 'zh-CN'
      document.documentElement.dataset.size = prefs.size
      localStorage.setItem(kKey, JSON.stringify(prefs))
    },
    { immediate: true }
  )
}
