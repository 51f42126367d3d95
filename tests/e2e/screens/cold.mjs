// From starting the branch's program to the list of what is due, and where the time goes. Medians of so many starts; a
// browser that runs already, with a profile that has never seen the page.
// Then the memory of the browser and the program, while a branch goes through its pages.
// usage: cold.mjs [RUNS [SLOWER]]      SLOWER: the page's processor so many times slower, as an old PC's is
import assert from 'node:assert/strict'
import { cpus, loadavg } from 'node:os'
import { bareFetch, enrol, main, makeCity, memory, open, serve } from './harness.mjs'

const [runs = 9, slower = 1] = process.argv.splice(2, 2).map(Number)
let page
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)]

/** When what is due stands there; the page's own clock begins with its address. */
function watchList() {
  const look = () => {
    if (!window.listedMs && document.querySelector('[role=option]')) requestAnimationFrame(() => (window.listedMs ??= performance.now()))
  }
  new MutationObserver(look).observe(document, { childList: true, subtree: true })
}

const kPages = ['todo', 'problems', 'sync', 'conflicts', 'help', 'sheets', 'circulars', 'todo']

const tests = {
  async 'from starting the program to what is due'() {
    makeCity()
    const city = await serve('city', 'taizhangd')
    enrol(city, 'B03', 'pc')
    await city.stop() // no link: nothing waits for one
    const all = { 'program: start to first answer': [], 'page: first paint': [], 'page: what is due': [], 'start to what is due': [], 'bytes before it, gzipped': [] }
    let requests
    for (let i = 0; i <= runs; i++) {
      const began = Date.now()
      const pc = await serve('pc', 'taizhang')
      await bareFetch(pc.url + '/')
      const answeredMs = Date.now() - began
      page = await open(pc.url, { beforeLoad: async (p) => {
        await p.addInitScript(watchList)
        if (slower > 1) await (await p.context().newCDPSession(p)).send('Emulation.setCPUThrottlingRate', { rate: slower })
      } })
      await page.waitForFunction(() => window.listedMs)
      const told = await page.evaluate(() => ({
        listed: window.listedMs,
        paint: performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0,
        of: [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')]
          .filter((e) => e.startTime < window.listedMs)
          .map((e) => ({ name: e.name.replace(/^[^/]*\/\/[^/]*/, ''), from: Math.round(e.startTime), to: Math.round(e.responseEnd), bytes: e.encodedBodySize }))
      }))
      await page.context().close()
      page = undefined
      await pc.stop()
      if (i === 0) continue // the browser itself starts
      const row = [answeredMs, told.paint, told.listed, answeredMs + told.listed, told.of.filter((r) => !r.name.startsWith('/api/')).reduce((n, r) => n + r.bytes, 0)]
      Object.values(all).forEach((list, k) => list.push(Math.round(row[k])))
      requests = told.of
    }
    console.log(`    ${runs} starts${slower > 1 ? `, the page's processor ${slower} times slower` : ''}; load of a core ${(loadavg()[0] / cpus().length).toFixed(1)}`)
    for (const [what, list] of Object.entries(all)) console.log(`    ${what}: ${median(list)}  (${Math.min(...list)} to ${Math.max(...list)})`)
    for (const r of requests) console.log(`      ${String(r.from).padStart(5)} to ${String(r.to).padStart(5)} ms  ${String(r.bytes).padStart(7)} B  ${r.name}`)
    assert.ok(median(all['bytes before it, gzipped']) > 10_000)
  },

  async 'memory of the browser and the program together'() {
    const pc = await serve('pc', 'taizhang')
    page = await open(pc.url)
    await page.locator('[role=option]').first().waitFor()
    const seen = []
    for (const path of kPages) {
      await page.evaluate((to) => (location.hash = '#/' + to), path)
      await page.locator('nav.menu a.here[href="#/' + path + '"]').waitFor()
      await page.locator('main h1').first().waitFor()
      await page.waitForLoadState('networkidle') // what the page reads is there
      seen.push({ path, ...memory(pc.process.pid) })
    }
    const mb = (s) => `${Math.round(s.browser + s.program)} MB (browser ${Math.round(s.browser)}, program ${Math.round(s.program)})`
    const most = seen.reduce((a, b) => (b.browser + b.program > a.browser + a.program ? b : a))
    console.log(`    PSS at the first page ${mb(seen[0])}; at most ${mb(most)}, at ${most.path}; back at the first ${mb(seen[seen.length - 1])}`)
    assert.ok(most.browser > 0 && most.program > 0)
    await pc.stop()
  }
}

await main(tests, () => [page].filter(Boolean))
