// harness.mjs - the real programs, a real Chromium, and what every screen test checks besides its own story:
// no error in the console, nothing that the content policy had to stop, nothing that axe finds.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { newerApi } from '../../../shared/web/newer-than-86.mjs'

const root = process.env.TZ_ROOT
const bin = process.env.TZ_BIN
const require = createRequire(join(root, 'shared/web/package.json'))
const { chromium } = require('playwright-core')
const axeSource = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8')

/** The day on which the demo city's records end. */
export const now = '2025-11-06T18:00:00+08:00'
const started = Date.now()
let skippedMs = 0
/** For programs that are started from now on. */
export const passDays = (days) => (skippedMs += days * 86_400_000)
const clock = () => new Date(Date.parse(now) + skippedMs + Date.now() - started).toISOString()
const env = () => ({ ...process.env, TAIZHANG_NOW: clock() })
export const pictures = process.env.TZ_PICTURES || join(process.cwd(), 'pictures')
mkdirSync(pictures, { recursive: true })

/** For what comes by itself, on a machine that has other work as well. */
export const kPatienceMs = 60_000

const servers = []
let browser

export const run = (program, data, ...args) => runWith('', program, data, ...args)
/** With something on standard input, such as a password. */
export function runWith(input, program, data, ...args) {
  const p = spawnSync(join(bin, program), [...args, '--data', data], { encoding: 'utf8', env: env(), input })
  if (p.status !== 0) throw new Error(`${program} ${args.join(' ')}: exit ${p.status}\n${p.stdout}${p.stderr}`)
  return p.stdout
}
export const json = (program, data, ...args) => JSON.parse(run(program, data, ...args, '--json'))

export const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms))

/** Waits until `work` gives something true; what it threw last says why not. */
export async function until(what, work, ms = kPatienceMs) {
  const end = Date.now() + ms
  let last
  for (;;) {
    try {
      const got = await work()
      if (got) return got
      last = undefined
    } catch (e) {
      last = e
    }
    if (Date.now() > end) throw new Error(`waited ${ms} ms in vain for: ${what}${last ? '\n' + last : ''}`)
    await sleep(50)
  }
}

export class Server {
  constructor(data, program, port = 0, more = []) {
    this.data = data
    this.program = program
    const portFile = data + '.port'
    rmSync(portFile, { force: true })
    this.process = spawn(
      join(bin, program),
      ['serve', '--data', data, '--listen', `127.0.0.1:${port}`, '--port-file', portFile, ...more],
      { env: env(), stdio: ['ignore', 'ignore', 'inherit'] }
    )
    this.gone = new Promise((resolve) => this.process.on('exit', resolve))
    servers.push(this)
    this.ready = until(`${program} serves`, () => existsSync(portFile) && readFileSync(portFile, 'utf8').trim()).then((p) => {
      this.port = Number(p)
      this.url = `http://127.0.0.1:${p}`
      return this
    })
  }
  async stop(signal = 'SIGTERM') {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill(signal)
    await this.gone
  }
}
export const serve = (data, program, port, more) => new Server(data, program, port, more).ready

export function makeCity(data = 'city') {
  run('taizhangd', data, 'init', '--city', join(root, 'schema/demo/yunxiu.json'))
  return data
}
export function code(server, unit) {
  return json('taizhangd', server.data, 'enrol', '--unit', unit).code
}
export function enrol(server, unit, data) {
  run('taizhang', data, 'enrol', '--server', server.url, '--code', code(server, unit))
  return data
}
export function join_(server, unit, data) {
  run('taizhangd', data, 'join', '--upstream', server.url, '--code', code(server, unit))
  return data
}
/** An address that opens the screens, as `taizhang open` gives it to whoever holds the data folder. */
export const launchAddress = (server) => json(server.program, server.data, 'open').address

/** Without any session. */
export const bareFetch = globalThis.fetch
/** Headers of a session of whoever holds the server's folder. */
async function credentials(server) {
  server.session ??= (async () => {
    const r = await bareFetch(server.url + '/api/launch', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ token: launchAddress(server).split('#launch=')[1] })
    })
    const cookie = r.headers.get('set-cookie').split(';')[0]
    return { cookie, 'x-taizhang-page': (await r.json()).page }
  })()
  return server.session
}
// The stories here ask the API of their servers as another program of the same user would.
globalThis.fetch = async (url, options = {}) => {
  const server = servers.find((s) => s.url && String(url).startsWith(s.url + '/api/'))
  if (!server) return bareFetch(url, options)
  return bareFetch(url, { ...options, headers: { ...options.headers, ...(await credentials(server)) } })
}

