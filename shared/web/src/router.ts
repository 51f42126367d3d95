// router.ts - pages by role: a branch, an office above branches, the city and its counties.
import { createRouter, createWebHashHistory } from 'vue-router'
import { homeLevel } from './live'
import type { Word } from './words'

export interface MenuItem {
  path: string
  word: Word
}

const kConflicts: MenuItem = { path: '/conflicts', word: 'menu_conflicts' }
const kHelp: MenuItem = { path: '/help', word: 'menu_help' }

const kMenus: Record<string, MenuItem[]> = {
  branch: [
    { path: '/todo', word: 'menu_todo' },
    { path: '/problems', word: 'menu_problems' },
    { path: '/sync', word: 'menu_sync' },
    kConflicts,
    kHelp
  ],
  township: [
    { path: '/queue', word: 'menu_queue' },
    { path: '/branches', word: 'menu_branches' },
    { path: '/station', word: 'menu_station' },
    kConflicts,
    kHelp,
    { path: '/records', word: 'menu_records' },
    { path: '/todo', word: 'menu_own' }
  ],
  city: [
    { path: '/review', word: 'menu_review' },
    { path: '/queue', word: 'menu_final' },
    { path: '/records', word: 'menu_records' },
    { path: '/branches', word: 'menu_units' },
    kConflicts,
    kHelp,
    { path: '/station', word: 'menu_station' }
  ]
}

export function menu(): MenuItem[] {
  return kMenus[homeLevel.value === 'county' ? 'city' : homeLevel.value]
}

export const router = createRouter({
  history: createWebHashHistory(),
  routes: [
    { path: '/', redirect: () => menu()[0].path },
    { path: '/todo', component: () => import('./branch/TodoPage.vue') },
    { path: '/problems', component: () => import('./branch/ProblemsPage.vue') },
    { path: '/sync', component: () => import('./branch/SyncPage.vue') },
    { path: '/conflicts', component: () => import('./branch/ConflictsPage.vue') },
    { path: '/help', component: () => import('./branch/HelpPage.vue') },
    { path: '/queue', component: () => import('./office/QueuePage.vue') },
    { path: '/branches', component: () => import('./office/BranchesPage.vue') },
    { path: '/station', component: () => import('./office/StationPage.vue') },
    { path: '/records', component: () => import('./office/RecordsPage.vue') },
    { path: '/record/:id', component: () => import('./parts/RecordPage.vue') },
    { path: '/review', component: () => import('./city/ReviewPage.vue') },
    { path: '/:rest(.*)', redirect: '/' }
  ]
})
