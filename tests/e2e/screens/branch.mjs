// A village secretary's day: what is due, reports, no link, a dead program, two PCs in conflict, a stick, help.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { api, accessible, enrol, json, main, makeCity, now, open, picture, run, seen, serve, show, sleep, until } from './harness.mjs'

const kFirstPaintBytes = 250_000
const kColdStartMs = 2000
const kColdStarts = 4
const kUnit = 'B03'
let city, pc1, pc2, page, page2
const pages = () => [page, page2].filter(Boolean)
const text = (selector) => page.locator(selector).first().innerText()
const toast = (words) => page.locator('.el-message', { hasText: words }).first().waitFor()
const item = (id) => page.locator(`[data-id="${id}"]`)
const selected = () => page.locator('[role=option][aria-selected=true]').getAttribute('data-id')

const tests = {
  async 'the first page shows what is due, within its bytes'() {
    makeCity()
    city = await serve('city', 'taizhangd')
    enrol(city, kUnit, 'pc1')
    enrol(city, kUnit, 'pc2')
    // The first time also starts the browser itself, which is not ours: the best counts. A machine that has more to do
    // than it has cores gives us only a share of itself, and the limit grows by that.
    const busy = Math.max(1, loadavg()[0] / cpus().length)
    const starts = []
    for (let i = 0; i < kColdStarts; i++) {
      await page?.context().close()
      await pc1?.stop()
      const began = Date.now()
      pc1 = await serve('pc1', 'taizhang')
      page = await open(pc1.url)
      await page.locator('[role=option]').first().waitFor()
      starts.push(Date.now() - began)
    }
    console.log(`    from starting the program to the list of what is due: ${starts.join(', ')} ms; load of a core ${busy.toFixed(1)}`)
    // A time belongs to the machine and is only said (tools/cold-start says where it goes). What follows from the build,
    // the bytes, does fail.
    if (Math.min(...starts) > kColdStartMs * busy) console.log(`    slower than ${kColdStartMs} ms at a load of one`)
    assert.equal(await page.evaluate(() => typeof Array.prototype.at + typeof window.structuredClone), 'undefinedundefined', 'as in Chromium 86')
    await page.locator('[data-test=no-change]').waitFor()
    const loaded = await page.evaluate(() =>
      [...performance.getEntriesByType('navigation'), ...performance.getEntriesByType('resource')].filter((e) => !e.name.includes('/api/')).map((e) => [e.name.replace(/.*\//, ''), e.encodedBodySize])
    )
    const bytes = loaded.reduce((n, [, b]) => n + b, 0)
    console.log(`    ${loaded.length} files, ${bytes} bytes gzipped`)
    if (!process.env.TZ_SCREENS_FROM) assert.ok(bytes > 10_000 && bytes <= kFirstPaintBytes, `first page takes ${bytes} bytes: ${JSON.stringify(loaded)}`)
    assert.match(await text('h1'), /要办的 \d+ 件/)
    assert.deepEqual((await page.locator('nav.menu a').allInnerTexts()).slice(0, 5), ['待办', '问题整改', '同步与U盘', '冲突', '求助与申诉'], 'in the order of need')
    await seen(page, 'branch-todo')
  },

  async 'lists come in order of need, each with a light that carries its word'() {
    const todo = await (await fetch(pc1.url + '/api/list/todo')).json()
    const ids = await page.locator('[role=option]').evaluateAll((all) => all.map((e) => e.dataset.id))
    assert.equal(ids.length, todo.length)
    const shown = new Set(ids)
    assert.ok(todo.every((r) => shown.has(r.id)))
    for (const words of await page.locator('[role=option] .light').allInnerTexts()) assert.match(words, /[红黄绿蓝灰]灯/)
  },

  async 'reporting "no change" on the first item takes one key'() {
    const first = page.locator('[role=option]').first()
    const id = await first.getAttribute('data-id')
    const before = await show(pc1, id)
    await page.keyboard.press('n')
    await toast('没有变化')
    const after = await show(pc1, id)
    const report = after.history.filter((h) => h.entity === 'progress_report').pop()
    assert.equal(report.what.substantive, false)
    assert.equal(after.fields.value, before.fields.value, 'the last value is carried forward')
  },

  async 'what was answered this period leaves the list of what is due, and the next one is at hand'() {
    const [, second, third] = await page.locator('[role=option]').evaluateAll((all) => all.map((e) => e.dataset.id))
    await page.keyboard.press('ArrowDown')
    await page.locator('[data-test=no-change]').waitFor()
    await page.keyboard.press('n')
    await until('the next is chosen', async () => (await selected()) === third)
    assert.equal((await show(pc1, second)).history.filter((h) => h.entity === 'progress_report').pop().what.substantive, false)
    await page.locator('.group', { hasText: '本期已报' }).waitFor()
  },

  async 'an ordinary report takes at most four actions from opening the page'() {
    page2 = page
    page = await open(pc1.url)
    await page2.context().close()
    page2 = undefined
    await page.locator('[data-test=no-change]').waitFor()
    const id = await selected()
    await page.keyboard.press('3') // begins the report with that digit
    await page.keyboard.press('Tab') // past the box "all done" …
    await page.keyboard.press('Tab')
    await page.keyboard.type('已开展三次专题学习')
    await page.keyboard.press('Control+Enter')
    await toast('已保存')
    const after = await show(pc1, id)
    assert.equal(after.fields.value, 3)
    assert.equal(after.fields.text, '已开展三次专题学习')
    assert.match(await text('.bar'), /[1-9]\d* 条未上报|全部已上报/)
    await until('all went up by itself', async () => (await text('.bar')).includes('全部已上报'))
  },

  async 'what is refused is said at the field, and nothing typed is lost'() {
    await page.goto(pc1.url + '/#/todo')
    await page.locator('[data-test=no-change]').waitFor()
    await page.keyboard.press('1')
    const value = page.locator('form input[inputmode=decimal]')
    await value.fill('三次')
    await page.keyboard.press('Control+Enter')
    assert.match(await text('#wrong-value'), /“三次”不是数/)
    await value.fill('2')
    const area = page.locator('form textarea').first()
    await area.fill('【机密】不该写在这里')
    await page.keyboard.press('Control+Enter')
    await page.locator('form .wrong', { hasText: '涉密' }).waitFor()
    assert.equal(await area.inputValue(), '【机密】不该写在这里')
    await accessible(page, 'form with errors')
    await picture(page, 'branch-error')
    await area.fill('<img src=x onerror="window.broken=1"><b>粗体</b>')
    await page.keyboard.press('Control+Enter')
    await toast('已保存')
    await sleep(300)
    assert.equal(await page.evaluate(() => window.broken), undefined, 'script in a text is inert')
  },

  async 'a draft outlives the page, the browser and a killed program'() {
    await page.goto(pc1.url + '/#/todo')
    await page.locator('[data-test=no-change]').waitFor()
    const id = await selected()
    await page.locator('form textarea').first().fill('写到一半的话')
    await page.reload()
    await item(id).click()
    assert.equal(await page.locator('form textarea').first().inputValue(), '写到一半的话')
    await page.locator('form textarea').first().fill('写到一半的话，又多了半句')
    await until('the program has the draft', async () => JSON.stringify(await (await fetch(pc1.url + '/api/drafts')).json()).includes('又多了半句'))
    await pc1.stop('SIGKILL')
    await page.context().close()
    pc1 = await serve('pc1', 'taizhang')
    page = await open(pc1.url) // another port, another profile: the browser's own copy is not there
    await item(id).click()
    assert.equal(await page.locator('form textarea').first().inputValue(), '写到一半的话，又多了半句')
    assert.match(await text('form'), /没有保存完/)
  },

  async 'a program that dies in mid-save loses nothing: said so, and saved when it is back'() {
    const id = await selected()
    const port = pc1.port
    await pc1.stop('SIGKILL')
    await page.locator('form textarea').first().press('Control+Enter')
    await page.locator('form .wrong', { hasText: '没有应答' }).waitFor()
    await page.locator('.gone').waitFor()
    await picture(page, 'branch-program-gone')
    pc1 = await serve('pc1', 'taizhang', port)
    await page.locator('.gone').waitFor({ state: 'detached' })
    await page.locator('form textarea').first().press('Control+Enter')
    await toast('已保存')
    assert.equal((await show(pc1, id)).fields.text, '写到一半的话，又多了半句')
  },

  async 'a refusal for want of rights keeps what was typed, and is said at the form'() {
    const area = page.locator('form textarea').first()
    await area.fill('会话过期时写的话')
    const line = '登录已过期，请重新登录 / the session has expired: sign in again'
    await page.route('**/api/report', (r) => r.fulfill({ status: 401, contentType: 'application/json', body: JSON.stringify({ error: { code: 'not_allowed', line } }) }))
    await area.press('Control+Enter')
    await page.locator('form .wrong', { hasText: '登录已过期' }).waitFor()
    assert.equal(await area.inputValue(), '会话过期时写的话')
    await page.unroute('**/api/report')
    await page.reload()
    assert.equal(await page.locator('form textarea').first().inputValue(), '会话过期时写的话', 'and outlives signing in again')
    await area.fill('')
  },

  async 'without a link the bar says how many are kept; with one, who has them'() {
    const port = city.port
    await city.stop()
    await page.keyboard.press('Escape')
    await page.keyboard.press('n')
    await toast('没有变化')
    await page.getByRole('button', { name: '立即同步' }).click()
    await page.locator('.bar .err').waitFor()
    await page.locator('.bar', { hasText: /[1-9]\d* 条未上报/ }).waitFor()
    await picture(page, 'branch-offline')
    await accessible(page, 'offline')
    city = await serve('city', 'taizhangd', port)
    await page.getByRole('button', { name: '立即同步' }).click()
    await page.locator('.bar', { hasText: '全部已上报' }).waitFor()
    await page.locator('.tick.city').first().waitFor()
  },

  async 'what arrives by sync appears without a reload, never under the cursor'() {
    await item('A0019').click()
    const area = page.locator('form textarea').first()
    await area.fill('正在写')
    run('taizhangd', 'city', 'set', 'A0019', 'deadline=2025-12-10')
    await api(pc1, 'sync')
    await page.locator('.panel header', { hasText: '12月10日' }).waitFor()
    assert.equal(await area.inputValue(), '正在写')
    assert.equal(await page.evaluate(() => document.activeElement.tagName), 'TEXTAREA', 'the cursor stays')
    await area.fill('')
  },

  async 'two PCs of one branch write the same text: both stand side by side, the secretary merges'() {
    pc2 = await serve('pc2', 'taizhang')
    await api(pc2, 'sync')
    const port = city.port
    await city.stop() // with a link each would hear of the other at once
    await item('A0019').click()
    await page.getByText('完成情况、存在问题、下步打算').click()
    await page.locator('[data-field=result_text]').fill('甲稿：三次学习均有签到')
    await page.locator('details form button[type=submit]').click()
    await toast('已保存')
    await api(pc2, 'set', ['A0019', 'result_text=乙稿：两次集中、一次入户'], { person: '文书' })
    city = await serve('city', 'taizhangd', port)
    for (const pc of [pc1, pc2, pc1]) await api(pc, 'sync')
    await page.goto(pc1.url + '/#/todo')
    await page.locator('[role=option]', { hasText: '有两种写法' }).click()
    await page.locator('.form-side .side', { hasText: '两次集中、一次入户' }).waitFor()
    assert.equal(await page.locator('.form-side .side').count(), 2, 'both stand beside the list of what is due, too')
    await seen(page, 'branch-todo-conflict')
    await page.goto(pc1.url + '/#/conflicts')
    await page.locator('h1', { hasText: '待裁定的冲突 1 处' }).waitFor()
    const card = page.locator('article.open')
    await card.waitFor()
    assert.equal(await card.locator('.side').count(), 2)
    assert.match(await card.innerText(), /甲稿/)
    assert.match(await card.innerText(), /文书/)
    assert.ok((await card.locator('mark').allInnerTexts()).join('').includes('甲'), 'differences are marked')
    await seen(page, 'branch-conflict')
    await card.getByRole('button', { name: '合并成一稿' }).click()
    await card.locator('textarea').fill('三次学习均有签到；两次集中、一次入户')
    await card.getByRole('button', { name: '保存合并稿' }).click()
    await toast('已裁定')
    await page.locator('article.open').waitFor({ state: 'detached' })
    for (const pc of [pc1, pc2]) await api(pc, 'sync')
    assert.equal((await show(pc2, 'A0019')).fields.result_text, '三次学习均有签到；两次集中、一次入户')
  },

  async '… or picks one of them, by keyboard; until then nothing is lost'() {
    const port = city.port
    await city.stop()
    await api(pc1, 'set', ['A0019', 'next_steps=下周逐户走访'])
    await api(pc2, 'set', ['A0019', 'next_steps=下月集中开会'], { person: '文书' })
    city = await serve('city', 'taizhangd', port)
    for (const pc of [pc1, pc2, pc1]) await api(pc, 'sync')
    await page.goto(pc1.url + '/#/conflicts')
    const card = page.locator('article.open')
    await card.locator('.side').nth(1).waitFor()
    const texts = (await card.locator('.side .text').allInnerTexts()).map((x) => x.trim())
    assert.deepEqual([...texts].sort(), ['下周逐户走访', '下月集中开会'])
    await card.getByRole('button', { name: '用乙稿' }).focus()
    await page.keyboard.press('Enter')
    await toast('已裁定')
    await card.waitFor({ state: 'detached' })
    for (const pc of [pc1, pc2]) await api(pc, 'sync')
    for (const pc of [pc1, pc2]) assert.equal((await show(pc, 'A0019')).fields.next_steps, texts[1])
  },

  async 'a void application shows the reason first'() {
    const port = city.port
    await city.stop()
    run('taizhangd', 'city', 'do', 'return', 'ZG2025-02', '--reason', '现场仍是380平方米')
    await api(pc1, 'do', ['apply_close_out', 'ZG2025-02'], { text: '请予销号' }) // before it has heard of that
    city = await serve('city', 'taizhangd', port)
    await api(pc1, 'sync')
    await page.goto(pc1.url + '/#/conflicts')
    const card = page.locator('article.void').first()
    await card.waitFor()
    assert.match(await card.locator('.note').innerText(), /已作废.*380平方米/)
    await page.goto(pc1.url + '/#/problems')
    await page.locator('.panel .note.bad').first().waitFor()
    const order = await page.locator('.panel > *').allInnerTexts()
    const at = (words) => order.findIndex((x) => x.includes(words))
    assert.ok(at('380平方米') >= 0 && at('380平方米') < at('经过'), 'the reason comes before the history')
    await seen(page, 'branch-problems')
  },

  async 'a problem is registered, worked on and its close-out applied for'() {
    await page.goto(pc1.url + '/#/problems')
    const register = page.getByRole('button', { name: '登记问题' })
    const hasCursor = (what) => what.evaluate((e) => e === document.activeElement)
    await register.click()
    assert.ok(await hasCursor(page.locator('.adding textarea')), 'the cursor is in the form')
    await page.keyboard.press('Escape')
    await page.locator('.adding').waitFor({ state: 'detached' })
    assert.ok(await hasCursor(register), 'and back at the button')
    await register.click()
    await page.locator('.adding button[type=submit]').click()
    await page.locator('.adding .wrong').waitFor()
    await page.locator('.adding textarea').fill('活动室屋顶漏雨，雨天不能开会')
    await page.locator('.adding button[type=submit]').click()
    await toast('已保存')
    await page.locator('.panel h2', { hasText: '屋顶漏雨' }).waitFor()
    await page.locator('[data-step=acknowledge]').click()
    await toast('已办')
    await page.locator('[data-field=measures]').fill('联系施工队\n拨付维修款')
    await page.locator('[data-field=result_text]').fill('屋顶已修好')
    await page.locator('.box button[type=submit]').click()
    await toast('已保存')
    await page.locator('[data-step=apply_close_out]').click()
    await page.locator('.asked').getByRole('button', { name: '取消' }).click()
    assert.ok(await hasCursor(page.locator('[data-step=apply_close_out]')), 'what was left gives the cursor back')
    await page.locator('[data-step=apply_close_out]').click()
    await page.locator('.asked textarea').last().fill('已修好，请验收')
    await page.locator('.asked button[type=submit]').click()
    await page.locator('.steps .now', { hasText: '待初审' }).waitFor()
    const id = (await page.locator('.panel .small').first().innerText()).trim()
    const record = await show(pc1, id)
    assert.equal(record.state, '待初审')
    assert.deepEqual(record.fields.measures, ['联系施工队', '拨付维修款'])
  },

  async 'a stick carries what one PC wrote to the other'() {
    await city.stop()
    await api(pc1, 'set', ['A0019', 'remark=由U盘带到'], {})
    await page.goto(pc1.url + '/#/sync')
    await page.locator('.levels').waitFor()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('button', { name: '导出给本支部另一台电脑' }).click()
    ])
    const file = await download.path()
    assert.match(download.suggestedFilename(), /^B03-to-B03-.*\.tzb$/)
    await page.locator('.two .note.good').waitFor()
    page2 = await open(pc2.url, { path: '/#/sync' })
    const given = [{ name: download.suggestedFilename(), mimeType: 'application/octet-stream', buffer: readFileSync(file) }]
    const bundles = page2.locator('[data-test=bundles]') // the page before has a place for files as well
    await bundles.setInputFiles([...given, { name: '坏.tzb', mimeType: 'application/octet-stream', buffer: Buffer.from('not a bundle') }])
    await page2.locator('[data-test=imported] tbody tr').nth(1).waitFor()
    const rows = await page2.locator('[data-test=imported] tbody tr').allInnerTexts()
    assert.ok(rows.some((r) => /新收 [1-9]/.test(r)), rows.join('\n'))
    assert.ok(await page2.locator('[data-test=imported] .wrong').count(), 'a file that is no bundle is named')
    // What another PC wrote is not counted as written here, but goes up from here: the bar and the page agree.
    const unsent = Number(/(\d+) 条未上报/.exec(await page2.locator('.bar').innerText())[1])
    const carried = Number(/另有 (\d+) 条/.exec(await page2.locator('[data-test=others]').innerText())[1])
    assert.ok(carried > 0 && carried <= unsent, `${carried} of ${unsent}`)
    await seen(page2, 'branch-sync')
    assert.equal((await show(pc2, 'A0019')).fields.remark, '由U盘带到')
    await bundles.setInputFiles(given)
    await page2.locator('[data-test=imported] tbody tr', { hasText: '新收 0 条' }).waitFor()
  },

  async 'files given while others are taken in, and before the page was left, all have their line'() {
    await page2.route('**/api/import?*', async (r) => {
      await sleep(400)
      await r.continue()
    })
    const bad = (name) => ({ name, mimeType: 'application/octet-stream', buffer: Buffer.from('not a bundle') })
    const bundles = page2.locator('[data-test=bundles]')
    await bundles.setInputFiles([bad('甲.tzb'), bad('乙.tzb')])
    await bundles.setInputFiles([bad('丙.tzb')])
    await page2.locator('nav.menu a', { hasText: '求助' }).click()
    await page2.locator('form.paper').waitFor()
    await page2.locator('nav.menu a', { hasText: '同步' }).click()
    await until('each has its line', async () => (await page2.locator('[data-test=imported] tbody tr').count()) === 3)
    assert.match(await page2.locator('[data-test=imported]').innerText(), /丙/)
    await page2.unroute('**/api/import?*')
  },

  async 'a file dropped beside its place does not open in place of the page'() {
    const isStopped = (selector) =>
      page2.evaluate((where) => {
        const dataTransfer = new DataTransfer()
        dataTransfer.items.add(new File(['x'], '表.tzb'))
        return ['dragover', 'drop'].map((name) => !document.querySelector(where).dispatchEvent(new DragEvent(name, { dataTransfer, bubbles: true, cancelable: true })))
      }, selector)
    assert.deepEqual(await isStopped('main h1'), [true, true])
    assert.equal(await page2.evaluate(() => {
      const dataTransfer = new DataTransfer()
      dataTransfer.setData('text/plain', '话')
      return document.querySelector('main h1').dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }))
    }), true, 'words may be dropped where they like')
  },

  async 'help is asked for and its waiting shown'() {
    await page.goto(pc1.url + '/#/help')
    await page.locator('form.paper button[type=submit]').click()
    await page.locator('form.paper .wrong').waitFor()
    await page.locator('form.paper textarea').fill('缺少会议室，请街道协调')
    await page.keyboard.press('Control+Enter')
    await toast('已保存')
    await page.locator('article', { hasText: '缺少会议室' }).waitFor()
    assert.match(await page.locator('article', { hasText: '缺少会议室' }).innerText(), /等.+答复|未答复/)
    await seen(page, 'branch-help')
  },

  async 'pressed twice, what is written goes up once; what is typed on meanwhile stays'() {
    let letGo
    const held = new Promise((resolve) => (letGo = resolve))
    let sent = 0
    await page.route('**/api/new', async (r) => {
      sent++
      await held
      await r.continue()
    })
    const area = page.locator('form.paper textarea')
    await area.fill('缺少投影仪')
    await page.keyboard.press('Control+Enter')
    await page.keyboard.press('Control+Enter')
    await until('it is on its way', () => sent > 0)
    await area.fill('缺少投影仪，还缺桌椅')
    letGo()
    await page.locator('article', { hasText: '缺少投影仪' }).waitFor()
    assert.equal(sent, 1)
    assert.equal(json('taizhang', 'pc1', 'list', 'help_request').filter((h) => h.text === '缺少投影仪').length, 1)
    assert.equal(await area.inputValue(), '缺少投影仪，还缺桌椅')
    await area.fill('')
    await page.unroute('**/api/new')
  },

  async 'large text and English come from one switch each, and stay'() {
    await page.goto(pc1.url + '/#/todo')
    await page.locator('h1', { hasText: '要办的' }).waitFor()
    await page.getByRole('button', { name: '特大字' }).click()
    await until('the program keeps it', async () => JSON.stringify(await (await fetch(pc1.url + '/api/drafts')).json()).includes('larger'))
    await page.getByRole('button', { name: 'English' }).click()
    await page.locator('h1', { hasText: 'to do' }).waitFor() // and the program has not heard of that yet
    await page.reload()
    await page.locator('h1', { hasText: 'to do' }).waitFor()
    assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).fontSize), '21px')
    await seen(page, 'branch-large-english')
    await page.getByRole('button', { name: '中文' }).click()
    await page.getByRole('button', { name: '标准字' }).click()
  },

  async 'nothing to do is said kindly'() {
    await page.route('**/api/list/todo', (r) => r.fulfill({ contentType: 'application/json', body: '[]' }))
    await page.reload()
    await page.locator('.empty').waitFor()
    assert.equal(await page.locator('.form-side').count(), 0, 'no empty form beside it')
    await seen(page, 'branch-empty')
    await page.unroute('**/api/list/todo')
  },

  async 'what cannot be read says why, and nothing is counted that nobody knows'() {
    const line = '读不出来，请联系乡镇 / it cannot be read: ask the office above'
    const broken = /\/api\/(list|page|show|unanswered)/
    await page.route(broken, (r) => r.fulfill({ status: 500, contentType: 'application/json', body: JSON.stringify({ error: { code: 'internal', line } }) }))
    for (const path of ['todo', 'problems', 'conflicts', 'help', 'unsent']) {
      await page.goto(pc1.url + '/#/' + path)
      await page.reload()
      await page.locator('main .note.bad', { hasText: '读不出来' }).waitFor()
      if (path !== 'unsent') assert.doesNotMatch(await text('main h1'), /0/, path)
    }
    await seen(page, 'branch-unreadable')
    await page.unroute(broken)
  }
}

await main(tests, pages)
