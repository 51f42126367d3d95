// router.ts - pages by role: a branch, an office above branches, the city and its counties.
import { createRouter, createWebHashHistory } from 'vue-router'
import { homeLevel } from './live'
import { session, whyNot } from './session'
import type { Word } from './words'

export interface MenuItem {
  path: string
  word: Word
}

const kConflicts: MenuItem = { path: '/conflicts', word: 'menu_conflicts' }
const kHelp: MenuItem = { path: '/help', word: 'menu_help' }
const kSheets: MenuItem = { path: '/sheets', word: 'menu_sheets' }
const kCirculars: MenuItem = { path: '/circulars', word: 'menu_circulars' }

const kMenus: Record<string, MenuItem[]> = {
  branch: [
    { path: '/todo', word: 'menu_todo' },
    { path: '/problems', word: 'menu_problems' },
    { path: '/sync', word: 'menu_sync' },
    kConflicts,
    kHelp,
    kSheets,
    kCirculars
  ],
  township: [
    { path: '/queue', word: 'menu_queue' },
    { path: '/branches', word: 'menu_branches' },
    { path: '/station', word: 'menu_station' },
    kConflicts,
    { path: '/duplicates', word: 'menu_duplicates' },
    { path: '/checks', word: 'menu_checks' },
    kHelp,
    { path: '/records', word: 'menu_records' },
    kSheets,
    kCirculars,
    { path: '/todo', word: 'menu_own' }
  ],
  city: [
    { path: '/review', word: 'menu_review' },
    { path: '/issue', word: 'menu_issue' },
    { path: '/queue', word: 'menu_final' },
    { path: '/sample', word: 'menu_sample' },
    kCirculars,
    { path: '/meetings', word: 'menu_meetings' },
    { path: '/burden', word: 'menu_burden' },
    { path: '/stocktake', word: 'menu_stocktake' },
    { path: '/calendar', word: 'menu_calendar' },
    { path: '/records', word: 'menu_records' },
    kSheets,
    { path: '/branches', word: 'menu_units' },
    kConflicts,
    kHelp,
    { path: '/station', word: 'menu_station' },
    { path: '/todo', word: 'menu_own' }
  ]
}

/** Pages that are there for one command only. */
const kNeeds: Record<string, string> = { '/issue': 'issue', '/people': 'person' }
const kPeople: MenuItem = { path: '/people', word: 'menu_people' }
/** Why whoever is signed in has no use for that page, however he came there; in both languages, empty: he has. */
export const whyNoPage = (path: string): string => (kNeeds[path] ? whyNot('commands', kNeeds[path]) : '')

export function menu(): MenuItem[] {
  const pages = kMenus[homeLevel.value === 'county' ? 'city' : homeLevel.value].filter(
    (item) => !whyNoPage(item.path)
  )
  // A branch's PC that nobody signs in to needs no accounts; an office makes its first one here.
  const hasPeople = session.value.mode === 'login' || homeLevel.value !== 'branch'
  return hasPeople && !whyNoPage(kPeople.path) ? [...pages, kPeople] : pages
}

export const router = createRouter({
  history: createWebHashHistory(),
  routes: [
    { path: '/', redirect: () => menu()[0].path },
    { path: '/todo', component: () => import('./branch/TodoPage.vue') },
    { path: '/problems', component: () => import('./branch/ProblemsPage.vue') },
    { path: '/sync', component: () => import('./branch/SyncPage.vue') },
    { path: '/notices', component: () => import('./branch/NoticesPage.vue') },
    { path: '/enrol', component: () => import('./branch/EnrolPage.vue') },
    { path: '/unsent', component: () => import('./branch/UnsentPage.vue') },
    { path: '/conflicts', component: () => import('./branch/ConflictsPage.vue') },
    { path: '/help', component: () => import('./branch/HelpPage.vue') },
    { path: '/queue', component: () => import('./office/QueuePage.vue') },
    { path: '/branches', component: () => import('./office/BranchesPage.vue') },
    { path: '/station', component: () => import('./office/StationPage.vue') },
    { path: '/records', component: () => import('./office/RecordsPage.vue') },
    { path: '/record/:id', component: () => import('./parts/RecordPage.vue') },
    { path: '/duplicates', component: () => import('./office/DuplicatesPage.vue') },
    { path: '/checks', component: () => import('./office/ChecksPage.vue') },
    { path: '/issue', component: () => import('./city/IssuePage.vue') },
    { path: '/meetings', component: () => import('./city/MeetingsPage.vue') },
    { path: '/calendar', component: () => import('./city/CalendarPage.vue') },
    { path: '/burden', component: () => import('./city/BurdenPage.vue') },
    { path: '/sample', component: () => import('./city/SamplePage.vue') },
    { path: '/sheets', component: () => import('./office/SheetsPage.vue') },
    { path: '/circulars', component: () => import('./city/CircularsPage.vue') },
    { path: '/circulars/:id', component: () => import('./city/CircularsPage.vue') },
    { path: '/stocktake', component: () => import('./city/StocktakePage.vue') },
    { path: '/behind/:figure', component: () => import('./city/BehindPage.vue') },
    { path: '/review', component: () => import('./city/ReviewPage.vue') },
    { path: '/people', component: () => import('./office/PeoplePage.vue') },
    { path: '/:rest(.*)', redirect: '/' }
  ]
})
