// A PC out of its box, and one whose unit was merged, become known to an office above without a terminal.
import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import * as h from './harness.mjs'

process.env.BROWSER = '/bin/true' // what would be opened is opened here
let city, town, pc, page, officePage
const pages = () => [page, officePage].filter(Boolean)
const field = (name) => page.locator(`[data-test=enrol] [data-test=${name}]`)
const ask = async (server, code) => {
  await field('server').fill(server)
  await field('code').fill(code)
  await page.keyboard.press('Enter')
}
const cursor = () => page.evaluate(() => document.activeElement.dataset.test)
const get = async (server, path) => (await fetch(`${server.url}/api/${path}`)).json()
const made = (unit) => h.json('taizhangd', 'city', 'enrol', '--unit', unit)
let given

await h.main(
  {
    async 'the icon of a new PC asks for two things, with the cursor in the first'() {
      h.makeCity()
      city = await h.serve('city', 'taizhangd')
      pc = await h.serve('new', 'taizhang', 0, ['--browser'])
      page = await h.open('file://' + resolve('new'), { path: '/launch.html' })
      await field('server').waitFor()
      assert.equal(new URL(page.url()).origin, pc.url)
      assert.ok(!page.url().includes('launch='), 'the token is out of the address line')
      assert.equal(await cursor(), 'server')
      assert.equal(await page.locator('nav.menu').count(), 0)
      await h.seen(page, 'enrol-first')
      await page.keyboard.press('Escape')
      await page.keyboard.press('Escape')
      await field('server').waitFor() // it cannot be closed
      await page.reload()
      await field('server').waitFor()
    },

    async 'nobody without the launch address gets to enrol it, and the terminal says where it is asked'() {
      const bare = await h.bareFetch(pc.url + '/api/enrol-here', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token: '0'.repeat(64), server: city.url })
      })
      assert.equal(bare.status, 401)
      assert.equal((await h.bareFetch(pc.url + '/api/status')).status, 401)
      assert.throws(() => h.run('taizhang', 'new', 'status'), /浏览器里登记|enrol it in the browser/)
    },

    async 'what is missing or wrong is said at its field, in words'() {
      await page.keyboard.press('Enter')
      await page.locator('.wrong', { hasText: '请填上级服务器的地址' }).waitFor()
      await ask('上级的电脑', 'ABCD')
      await page.locator('.wrong', { hasText: '地址应为' }).waitFor()
      await h.seen(page, 'enrol-wrong')
      await ask('https://127.0.0.1:1', 'ABCD')
      await page.locator('.wrong', { hasText: /连不上|没有应答|不通/ }).waitFor()
      assert.equal(await field('code').inputValue(), 'ABCD', 'what was typed stays')
    },

    async 'another fingerprint: the code is told to nobody'() {
      given = made('B03')
      await ask(city.url, given.code)
      await page.locator('[data-test=fingerprint]', { hasText: given.fingerprint }).waitFor()
      assert.equal(await cursor(), 'same')
      await h.seen(page, 'enrol-compare')
      await page.locator('[data-test=differs]').click()
      await page.locator('.wrong', { hasText: '登记码也没有发出去' }).waitFor()
      assert.equal(await field('code').inputValue(), given.code)
    },

    async 'a code that nobody gave out is said at its field, and the right one opens the list of what is due'() {
      await ask(city.url, 'AAAA-BBBB-CCCC')
      await page.locator('[data-test=same]').click()
      await page.locator('.wrong', { hasText: '登记码' }).waitFor()
      assert.equal(await cursor(), 'code')
      await ask(city.url, given.code)
      await page.locator('[data-test=fingerprint]').waitFor()
      await page.keyboard.press('Enter') // the cursor is on "the same"
      await page.locator('[role=option]').first().waitFor()
      assert.equal(new URL(page.url()).origin, pc.url, 'at the same address')
      assert.equal((await get(pc, 'status')).unit, 'B03')
      assert.ok((await get(pc, 'list/todo')).length > 0)
      await page.reload()
      await page.locator('[role=option]').first().waitFor()
    },

    async 'a PC that was switched off before it was enrolled asks again, and its folder does for the terminal too'() {
      let other = await h.serve('other', 'taizhang', 0, ['--browser'])
      await other.stop()
      other = await h.serve('other', 'taizhang', 0, ['--browser'])
      assert.equal((await (await h.bareFetch(other.url + '/api/session')).json()).mode, 'new')
      await other.stop()
      h.enrol(city, 'B05', 'other')
      assert.equal(h.json('taizhang', 'other', 'status').unit, 'B05')
    },

    async 'the township gives out the code and the fingerprint from its sync station'() {
      h.join_(city, 'K1-02', 'town')
      town = await h.serve('town', 'taizhangd')
      officePage = await h.open(town.url, { path: '/#/station' })
      await officePage.locator('tr', { hasText: '老码头社区' }).getByRole('button', { name: '发登记码' }).click()
      await officePage.locator('[data-test=code]').waitFor()
      assert.match(await officePage.locator('[data-test=code-fingerprint]').innerText(), /^[0-9A-Z]{4}(-[0-9A-Z]{4})+$/)
      await officePage.locator('[data-test=code]').evaluate((e) => e.scrollIntoView())
      await h.seen(officePage, 'station-code')
    },

    async 'a merged unit enrols again where the notice says so: a wrong code leaves all as it is'() {
      await h.api(pc, 'set', [(await get(pc, 'list/todo')).find((r) => r.kind === 'assignment').id, 'remark=并入之前写的'])
      h.run('taizhangd', 'city', 'unit', 'B03', '--merge-into', 'B01')
      await h.until('it hears of it', async () => {
        await h.api(pc, 'sync')
        return (await get(pc, 'status')).merged_into === 'B01'
      })
      await page.locator('.band a', { hasText: '重新登记' }).click()
      await field('code').waitFor()
      assert.equal(await field('server').inputValue(), city.url, 'the address is there already')
      assert.equal(await cursor(), 'code')
      await h.seen(page, 'enrol-again')
      await field('code').fill('AAAA-BBBB-CCCC')
      await page.keyboard.press('Enter')
      await page.locator('[data-test=same]').click()
      await page.locator('.wrong', { hasText: '登记码' }).waitFor()
      assert.ok((await get(pc, 'status')).enrol_again)
      await h.api(pc, 'sync') // the old link is as it was
    },

    async '… and the right one goes on as the other unit, with all that was written, without a restart'() {
      await field('code').fill(made('B01').code)
      await page.keyboard.press('Enter')
      await page.locator('[data-test=same]').click()
      // What was the merged unit's to do is there, with its form.
      await page.locator('[role=option]').first().waitFor()
      await page.locator('[data-test=no-change]').waitFor()
      await h.until('it is the other unit', async () => {
        const s = await get(pc, 'status')
        return s.unit === 'B01' && !s.enrol_again && s.unsent === 0
      })
      await page.locator('[data-notice=unit]').waitFor({ state: 'detached' })
      await page.locator('.head .unit', { hasText: (await get(pc, 'units')).find((u) => u.id === 'B01').name }).waitFor()
      const id = (await get(pc, 'list/todo')).find((r) => r.kind === 'assignment').id
      await h.api(pc, 'set', [id, 'remark=并入之后写的'])
      await h.until('what is written now goes up by itself', async () => (await h.show(city, id)).fields.remark === '并入之后写的')
      await h.seen(page, 'enrol-done')
    },

    async 'a server does not enrol from its screens'() {
      const r = await fetch(city.url + '/api/enrol-here', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ args: [], options: { server: city.url } })
      })
      assert.equal(r.status, 409)
      assert.match((await r.json()).error.line, /join/)
    }
  },
  pages
)
