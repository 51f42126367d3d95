// Element Plus by part: its index would make the build read fifteen hundred modules to use a few.
import { ElButton } from 'element-plus/es/components/button/index'
import 'element-plus/es/components/button/style/css'
import { createApp } from 'vue'
import App from './App.vue'
import { loadDrafts } from './drafts'
import { startLive } from './live'
import { loadPrefs } from './prefs'
import { router } from './router'
import './style.css'

loadPrefs()
// Drafts first: a form that opens must find what was typed before. Neither waits for a server elsewhere.
void Promise.all([loadDrafts(), startLive()]).then(() => createApp(App).use(router).component('ElButton', ElButton).mount('#app'))