/** The API, as another program on this PC would use it. */
export async function api(server, name, args = [], options = {}, method = 'POST') {
  const r = await fetch(`${server.url}/api/${name}`, {
    method,
    headers: { 'content-type': 'application/json' },
    body: method === 'GET' ? undefined : JSON.stringify({ args, options: { person: '试用员', ...options } })
  })
  const document = await r.json()
  assert.ok(!document.error, `${name} ${args}: ${document.error?.line}`)
  return document
}
export async function show(server, id) {
  const r = await fetch(`${server.url}/api/show/${encodeURIComponent(id)}`)
  return r.json()
}

const kFlags = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync'
]

/** While screens are being made: those of a folder that `vite build` just wrote instead of those in the program. */
export async function serveFrom(context, folder) {
  await context.route(/^http:\/\/127\.0\.0\.1:\d+\/(?!api\/)/, (route) => {
    const path = new URL(route.request().url()).pathname
    return route.fulfill({ path: join(folder, path === '/' ? 'index.html' : path) })
  })
}

export const launchBrowser = (...flags) =>
  chromium.launch({ executablePath: process.env.TZ_CHROMIUM || '/usr/bin/chromium', args: [...kFlags, ...flags] })

/**
 * Offices have Chromium 86 and later. What came after it is taken out of the pages here, so that a screen that needs it
 * fails in the tests and not there; what is built is searched for it as well (old-browsers.mjs).
 */
function asChromium86(newerApi) {
  for (const [path, names] of Object.entries(newerApi)) {
    const owner = path === 'window' ? window : path.split('.').reduce((o, name) => (o ? o[name] : undefined), window)
    for (const name of names) if (owner) delete owner[name]
  }
}

/** A person at a screen: a browser profile of its own. */
export async function open(url, { width = 1366, height = 768, path = '/', isLaunched = true, beforeLoad = undefined } = {}) {
  browser ??= await launchBrowser()
  const wanted = process.env.TZ_CHROMIUM_VERSION
  if (wanted) assert.equal(browser.version(), wanted)
  const context = await browser.newContext({ viewport: { width, height }, locale: 'zh-CN', acceptDownloads: true })
  if (process.env.TZ_SCREENS_FROM) await serveFrom(context, process.env.TZ_SCREENS_FROM)
  await context.addInitScript(asChromium86, newerApi)
  const page = await context.newPage()
  await beforeLoad?.(page)
  page.setDefaultTimeout(kPatienceMs)
  page.problems = []
  page.mayFail = false // while a program is down on purpose, failed requests are no news
  page.on('pageerror', (e) => page.problems.push('error: ' + (e.stack || e.message)))
  page.on('console', (m) => {
    const isRequest = /Failed to load resource/.test(m.text())
    if (m.type() === 'error' && !isRequest) page.problems.push('console: ' + m.text())
    else if (m.type() === 'warning' && /content security|\[Vue/i.test(m.text())) page.problems.push('warning: ' + m.text())
  })
  const server = servers.find((s) => s.url === url)
  // Opened as the program says, by whoever sits at that PC; the person's name is given once.
  if (server && isLaunched) {
    await context.addInitScript(() => {
      if (!localStorage.getItem('taizhang/prefs')) localStorage.setItem('taizhang/prefs', JSON.stringify({ person: '试用员' }))
    })
    await page.goto(launchAddress(server))
    // The router's first page is there: before that it does not hear of another address.
    await page.waitForFunction(() => /^#[/]./.test(location.hash))
    if (path !== '/') await page.goto(url + path)
  } else {
    await page.goto(url + path)
  }
  return page
}

/** Nothing fades or slides: what is half gone has colours of its own, which nobody reads. What turns for ever does not count. */
const stillness = () =>
  document.getAnimations().every((a) => a.playState !== 'running' || a.effect?.getComputedTiming().iterations === Infinity)

/** axe with the rules of WCAG A and AA, contrast included, on a page that stood still from its first look to its last. */
export async function accessible(page, what) {
  await page.evaluate(axeSource)
  for (let tries = 1; ; tries++) {
    await page.waitForFunction(stillness)
    const [found, hasMoved] = await page.evaluate(async () => {
      const isMoving = () => document.getAnimations().some((a) => a.playState === 'running' && a.effect?.getComputedTiming().iterations !== Infinity)
      // What began since it was seen to stand, and ends before the last look, counts as well.
      let hasMoved = isMoving()
      const note = () => (hasMoved = true)
      const moves = ['transitionrun', 'transitionend', 'transitioncancel', 'animationstart', 'animationend']
      for (const m of moves) document.addEventListener(m, note, true)
      const r = await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] })
      for (const m of moves) document.removeEventListener(m, note, true)
      const lines = r.violations.map((v) => `${v.id}: ${v.help}\n` + v.nodes.slice(0, 4).map((n) => `    ${n.html.slice(0, 200)}\n    ${n.failureSummary.split('\n').slice(1, 2)}`).join('\n'))
      return [lines, hasMoved || isMoving()]
    })
    // A message came or went meanwhile: look again. What is wrong with a page that stands is wrong every time.
    if (found.length && hasMoved && tries < 10) continue
    assert.deepEqual(found, [], `${what}: axe`)
    return
  }
}

