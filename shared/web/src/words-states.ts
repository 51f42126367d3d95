// words-states.ts - names in English of states and of what the screens offer to choose: in the data each has one name,
// which is Chinese.
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
  上班: 'worked',
  // how a problem was found, and how it is mended
  自查: 'own check',
  群众反映: 'told by the public',
  调研: 'field study',
  督查: 'supervision',
  巡察: 'city inspection',
  巡视: 'provincial inspection',
  省通报: 'provincial circular',
  省双月通报: "the province's circular",
  省委组织部调研: "the province's field study",
  省委巡视: 'provincial inspection',
  市委巡察: 'city inspection',
  市日常督查: "the city's supervision",
  市专项通报: "the city's special circular",
  市综合通报: "the city's general circular",
  市调度会: "the city's meeting",
  立行立改: 'at once',
  限期整改: 'by a deadline',
  长期坚持: 'for good',
  // kinds of guidance
  实地指导: 'on site',
  现场指导: 'on site',
  电话指导: 'by telephone',
  集中培训: 'training',
  书面指导: 'in writing',
  书面指导意见: 'in writing',
  协调资源: 'finding means',
  分解指导: 'with the handing down',
  // fields of work
  农村: 'villages',
  城市社区: 'urban communities',
  机关: 'offices',
  非公企业: 'private firms',
  社会组织: 'associations',
  新业态新就业群体: 'gig and platform workers',
  // how often
  每周: 'weekly',
  每月: 'monthly',
  双月: 'every two months',
  季度: 'quarterly',
  半年: 'twice a year',
  每年: 'yearly'
}

/** A state or a choice as it is shown; one that a newer catalog or a person brought is shown as it is called there. */
export const stateName = (state: unknown): string => (isEnglish.value ? (stateWords[String(state ?? '')] ?? String(state ?? '')) : String(state ?? ''))
