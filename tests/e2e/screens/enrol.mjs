// A PC out of its box, and one whose unit was merged, become known to an office above without a terminal.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import * as h from './harness.mjs'

process.env.BROWSER = '/bin/true' // what would be opened is opened here
let city, town, pc, far, page, officePage, farPage
const pages = () => [page, officePage, farPage].filter(Boolean)
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
/** A file that the page hands to the browser, and its name. */
async function saved(page, act) {
  const [download] = await Promise.all([page.waitForEvent('download'), act()])
  return { name: download.suggestedFilename(), bytes: readFileSync(await download.path()) }
}
/** Files dropped there, as from a folder of the desktop. */
const drop = (page, where, ...files) =>
  page.locator(where).evaluate(
    (target, given) => {
      const data = new DataTransfer()
      for (const [name, base64] of given) data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name))
      for (const type of ['dragover', 'drop']) target.dispatchEvent(new DragEvent(type, { dataTransfer: data, bubbles: true, cancelable: true }))
    },
    files.map((f) => [f.name, f.bytes.toString('base64')])
  )
const asFile = (file) => ({ name: file.name, mimeType: 'application/octet-stream', buffer: file.bytes })
async function sendFile(server, path, bytes) {
  const r = await fetch(`${server.url}/api/${path}`, { method: 'POST', headers: { 'content-type': 'application/octet-stream' }, body: bytes })
  return r.json()
}
const bytesOf = (document) => Buffer.from(document.base64, 'base64')
let request, answer

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
      // The address that has to be typed there stands beside it.
      assert.equal(await officePage.locator('[data-test=code-servers] .code').innerText(), town.url)
      assert.deepEqual(made('B03').servers, [city.url])
      await officePage.locator('[data-test=code]').evaluate((e) => e.scrollIntoView())
      await h.seen(officePage, 'station-code')
    },

    async 'a new PC without a network saves a request, and what is no answer to it is refused'() {
      far = await h.serve('far', 'taizhang', 0, ['--browser'])
      farPage = await h.open('file://' + resolve('far'), { path: '/launch.html' })
      await farPage.locator('[data-test=by-file]').click()
      request = await saved(farPage, () => farPage.locator('[data-test=request]').click())
      assert.match(request.name, /\.tzq$/)
      await farPage.locator('[role=status]', { hasText: request.name }).waitFor()
      await farPage.locator('[data-test=answer]').setInputFiles({ name: 'x.tza', mimeType: 'application/octet-stream', buffer: Buffer.from('TZA') })
      await farPage.locator('.wrong', { hasText: '不是登记文件' }).waitFor()
      await h.seen(farPage, 'enrol-by-file')
      const bare = await h.bareFetch(far.url + '/api/enrol-here', { method: 'POST', headers: { 'content-type': 'application/octet-stream' }, body: request.bytes })
      assert.equal(bare.status, 401, 'nobody without the launch address')
    },

    async 'the office answers it from its sync station, and both sides show the same two fingerprints'() {
      await officePage.locator('[data-test=code]').waitFor()
      const row = officePage.locator('tr', { hasText: '老码头社区' })
      answer = await saved(officePage, async () => {
        const [chooser] = await Promise.all([officePage.waitForEvent('filechooser'), row.getByRole('button', { name: '用文件登记' }).click()])
        await chooser.setFiles(asFile(request))
      })
      assert.match(answer.name, /\.tza$/)
      const device = await officePage.locator('[data-test=code-device]').innerText()
      const office = await officePage.locator('[data-test=code-fingerprint]').innerText()
      await officePage.locator('[data-test=code-device]').evaluate((e) => e.scrollIntoView())
      await h.seen(officePage, 'station-by-file')
      await drop(farPage, '[data-test=answer-drop]', answer)
      assert.match(await farPage.locator('[data-test=compare-file]').innerText(), /登记为 老码头社区党支部 的电脑/, 'the unit by its name')
      assert.equal(await farPage.locator('[data-test=fingerprint]').innerText(), office)
      assert.equal(await farPage.locator('[data-test=device]').innerText(), device)
      assert.equal(await farPage.evaluate(() => document.activeElement.dataset.test), 'same')
      await h.seen(farPage, 'enrol-file-compare')
      await farPage.locator('[data-test=differs]').click()
      await farPage.locator('.wrong', { hasText: '没有登记' }).waitFor()
      assert.equal((await (await h.bareFetch(far.url + '/api/session')).json()).mode, 'new', 'looking changes nothing')
    },

    async 'an answer that is given while another is looked at, or beside it, is not passed over in silence'() {
      const left = farPage.locator('[data-test=left]')
      const bad = (name) => ({ name, bytes: Buffer.from('TZA') })
      let letGo
      const held = new Promise((resolve) => (letGo = resolve))
      await farPage.route('**/api/enrol-here**', async (r) => {
        await held
        await r.continue()
      })
      await drop(farPage, '[data-test=answer-drop]', bad('甲.tza'))
      await drop(farPage, '[data-test=answer-drop]', bad('乙.tza'))
      await left.filter({ hasText: '没有收下 乙.tza' }).waitFor()
      letGo()
      await farPage.locator('.wrong', { hasText: '不是登记文件' }).waitFor()
      assert.match(await left.innerText(), /乙/, 'what became of the one does not hide the other')
      await farPage.unroute('**/api/enrol-here**')
      await drop(farPage, '[data-test=answer-drop]', answer, bad('丙.tza'))
      await farPage.locator('[data-test=fingerprint]').waitFor()
      assert.match(await left.innerText(), /没有收下 丙\.tza/)
      await farPage.locator('[data-test=differs]').click()
      await farPage.locator('.wrong', { hasText: '没有登记' }).waitFor()
      assert.equal(await left.count(), 0)
    },

    async '… then the ledger comes by a stick, and goes up by one'() {
      await farPage.locator('[data-test=answer]').setInputFiles(asFile(answer))
      await farPage.locator('[data-test=same]').click()
      await farPage.waitForURL(/#\/sync$/)
      const unit = (await get(far, 'status')).unit
      assert.equal((await get(far, 'units')).find((u) => u.id === unit).short, '老码头社区')
      await farPage.locator('.bar', { hasText: '用U盘来往' }).waitFor()
      const bundle = await h.api(town, 'bundle', [], { to: unit })
      await farPage.locator('[data-test=bundles]').setInputFiles(bundle.files.map((f) => asFile({ name: f.name, bytes: bytesOf(f) })))
      await farPage.locator('[data-test=imported]').waitFor()
      await h.seen(farPage, 'enrol-file-done')
      const id = (await get(far, 'list/todo')).find((r) => r.kind === 'assignment').id
      await h.api(far, 'set', [id, 'remark=没有网络'])
      const up = await saved(farPage, () => farPage.locator('.bar').getByRole('button', { name: '导出到U盘' }).click())
      await sendFile(town, 'import?name=up.tzb', up.bytes)
      assert.equal((await h.show(town, id)).fields.remark, '没有网络')
    },

    async 'a unit that was merged goes on by two files as well, and an address brings the link back'() {
      h.enrol(city, 'B06', 'six')
      const six = await h.serve('six', 'taizhang')
      h.run('taizhangd', 'city', 'unit', 'B06', '--merge-into', 'B05')
      await h.until('it hears of it', async () => {
        await h.api(six, 'sync')
        return (await get(six, 'status')).merged_into === 'B05'
      })
      const asked = await h.api(six, 'enrol-here', [], { request: '1' })
      const made = await sendFile(city, 'enrol?unit=B05', bytesOf(asked))
      const seen = await sendFile(six, 'enrol-here', bytesOf(made))
      assert.deepEqual([seen.unit, seen.fingerprint, seen.device], ['B05', made.fingerprint, made.device])
      assert.ok((await get(six, 'status')).enrol_again, 'looking changes nothing')
      const wrong = await sendFile(six, 'enrol-here?fingerprint=2222-2222-2222-2222', bytesOf(made))
      assert.match(wrong.error.line, /^answer: /)
      const taken = await sendFile(six, 'enrol-here?' + new URLSearchParams({ fingerprint: made.fingerprint, server: city.url }), bytesOf(made))
      assert.equal(taken.enrolled, true, JSON.stringify(taken))
      await h.until('it is the other unit and syncs', async () => {
        const s = await get(six, 'status')
        return s.unit === 'B05' && !s.enrol_again && s.server === city.url && s.unsent === 0
      })
      await six.stop()
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