export async function picture(page, name) {
  // Messages that come and go are not part of the picture.
  await page.evaluate(() => document.querySelectorAll('.el-message').forEach((m) => m.remove()))
  await page.screenshot({ path: join(pictures, name + '.png') })
}

/** The same page, large and small, in both sizes of screen. */
export async function seen(page, name) {
  await accessible(page, name)
  await picture(page, name)
  await page.setViewportSize({ width: 1920, height: 1080 })
  await picture(page, name + '-1920')
  await page.setViewportSize({ width: 1366, height: 768 })
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)
  assert.ok(wide <= 0, `${name}: ${wide} px too wide for 1366`)
}

/** Ctrl+V with that on the clipboard, into the element that has the cursor or the one named. */
export async function paste(page, text, selector = '') {
  await page.evaluate(
    ([words, where]) => {
      const data = new DataTransfer()
      data.setData('text/plain', words)
      const target = where ? document.querySelector(where) : document.activeElement || document.body
      target.dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true }))
    },
    [text, selector]
  )
}

/** All that this script started and what those started, by process id. */
function descendants() {
  const parents = new Map()
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      parents.set(Number(pid), Number(readFileSync(`/proc/${pid}/stat`, 'utf8').replace(/.*\) /s, '').split(' ')[1]))
    } catch {
      // It has ended.
    }
  }
  const isOurs = (pid) => {
    for (let at = parents.get(pid); at; at = parents.get(at)) if (at === process.pid) return true
    return false
  }
  return [...parents.keys()].filter(isOurs)
}

/** In MB, what several share divided among them (PSS): the program with that id, and the browser with all its processes. */
export function memory(program) {
  const mb = { program: 0, browser: 0 }
  for (const pid of descendants()) {
    try {
      const kb = Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))[1])
      mb[pid === program ? 'program' : 'browser'] += kb / 1024
    } catch {
      // It has ended.
    }
  }
  return mb
}

export function scratch(name) {
  return mkdtempSync(join(tmpdir(), name))
}

/** Runs the tests in order; ends everything that was started. */
export async function main(tests, pages) {
  let bad = 0
  const only = process.argv.slice(2)
  for (const [name, test] of Object.entries(tests)) {
    if (only.length && !only.some((o) => name.includes(o))) continue
    const began = Date.now()
    try {
      await test()
      for (const page of pages()) {
        assert.deepEqual(page.problems, [], 'problems in the page')
      }
      console.log(`ok  ${name} (${Date.now() - began} ms)`)
    } catch (e) {
      bad++
      console.log(`FAILED  ${name}\n${e.stack || e}`)
      for (const [i, page] of pages().entries()) await page.screenshot({ path: join(pictures, `failed-${i}.png`) }).catch(() => {})
      break
    }
  }
  await browser?.close().catch(() => {})
  for (const s of servers) await s.stop('SIGKILL')
  process.exit(bad ? 1 : 0)
}
