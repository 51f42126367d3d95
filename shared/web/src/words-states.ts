// words-states.ts - the states' names in English: in the data they have one name, which is Chinese.
import { isEnglish } from './prefs'

export const stateWords: Record<string, string> = {
  草稿: 'draft',
  已下达: 'issued',
  已撤回: 'withdrawn',
  已中止: 'suspended',
  待签收: 'to acknowledge',
  已签收: 'acknowledged',
  办理中: 'in progress',
  待初审: 'first review',
  待复审: 'second review',
  待终审: 'final review',
  退回: 'returned',
  延期待批: 'extension asked',
  已办结: 'closed',
  登记: 'registered',
  制定方案: 'planning',
  整改中: 'being mended',
  退回整改: 'returned to mend',
  持续整改: 'kept on',
  已销号: 'closed out',
  重启: 'reopened',
  // of attendance
  本人到会: 'in person',
  委托代会: 'deputy',
  缺席: 'absent',
  // of the calendar
  休息: 'off',
  上班: 'worked'
}

/** A state as it is shown; one that a newer catalog brought is shown as it is called there. */
export const stateName = (state: unknown): string => (isEnglish.value ? (stateWords[String(state ?? '')] ?? String(state ?? '')) : String(state ?? ''))
