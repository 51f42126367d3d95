// surface.mjs - a person signs in and works; meanwhile other sites, another user of the PC and a rebound name try to use
// that browser. Everything they try is tried here in a real Chromium, whose own protections are part of the answer.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { resolve } from 'node:path'
import * as h from './harness.mjs'

const kPasswords = { root: '管理员的密码要足够长', boss: 'correct horse battery', wen: 'ten letters' }
process.env.BROWSER = '/bin/true' // what would be opened is opened here
let city, pc, browser, context, page
const pages = []
const record = 'A0019'

/** The attacker's web server; what browsers sent it is in `seen`. */
const evil = { seen: [], body: '<!doctype html><title>x</title>' }
evil.server = createServer((q, r) => {
  evil.seen.push({ url: q.url, cookie: q.headers.cookie ?? '' })
  r.setHeader('content-type', 'text/html')
  r.end(evil.body)
})
await new Promise((resolve) => evil.server.listen(0, '127.0.0.1', resolve))
evil.port = evil.server.address().port

function add(login, name, role) {
  h.runWith(kPasswords[login] + '\n', 'taizhangd', 'city', 'person', 'add', login, '--name', name, '--role', role)
}
const history = () => h.json('taizhangd', 'city', 'show', record).history
const commits = () => history().length

async function newPage(url, from = context) {
  const p = await from.newPage()
  p.setDefaultTimeout(h.kPatienceMs)
  p.problems = []
  p.on('pageerror', (e) => p.problems.push('error: ' + (e.stack || e.message)))
  if (url) await p.goto(url)
  return p
}

/** Somebody's browser. */
async function profile() {
  const c = await browser.newContext({ viewport: { width: 1366, height: 768 }, locale: 'zh-CN' })
  if (process.env.TZ_SCREENS_FROM) await h.serveFrom(c, process.env.TZ_SCREENS_FROM)
  return c
}

/** With the keyboard alone. */
async function signIn(p, login, password = kPasswords[login]) {
  await p.waitForFunction(() => document.activeElement?.matches('[data-test=account]')) // the cursor comes by itself
  await p.keyboard.press('Control+A')
  await p.keyboard.type(login)
  await p.keyboard.press('Tab')
  await p.keyboard.type(password)
  await p.keyboard.press('Enter')
}

