// Element Plus by part: its index would make the build read fifteen hundred modules to use a few.
import { ElButton } from 'element-plus/es/components/button/index'
import 'element-plus/es/components/button/style/css'
import { createApp, watch } from 'vue'
import App from './App.vue'
import { loadDrafts } from './drafts'
import { keepPrefs } from './kept-prefs'
import { startLive } from './live'
import { loadPrefs } from './prefs'
import { noDropOutside } from './drops'
import { router } from './router'
import { beginSession, gate } from './session'
import './style.css'

loadPrefs()
noDropOutside()
// Few pages ever ask who sits there: the asking comes when it is needed.
const stopWaiting = watch(
  () => gate.asks,
  async () => {
    stopWaiting()
    createApp((await import('./parts/SignInGate.vue')).default).mount('#gate')
  }
)

/** What a branch begins with comes while the data is asked for, not after it. */
const kBegins = /^(#(\/|\/todo)?)?$/

async function begin(): Promise<void> {
  await beginSession()
  if (kBegins.test(location.hash)) void import('./branch/TodoPage.vue').catch(() => undefined) // the router asks again
  // Drafts first: a form that opens must find what was typed before. Neither waits for a server elsewhere.
  await Promise.all([loadDrafts(), startLive()])
  keepPrefs()
  createApp(App).use(router).component('ElButton', ElButton).mount('#app')
  gate.isOver = true
}
void begin()
