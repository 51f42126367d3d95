// phrases.ts - reasons to reuse: a few to begin with, and those that this person used last.
import { habit, keepHabit } from '../drafts'
import { isEnglish } from '../prefs'

const kStock: Record<string, [string, string][]> = {
  return: [
    ['佐证材料不全,请补充', 'evidence is incomplete, please add it'],
    ['填报数与现场核实不符', 'the reported value does not match what was found on site'],
    ['只转发文件,没有具体措施', 'forwarded only, no measures of its own'],
    ['整改措施未落实到位', 'the measures have not been carried out']
  ],
  pass_first: [['情况属实,同意', 'checked and agreed']],
  pass_second: [['情况属实,同意', 'checked and agreed']],
  close_out: [['现场核实到位', 'found in place on site']],
  request_extension: [
    ['等待上级批复', 'waiting for approval from above'],
    ['受天气影响,工期顺延', 'delayed by the weather']
  ],
  grant_extension: [['同意延期', 'agreed']]
}
const kKey = 'phrases'
const kRecentMax = 6

const all = (): Record<string, string[]> => (habit(kKey) ?? {}) as Record<string, string[]>

export const stockPhrases = (step: string): string[] => (kStock[step] ?? []).map(([zh, en]) => (isEnglish.value ? en : zh))
export const recentPhrases = (step: string): string[] => all()[step] ?? []

export function rememberPhrase(step: string, phrase: string): void {
  const text = phrase.trim()
  if (!text || text.length > 60) return
  const phrases = { ...all() }
  phrases[step] = [text, ...(phrases[step] ?? []).filter((p) => p !== text)].slice(0, kRecentMax)
  keepHabit(kKey, phrases)
}
