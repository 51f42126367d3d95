// A township's officer and the city's review, on the demo city with a relay between.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { api, accessible, code, enrol, join_, main, makeCity, open, pictures, run, seen, serve, show, until } from './harness.mjs'

const kTown = 'K1-02'
const kUnit = 'B03'
let city, town, pc, page, cityPage
const pages = () => [page, cityPage].filter(Boolean)
const toast = (words, on = page) => on.locator('.el-message', { hasText: words }).first().waitFor()
const demo = JSON.parse(readFileSync(join(process.env.TZ_ROOT, 'schema/demo/yunxiu.json'), 'utf8'))
const mine = demo.assignments.filter((a) => a.unit_id === kUnit && a.status === '办理中').map((a) => a.id)

const tests = {
  async 'the queue passes several at once by keyboard'() {
    makeCity()
    city = await serve('city', 'taizhangd')
    join_(city, kTown, 'town')
    town = await serve('town', 'taizhangd')
    enrol(town, kUnit, 'pc')
    pc = await serve('pc', 'taizhang')
    for (const id of mine.slice(0, 4)) await api(pc, 'do', ['apply_close_out', id], { text: '已完成，请审核' })
    await api(pc, 'sync')
    page = await open(town.url)
    await page.locator('li.item').nth(3).waitFor()
    assert.match(await page.locator('h1').first().innerText(), /待审核 4 件/)
    await page.locator('.panel').waitFor()
    assert.deepEqual((await page.locator('nav.menu a').allInnerTexts()).slice(0, 6), ['初审', '支部与灯', '同步站', '冲突', '重复问题', '指导核查'], 'in the order of need')
    await seen(page, 'township-queue')
    const ids = await page.locator('li.item .what').evaluateAll((all) => all.map((e) => e.dataset.id))
    await page.keyboard.press(' ')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press(' ')
    await page.keyboard.press('p')
    await toast('已办 2 件')
    for (const id of ids.slice(0, 2)) assert.equal((await show(town, id)).state, '待复审')
    await page.locator('h1', { hasText: '待审核 2 件' }).waitFor()
  },

  async 'a return needs a reason, and reasons can be used again'() {
    await page.keyboard.press('r')
    await page.locator('.asked textarea').waitFor()
    await page.keyboard.press('Control+Enter')
    assert.match(await page.locator('.asked .wrong').innerText(), /请写理由/)
    await accessible(page, 'queue with the reason asked')
    const id = await page.locator('li.item.on .what').getAttribute('data-id')
    await page.locator('.asked textarea').fill('签到表缺页')
    await until('the program has the draft', async () => JSON.stringify(await (await fetch(town.url + '/api/drafts')).json()).includes('签到表缺页'))
    await page.reload()
    await page.locator('li.item').first().waitFor()
    await page.keyboard.press('r')
    assert.equal(await page.locator('.asked textarea').inputValue(), '签到表缺页', 'what was begun is there again')
    await page.keyboard.press('Control+Enter')
    await toast('已办 1 件')
    assert.equal((await show(town, id)).state, '退回')
    await page.locator('h1', { hasText: '待审核 1 件' }).waitFor() // the next one is at hand
    await page.keyboard.press('r')
    await page.locator('.asked .link', { hasText: '签到表缺页' }).click()
    await page.locator('.asked button[type=submit]').click()
    await page.locator('.empty').waitFor()
    await seen(page, 'township-queue-empty')
    await api(pc, 'sync')
    const seenByBranch = await show(pc, id)
    assert.equal(seenByBranch.history.filter((h) => h.what.transition === 'return').pop().what.reason, '签到表缺页')
  },

  async 'branches show lights with words and when they were last heard of'() {
    await page.goto(town.url + '/#/branches')
    const line = page.locator('.line', { hasText: '老码头社区' })
    await line.waitFor()
    await until('the lights are counted', async () => /[1-9]/.test(await line.locator('.n').first().innerText()) || /[1-9]/.test((await line.locator('.n').allInnerTexts()).slice(0, 5).join('')))
    assert.match(await line.innerText(), /刚才|分钟前/)
    assert.match(await page.locator('.line', { hasText: '竹塘街道机关' }).innerText(), /没有登记电脑/)
    await seen(page, 'township-branches')
  },

  async 'the sync station enrols a PC, gives bundles out and takes them by drag and drop'() {
    // When a branch was last heard of moves with its syncs, not with the tree: the page asks for it when it opens.
    await Promise.all([page.waitForResponse((r) => r.url().endsWith('/api/units')), page.locator('nav.menu a', { hasText: '同步站' }).click()])
    const row = page.locator('tbody tr', { hasText: '竹塘街道机关' })
    await row.getByRole('button', { name: '发登记码' }).click()
    const given = (await page.locator('[data-test=code]').innerText()).trim()
    assert.match(given, /^[A-Z0-9]{4}-[A-Z0-9]{4}-[A-Z0-9]{4}$/)
    run('taizhang', 'pc4', 'enrol', '--server', town.url, '--code', given)
    await until('the new PC is listed', async () => (await row.locator('td.n').nth(1).innerText()) === '1')
    const all = page.locator('[data-test=all]')
    await all.check()
    const withPc = (await (await fetch(town.url + '/api/units')).json()).filter((u) => u.parent_id === kTown && u.devices?.length).length
    await page.getByRole('button', { name: `导出所选 ${withPc} 个支部` }).waitFor()
    await all.uncheck()
    const boxes = page.locator('tbody tr input')
    await boxes.nth(0).check()
    await boxes.nth(1).check()
    const files = []
    page.on('download', (d) => files.push(d.suggestedFilename()))
    await page.getByRole('button', { name: '导出所选 2 个支部' }).click()
    await until('one bundle for each', () => files.length === 2)
    for (const name of files) assert.match(name, /^K1-02-to-B0\d-.*\.tzb$/)
    assert.notEqual(files[0].slice(0, 13), files[1].slice(0, 13))
    await page.locator('tbody p', { hasText: '.tzb' }).nth(1).waitFor() // each says beside its name what went out
    await api(pc, 'set', [mine[5], 'remark=由U盘送到'])
    const bundle = await api(pc, 'bundle')
    await page.evaluate(([name, base64]) => {
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))
      const data = new DataTransfer()
      data.items.add(new File([bytes], name))
      document.querySelector('.drop').dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))
    }, [bundle.files[0].name, bundle.files[0].base64])
    await page.locator('[data-test=imported] tbody tr', { hasText: '老码头社区' }).waitFor()
    assert.equal((await show(town, mine[5])).fields.remark, '由U盘送到')
    await seen(page, 'township-station')
  },

  async 'the city sees its figures, each with n, as the file expects them'() {
    await api(town, 'sync')
    cityPage = await open(city.url)
    await cityPage.locator('.card').nth(8).waitFor()
    const scatter = cityPage.getByRole('img', { name: /力气与成效/ })
    await scatter.locator('svg').waitFor()
    for (const county of ['青垣区', '临汐县', '望岚县', '禾泽县']) await scatter.locator('text', { hasText: county }).waitFor()
    const fresh = await (await fetch(city.url + '/api/review')).json()
    const scope = fresh.metrics.by_scope['云岫市']
    const cards = await cityPage.locator('.card').allInnerTexts()
    assert.ok(cards[0].includes((scope.G1_reported_minus_verified * 100).toFixed(1) + '%'), cards[0])
    assert.ok(cards[0].includes('n=' + scope.n_G1))
    for (const c of cards) assert.match(c, /n=|\d+\/\d+|—/, 'n beside: ' + c)
    assert.ok((await cityPage.locator('table').first().innerText()).includes('太少'), 'too few is said')
    await seen(cityPage, 'city-review')
  },

  async 'two clicks from a figure to the records, one more to their history'() {
    await cityPage.locator('tbody tr', { hasText: '青垣区' }).first().locator('.link').first().click()
    await cityPage.locator('h1', { hasText: '青垣区' }).waitFor()
    await cityPage.locator('header').getByRole('button', { name: '看记录' }).click()
    await cityPage.waitForURL(/#\/records/)
    await cityPage.locator('td.title').first().waitFor()
    await cityPage.locator('tbody tr').nth(5).waitFor()
    assert.match(await cityPage.locator('main .whole').innerText(), /共 \d+ 条/)
    await seen(cityPage, 'city-records')
    await cityPage.locator('tbody a').first().click()
    await cityPage.locator('.panel h3', { hasText: '经过' }).waitFor()
    const told = (await cityPage.locator('.panel .what').allInnerTexts()).filter((x) => /层级/.test(x))
    assert.ok(told.length && told.every((x) => /市|县区|乡镇|支部/.test(x)), 'levels in words: ' + told)
    await seen(cityPage, 'city-record')
  },

  async 'a long list is paged by the program, not the browser'() {
    await cityPage.goto(city.url + '/#/records')
    await cityPage.locator('tbody tr').nth(49).waitFor()
    assert.equal(await cityPage.locator('tbody tr').count(), 50)
    await cityPage.getByRole('button', { name: '下一页' }).click()
    await cityPage.locator('tbody tr td', { hasText: /^51$/ }).waitFor()
    // Wider than the screen, it keeps what a row is about in sight.
    await cityPage.getByRole('button', { name: '特大字' }).click()
    await cityPage.setViewportSize({ width: 1024, height: 768 })
    const kept = await cityPage.locator('.scroll.table').evaluate((box) => {
      box.scrollLeft = box.scrollWidth
      const left = (selector) => box.querySelector(selector).getBoundingClientRect().left - box.getBoundingClientRect().left
      return { moved: box.scrollLeft, title: left('td.title'), head: left('thead th:nth-child(2)'), number: left('td') }
    })
    assert.ok(kept.moved > 20 && kept.number < 0 && kept.title >= 0 && kept.head >= 0, JSON.stringify(kept))
    await accessible(cityPage, 'records, scrolled aside')
    await cityPage.setViewportSize({ width: 1366, height: 768 })
    await cityPage.getByRole('button', { name: '标准字' }).click()
    await cityPage.locator('input[type=search]').fill('A0019')
    await cityPage.keyboard.press('Enter')
    await until('one is found', async () => (await cityPage.locator('tbody tr').count()) === 1)
    await seen(cityPage, 'city-search')
    await cityPage.locator('input[type=search]').fill('没有这样的记录')
    await cityPage.keyboard.press('Enter')
    await cityPage.locator('.empty').waitFor()
    await seen(cityPage, 'city-search-nothing')
  },

  async 'a page prints as A4 landscape with its head on every sheet and a line to sign'() {
    await cityPage.goto(city.url + '/#/records')
    await cityPage.reload()
    await cityPage.locator('tbody tr').nth(49).waitFor()
    const file = join(pictures, 'records.pdf')
    await cityPage.pdf({ path: file, preferCSSPageSize: true })
    const text = spawnSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' }).stdout
    const info = spawnSync('pdfinfo', [file], { encoding: 'utf8' }).stdout
    assert.match(info, /Page size:\s+84[12](\.\d+)? x 59[45]/)
    const sheets = text.split('\f').filter((s) => s.trim())
    assert.ok(sheets.length >= 2, 'more than one sheet')
    for (const s of sheets.slice(0, -1)) assert.match(s.replace(/ /g, ''), /序号.*事项.*单位/)
    assert.match(text, /负责人（签字）/)
    assert.ok(!text.includes('立即同步'), 'the bar is not printed')
  },

  async 'the city closes what has come up to it'() {
    await cityPage.goto(city.url + '/#/queue')
    await cityPage.locator('li.item').first().waitFor()
    await cityPage.locator('.panel').waitFor()
    await seen(cityPage, 'city-queue')
    await cityPage.locator('li.item .what', { hasText: /待[终复]审/ }).first().click() // a request for an extension stands before them
    const id = await cityPage.locator('li.item.on .what').getAttribute('data-id')
    const before = (await show(city, id)).state
    await cityPage.keyboard.press('p')
    await toast('已办 1 件', cityPage)
    const after = (await show(city, id)).state
    assert.ok(before === '待复审' ? after === '待终审' : ['已办结', '已销号'].includes(after), `${before} -> ${after}`)
  },

  async 'an office answers a request for help'() {
    await api(pc, 'new', ['help_request', 'text=缺少会议室'])
    await api(pc, 'new', ['help_request', 'text=缺少投影仪'])
    await api(pc, 'sync')
    await page.goto(town.url + '/#/help')
    const card = page.locator('article', { hasText: '缺少会议室' })
    assert.match(await card.innerText(), /等上级答复/, 'whoever is asked has a name')
    await card.getByRole('button', { name: '答复' }).click()
    assert.equal(await card.locator('textarea').evaluate((a) => a === document.activeElement), true, 'the cursor is where the answer goes')
    await page.keyboard.press('Control+Enter')
    await card.locator('.wrong', { hasText: '请写答复' }).waitFor()
    // What is written for one stays with that one, and leaving the form gives the cursor back.
    await page.keyboard.type('周三起')
    await page.keyboard.press('Escape')
    assert.equal(await card.getByRole('button', { name: '答复' }).evaluate((b) => b === document.activeElement), true)
    const other = page.locator('article', { hasText: '缺少投影仪' })
    await other.getByRole('button', { name: '答复' }).click()
    assert.equal(await other.locator('textarea').inputValue(), '')
    await page.keyboard.press('Escape')
    await card.getByRole('button', { name: '答复' }).click()
    assert.equal(await card.locator('textarea').inputValue(), '周三起')
    await card.locator('textarea').fill('周三起可用街道会议室')
    await card.locator('button[type=submit]').click()
    await card.locator('.note.good', { hasText: '周三起' }).waitFor()
    await api(pc, 'sync')
    await api(pc, 'sync')
    const help = await (await fetch(pc.url + '/api/page/help_requests')).json()
    assert.equal(help.rows.find((r) => r.text === '缺少会议室').answer, '周三起可用街道会议室')
  },

  async 'an extension is refused with its reason; beyond the date of the task it comes to who issued it'() {
    const [beyond, refused] = ['A0300', 'A0336']
    for (const id of [beyond, refused]) await api(pc, 'do', ['request_extension', id], { reason: '施工队换了', new_deadline: '2026-01-31' })
    await api(pc, 'sync')
    await page.goto(town.url + '/#/queue')
    await page.locator(`[data-id="${refused}"]`).click()
    await page.locator('.panel .steps, .panel .aside', { hasText: '延期待批' }).waitFor()
    await page.keyboard.press('r')
    await page.locator('.asked button[type=submit]', { hasText: '不同意延期' }).waitFor()
    await page.locator('.asked textarea').fill('还来得及')
    await page.route('**/api/do', (r) => r.abort()) // no answer: what was typed is wanted again
    await page.keyboard.press('Control+Enter')
    await page.locator(`[data-id="${refused}"] .wrong`).waitFor()
    await page.unroute('**/api/do')
    await page.keyboard.press('r')
    assert.equal(await page.locator('.asked textarea').inputValue(), '还来得及')
    await page.keyboard.press('Control+Enter')
    await toast('已办 1 件')
    assert.equal((await show(town, refused)).state, '办理中', 'the work goes on')
    await page.locator(`[data-id="${beyond}"]`).click()
    await page.keyboard.press('p')
    await page.locator(`[data-id="${beyond}"] .wrong`, { hasText: '决定' }).waitFor()
    assert.doesNotMatch(await page.locator(`[data-id="${beyond}"] .wrong`).innerText(), /new_deadline/, 'in the words of people')
    await seen(page, 'township-extension')
    await api(town, 'sync')
    await cityPage.goto(city.url + '/#/queue')
    await cityPage.locator(`[data-id="${beyond}"]`).click()
    await cityPage.locator('[data-test=pass]', { hasText: '同意延期' }).click()
    await toast('已办 1 件', cityPage)
    assert.equal((await show(city, beyond)).fields.deadline, '2026-01-31')
  },

  async 'what was reported and nobody has checked is listed, checked there, and leaves the list; so does what was guided'() {
    const waiting = async (what) => (await (await fetch(`${town.url}/api/page/assignments?limit=500&${what}=1&state=${encodeURIComponent('已签收,办理中,待初审,待复审,待终审,退回,延期待批')}`)).json()).total
    const told = page.locator('h1 .soft')
    await page.goto(town.url + '/#/checks')
    await page.locator('.panel').waitFor()
    const before = await waiting('unchecked')
    assert.ok(before > 0 && (await told.innerText()) === `${before} 件`)
    await seen(page, 'township-checks')
    const first = page.locator('[role=option]').first()
    const id = await first.getAttribute('data-id')
    await first.focus()
    await page.keyboard.press('ArrowDown')
    assert.notEqual(await page.locator('[role=option][aria-selected=true]').getAttribute('data-id'), id, 'chosen by key')
    await page.keyboard.press('ArrowUp')
    await page.locator('.panel input.short').fill('1')
    await page.getByRole('button', { name: '记核查' }).click()
    await toast('已保存')
    await page.locator(`[data-id="${id}"]`).waitFor({ state: 'detached' })
    assert.equal(await waiting('unchecked'), before - 1)
    await page.locator('.panel .facts', { hasText: '核查' }).waitFor() // what was just checked stays beside the list
    const unguided = await waiting('unguided')
    await page.locator('[data-test=what]').selectOption('unguided')
    await until('those are listed', async () => (await told.innerText()) === `${unguided} 件`)
    await page.locator('.panel').waitFor()
    const box = page.locator('[data-test=guidance]')
    await box.locator('summary').click()
    await box.locator('textarea').fill('到社区现场核对了签到表')
    await box.locator('button[type=submit]').click()
    await until('it has left', async () => (await told.innerText()) === `${unguided - 1} 件`)
    await page.getByRole('combobox', { name: '单位' }).fill('老码头社区')
    await page.getByRole('combobox', { name: '单位' }).press('Enter')
    await page.locator('[data-test=what]').selectOption('unchecked')
    await page.locator('main .empty', { hasText: '都核查过了' }).waitFor()
    await seen(page, 'township-checks-empty')
  },

  async 'a county has the home of the city, over its own part'() {
    join_(city, 'K1', 'county')
    const county = await serve('county', 'taizhangd')
    const own = await open(county.url)
    await own.locator('h1', { hasText: '综合研判：中共青垣区委员会' }).waitFor()
    await own.locator('.card').nth(8).waitFor()
    const menu = await own.locator('nav.menu').innerText()
    for (const page of ['下达分解', '复审销号', '通报', '盘点对比', '负担表']) assert.ok(menu.includes(page), page)
    const fresh = await (await fetch(county.url + '/api/review')).json()
    const n = Object.values(fresh.metrics.by_scope)[0].n_G1
    assert.ok((await own.locator('.card').first().innerText()).includes('n=' + n))
    await seen(own, 'county-review')
    await api(city, 'new', ['calendar_day', 'date=2025-10-01', 'kind=休息', 'name=国庆节'])
    await api(county, 'sync')
    await own.goto(county.url + '/#/calendar')
    await own.locator('[data-date="2025-10-01"] .mark', { hasText: '休' }).waitFor()
    await own.locator('[data-test=refusal]', { hasText: '市级维护' }).waitFor()
    assert.equal(await own.locator('.months button, [data-test=pen]').count(), 0, 'a county reads it')
    await seen(own, 'county-calendar')
    assert.deepEqual(own.problems, [])
    await own.context().close()
  }
}

await main(tests, pages)