await h.main(
  {
    async 'without accounts the launch address opens, once; another one is pasted'() {
      h.makeCity()
      city = await h.serve('city', 'taizhangd')
      // Newer browsers keep pages from reaching this PC at all; those of old offices do not, and that is what counts here.
      browser = await h.launchBrowser(
        '--host-resolver-rules=MAP evil.example 127.0.0.1',
        '--disable-features=BlockInsecurePrivateNetworkRequests,PrivateNetworkAccessSendPreflights,LocalNetworkAccessChecks'
      )
      const launched = await profile()
      const address = h.launchAddress(city)
      const first = await newPage(address, launched)
      await first.locator('nav.menu').waitFor()
      assert.ok(!first.url().includes('launch='), first.url())
      const other = await profile()
      const second = await newPage(address, other)
      await second.locator('[data-test=launch]').waitFor()
      await h.seen(second, 'launch')
      assert.equal(await second.locator('nav.menu').count(), 0)
      await second.keyboard.type(h.launchAddress(city))
      await second.keyboard.press('Enter')
      await second.locator('nav.menu').waitFor()
      // The first account is made on the screen; from then on everybody signs in.
      await first.goto(city.url + '/#/people')
      await first.locator('[data-test=new-login]').fill('root')
      await first.locator('[data-test=new-name]').fill('王管理')
      await first.locator('[data-test=new-password]').fill(kPasswords.root)
      await h.seen(first, 'people-first')
      await first.locator('[data-test=add] button[type=submit]').click()
      await signIn(first, 'root')
      await first.locator('[data-test=who]').waitFor()
      assert.match(await first.locator('[data-test=who]').innerText(), /王管理\s*管理员/)
      assert.deepEqual([...first.problems, ...second.problems], [])
      await launched.close()
      await other.close()
    },

    async 'the sign-in page is used by keyboard, and says what is wrong'() {
      add('boss', '赵主任', 'secretary,city_officer')
      add('wen', '李文书', 'clerk')
      context = await profile()
      page = await newPage(city.url)
      pages.push(page)
      await page.locator('[data-test=account]').waitFor()
      await h.seen(page, 'sign-in')
      await page.keyboard.press('Escape')
      assert.ok(await page.locator('[data-test=account]').isVisible(), 'it cannot be closed')
      await signIn(page, 'boss', 'not the password')
      await page.locator('dialog [role=alert]').waitFor()
      assert.match(await page.locator('dialog [role=alert]').innerText(), /账号或密码不对/)
      await h.picture(page, 'sign-in-wrong')
      await signIn(page, 'boss')
      await page.locator('[data-test=who]').waitFor()
      const cookies = await context.cookies()
      assert.ok(cookies.every((c) => c.httpOnly && c.sameSite === 'Strict'), JSON.stringify(cookies))
      assert.equal(await page.evaluate(() => document.cookie), '', 'scripts see no cookie')
    },

    async 'another site changes nothing and reads nothing'() {
      const before = commits()
      const icon = /href="([^"]+[.]svg)"/.exec(await (await h.bareFetch(city.url)).text())[1]
      assert.equal((await h.bareFetch(city.url + icon)).status, 200)
      const attack = await newPage(`http://evil.example:${evil.port}/`)
      const tried = await attack.evaluate(
        async ([target, id, icon]) => {
          const out = {}
          const body = JSON.stringify({ args: [id, 'remark=别的网站写的'], options: { person: '别人' } })
          const attempt = async (name, work) => {
            try {
              out[name] = await work()
            } catch (e) {
              out[name] = 'failed: ' + e.name
            }
          }
          const post = (type, mode) => () =>
            fetch(target + '/api/set', { method: 'POST', mode, credentials: 'include', headers: { 'content-type': type }, body }).then((r) => r.type + r.status)
          await attempt('simple post', post('text/plain', 'no-cors'))
          await attempt('form post', post('application/x-www-form-urlencoded', 'no-cors'))
          await attempt('json post', post('application/json', 'cors'))
          await attempt('read', () => fetch(target + '/api/status', { credentials: 'include' }).then((r) => r.text()))
          await attempt('blind read', () => fetch(target + '/api/status', { credentials: 'include', mode: 'no-cors' }).then((r) => r.type + r.status))
          const element = (tag, set) => () =>
            new Promise((resolve) => {
              const e = document.createElement(tag)
              e.onload = () => resolve('loaded')
              e.onerror = () => resolve('refused')
              set(e)
              document.body.append(e)
              setTimeout(() => resolve('nothing'), 30_000)
            })
          await attempt('picture', element('img', (e) => (e.src = target + icon)))
          await attempt('script', element('script', (e) => (e.src = target + '/api/status')))
          await attempt('socket', () =>
            new Promise((resolve) => {
              const s = new WebSocket(target.replace('http', 'ws') + '/live')
              s.onopen = () => resolve('open')
              s.onerror = () => resolve('refused')
            })
          )
          return out
        },
        [city.url, record, icon]
      )
      console.log('    ' + JSON.stringify(tried))
      assert.equal(tried.read, 'failed: TypeError')
      assert.equal(tried['json post'], 'failed: TypeError')
      if (!process.env.TZ_SCREENS_FROM) assert.equal(tried.picture, 'refused') // those pictures come from the test itself
      assert.equal(tried.script, 'refused')
      assert.equal(tried.socket, 'refused')
      for (const blind of ['simple post', 'form post', 'blind read']) assert.match(tried[blind], /^(opaque0|failed: TypeError)$/)
      // A form that takes the whole window along.
      await attack.evaluate((target) => {
        const f = document.createElement('form')
        f.method = 'post'
        f.enctype = 'text/plain'
        f.action = target + '/api/set'
        f.innerHTML = '<input name=\'{"args":["A0019","remark=x\' value=\'"]}\'>'
        document.body.append(f)
        f.submit()
      }, city.url)
      await attack.waitForURL(city.url + '/api/set')
      assert.match(await attack.locator('body').innerText(), /别的网站/)
      assert.equal(commits(), before, 'nothing was written')
    },

    async 'another site shows none of the screens in a frame'() {
      if (process.env.TZ_SCREENS_FROM) return // those pages have no headers of the program's
      evil.body = `<!doctype html><title>x</title><iframe src="${city.url}/"></iframe><iframe src="${city.url}/api/status"></iframe>`
      const attack = await newPage(`http://evil.example:${evil.port}/`)
      await h.sleep(1500)
      const frames = attack.frames().slice(1)
      assert.equal(frames.length, 2)
      for (const f of frames) {
        const text = await f.evaluate(() => document.body?.innerText ?? '').catch(() => '')
        assert.doesNotMatch(text, /台账|赵主任|unit/, 'a frame shows: ' + text)
        assert.ok(!(await f.locator('nav.menu').count().catch(() => 0)))
      }
      evil.body = '<!doctype html><title>x</title>'
    },

    async 'a rebound name gets nothing: neither page, nor API, nor what devices use'() {
      const port = city.port
      const straight = await newPage()
      const answer = await straight.goto(`http://evil.example:${port}/`)
      assert.equal(answer.status(), 421)
      // The attacker's page was loaded while the name still meant his server; now it means this PC.
      await context.route(`http://evil.example:${port}/attack`, (route) => route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>x</title>' }))
      const attack = await newPage(`http://evil.example:${port}/attack`)
      const before = commits()
      const tried = await attack.evaluate(async () => {
        const out = {}
        const body = JSON.stringify({ args: ['A0019', 'remark=重绑定写的'], options: { person: '别人' } })
        const json = { 'content-type': 'application/json' }
        const ask = async (name, path, options) => (out[name] = await fetch(path, options).then((r) => r.status, (e) => e.name))
        await ask('status', '/api/status')
        await ask('session', '/api/session')
        await ask('set', '/api/set', { method: 'POST', headers: json, body })
        await ask('login', '/api/login', { method: 'POST', headers: json, body: '{"account":"boss","password":"x"}' })
        await ask('sync', '/sync', { method: 'POST', body: 'q' })
        await ask('enrol', '/enrol', { method: 'POST', body: 'e' })
        await ask('page', '/index.html')
        out.socket = await new Promise((resolve) => {
          const s = new WebSocket(location.origin.replace('http', 'ws') + '/live')
          s.onopen = () => resolve('open')
          s.onerror = () => resolve('refused')
        })
        return out
      })
      console.log('    ' + JSON.stringify(tried))
      assert.equal(tried.socket, 'refused')
      delete tried.socket
      for (const [name, status] of Object.entries(tried)) assert.equal(status, 421, name)
      assert.equal(commits(), before)
    },

    async 'another user of this PC, on another port, gets the cookie and cannot use it'() {
      evil.seen = []
      const attack = await newPage(`http://127.0.0.1:${evil.port}/`)
      // The page itself may come from the browser's cache; what it asks for besides is on its way.
      const stolen = await h.until('browsers do send cookies to other ports of the same host; that is what the page key is for', () =>
        evil.seen.map((s) => s.cookie).find((c) => c.includes('tz-session'))
      )
      const bare = async (path, options = {}) => (await h.bareFetch(city.url + path, { ...options, headers: { ...options.headers, cookie: stolen } })).status
      assert.equal(await bare('/api/status'), 401)
      assert.equal(await bare('/api/drafts'), 401)
      assert.equal(await bare('/api/content/' + '0'.repeat(64)), 401)
      assert.equal(await bare('/api/set', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"args":["A0019","remark=x"]}' }), 401)
      const tried = await attack.evaluate(
        (target) =>
          Promise.all([
            fetch(target + '/api/status', { credentials: 'include' }).then((r) => r.status, (e) => e.name),
            fetch(target + '/api/set', { method: 'POST', mode: 'no-cors', credentials: 'include', body: '{"args":["A0019","remark=x"]}' }).then((r) => r.type, (e) => e.name)
          ]),
        city.url
      )
      assert.equal(tried[0], 'TypeError')
      assert.ok(['opaque', 'TypeError'].includes(tried[1]))
      assert.ok(history().every((x) => !JSON.stringify(x).includes('remark=x')))
    },

    async 'a sign-in that ends keeps what was typed: sign in over the page, and it is saved'() {
      await page.goto(city.url + '/#/record/' + record)
      const step = page.locator('[data-step]:not([disabled])').first()
      await step.waitFor()
      const push = page.locator('[data-step=return]')
      await push.click()
      const area = page.locator('form.asked textarea').first()
      await area.fill('佐证不足，请补充签到表')
      // It is on its way when the password is changed elsewhere and all sessions end: later, the page's own look for news
      // might ask to sign in first, and the key would reach that question instead.
      let letGo
      const held = new Promise((resolve) => (letGo = resolve))
      await page.route('**/api/do', async (r) => {
        await held
        await r.continue()
      })
      await Promise.all([page.waitForRequest('**/api/do'), area.press('Control+Enter')])
      kPasswords.boss = 'another password'
      h.runWith(kPasswords.boss + '\n', 'taizhangd', 'city', 'person', 'password', 'boss')
      letGo()
      await page.locator('dialog[open] [data-test=password]').waitFor()
      assert.equal(await area.inputValue(), '佐证不足，请补充签到表')
      await h.accessible(page, 'sign-in over the page')
      await h.picture(page, 'sign-in-over')
      await signIn(page, 'boss')
      await h.until('it is saved after all', () => JSON.stringify(history()).includes('佐证不足，请补充签到表'))
      await page.unroute('**/api/do')
      assert.equal(history().at(-1).person, '赵主任')
      await page.locator('dialog[open]').waitFor({ state: 'detached' }).catch(() => undefined)
      assert.equal(await page.locator('dialog[open]').count(), 0)
    },

    async 'a clerk sees why a step is not hers, and has no page for handing down'() {
      const own = await profile()
      const p = await newPage(city.url + '/#/record/ZG2025-02', own)
      await signIn(p, 'wen')
      await p.locator('[data-step]').first().waitFor()
      const open = await p.locator('[data-step]:not([disabled])').count()
      assert.equal(open, 0, 'steps that a clerk could press')
      assert.match(await p.locator('[data-test=refusal]').first().innerText(), /文书.*市级干部/)
      assert.ok(!(await p.locator('nav.menu').innerText()).includes('下达分解'))
      await h.seen(p, 'clerk-record')
      // What the server would refuse is grey before anybody has filled it in, with whom to ask beside it.
      for (const [path, button] of [['circulars', 'compose'], ['stocktake', 'freeze'], ['meetings', 'convene']]) {
        await p.goto(city.url + '/#/' + path)
        const grey = p.locator(`[data-test=${button}]`)
        await grey.waitFor()
        assert.ok(await grey.isDisabled(), path)
        assert.match(await p.locator('.may [data-test=refusal]').first().innerText(), /文书.*市级干部/, path)
      }
      assert.equal(await p.locator('[data-test=decisions] a', { hasText: '把决定下达为任务' }).count(), 0)
      await p.goto(city.url + '/#/station')
      const make = p.getByRole('button', { name: '发登记码' }).first()
      await make.waitFor()
      assert.ok(await make.isDisabled(), 'codes')
      assert.match(await p.locator('main [data-test=refusal]').innerText(), /文书.*管理员/)
      await h.seen(p, 'clerk-station')
      for (const path of ['sheets', 'records']) {
        await p.goto(city.url + '/#/' + path)
        const put = p.locator('.may', { hasText: path === 'sheets' ? '选择文件' : '导入或粘贴' }).locator('button')
        await put.waitFor()
        assert.ok(await put.isDisabled(), path)
      }
      // Whoever types the address of a page that the menu does not have is told whose it is.
      for (const [path, whose] of [['issue', '市级干部'], ['people', '管理员']]) {
        await p.goto(city.url + '/#/' + path)
        await p.locator('main > [data-test=refusal]', { hasText: whose }).waitFor()
        assert.equal(await p.locator('main form').count(), 0, path)
      }
      await p.goto(city.url + '/#/record/A0019')
      await p.locator('[data-test=guidance] summary').click()
      await p.locator('[data-test=guidance] [data-test=refusal]', { hasText: '市级干部' }).waitFor()
      assert.ok(await p.locator('[data-test=guidance] button[type=submit]').isDisabled(), 'guidance')
      assert.deepEqual(p.problems, [])
      await own.close()
    },

    async 'an administrator keeps the accounts; a password is changed; signing out is final'() {
      const own = await profile()
      const p = await newPage(city.url + '/#/people', own)
      await signIn(p, 'root')
      await p.locator('[data-test=accounts] tr[data-login=boss]').waitFor()
      await h.seen(p, 'accounts')
      await p.locator('tr[data-login=wen] button').nth(2).click()
      await p.locator('[data-test=accounts] form button[type=submit]').click()
      await p.locator('tr[data-login=wen]').waitFor({ state: 'detached' })
      await p.locator('[data-test=who] button').first().click()
      await p.locator('[data-test=old]').fill(kPasswords.root)
      await p.locator('[data-test=next]').fill('新的管理员密码十个字')
      await p.locator('[data-test=again]').fill('新的管理员密码十个字')
      await h.picture(p, 'change-password')
      await p.locator('dialog [data-test=go]').click()
      await p.getByText('密码已改').waitFor()
      await p.reload()
      await p.locator('[data-test=who]').waitFor()
      await p.locator('[data-test=sign-out]').click()
      await p.locator('[data-test=account]').waitFor()
      // Away and back again: what the browser kept of the page shows nothing, either.
      await p.goto('about:blank')
      await p.goBack()
      await p.locator('[data-test=account]').waitFor()
      assert.equal(await p.locator('nav.menu').count(), 0)
      assert.deepEqual(p.problems, [])
      await own.close()
    },

    async 'a branch PC asks once who sits there'() {
      h.enrol(city, 'B03', 'pc')
      pc = await h.serve('pc', 'taizhang')
      const own = await profile()
      // As the icon on the desktop opens it: by a page in the data folder.
      h.run('taizhang', 'pc', 'open', '--browser')
      const p = await newPage('file://' + resolve('pc/launch.html'), own)
      await p.waitForURL((url) => url.origin === pc.url && !url.hash.includes('launch'))
      await p.locator('[data-test=no-change]').click()
      await p.locator('dialog[open] [data-test=name]').waitFor()
      await h.accessible(p, 'who sits here')
      await h.picture(p, 'who-sits-here')
      await p.keyboard.type('村文书')
      await p.keyboard.press('Enter')
      await p.getByText('没有变化”：').first().waitFor()
      const id = await h.until('a report', () => {
        const rows = h.json('taizhang', 'pc', 'list', 'progress_report')
        return rows.find((r) => h.json('taizhang', 'pc', 'show', r.id).history.at(-1).person === '村文书')
      })
      assert.ok(id)
      assert.deepEqual(p.problems, [])
      await own.close()
      await browser.close()
      evil.server.close()
    }
  },
  () => pages
)
