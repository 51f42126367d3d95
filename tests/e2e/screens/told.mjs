// What a person must be told stands on every page until it is settled, leads to the records that it concerns, and nothing
// typed is out of sight meanwhile.
import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import { api, accessible, enrol, json, main, makeCity, open, passDays, run, seen, serve, show, until } from './harness.mjs'

let city, page, copyPage, officePage
const pages = () => [page, copyPage, officePage].filter(Boolean)
const get = async (server, path) => (await fetch(`${server.url}/api/${path}`)).json()
const band = (on, words) => on.locator('[data-notice]', { hasText: words })
const toast = (words, on) => on.locator('.el-message', { hasText: words }).first().waitFor()
const startCity = async (port) => (city = await serve('city', 'taizhangd', port))

/** The other side's news: a sync of each until it holds. */
const synced = (what, servers, holds) =>
  until(what, async () => {
    for (const s of servers) await api(s, 'sync')
    return holds()
  })

const tests = {
  async 'a folder that runs on two PCs: both say so, and lead to what both wrote'() {
    makeCity()
    await startCity()
    enrol(city, 'B03', 'pc')
    cpSync('pc', 'copy', { recursive: true })
    const port = city.port
    await city.stop() // so that neither hears of the other while it writes
    const pc = await serve('pc', 'taizhang')
    const copy = await serve('copy', 'taizhang')
    await api(pc, 'set', ['A0019', 'result_text=原来的电脑写的'])
    await api(copy, 'set', ['A0019', 'result_text=拷走的电脑写的'])
    page = await open(pc.url)
    copyPage = await open(copy.url)
    await page.locator('[role=option]').first().waitFor()
    assert.equal(await page.locator('[data-notice]').count(), 0, 'nothing is said without a reason')
    await startCity(port)
    const isCopied = async (s) => (await get(s, 'status')).notices.some((n) => n.includes('was copied'))
    await synced('both have found out', [pc, copy], async () => (await isCopied(pc)) && (await isCopied(copy)))
    await synced('both have both texts', [pc, copy], async () => (await get(pc, 'status')).open_conflicts > 0 && (await get(copy, 'status')).open_conflicts > 0)
    for (const on of [page, copyPage]) await band(on, '本机的数据是复制的').waitFor()
    const below = await page.evaluate(() => document.querySelector('.band').getBoundingClientRect().bottom - [...document.querySelectorAll('.band .note')].pop().getBoundingClientRect().bottom)
    assert.ok(below >= 4, `${below} px between the notices and the menu`)
    await seen(page, 'told-copied')
    await page.locator('.band a', { hasText: '看是哪些记录' }).click()
    await page.locator('[data-conflict]', { hasText: '原来的电脑写的' }).filter({ hasText: '拷走的电脑写的' }).waitFor()
    await band(page, '本机的数据是复制的').waitFor() // on this page as well
    await page.goto(pc.url + '/#/notices')
    await page.locator('main [data-notice]').waitFor()
    assert.equal(await page.locator('.band').count(), 0, 'the page of all says it once')
    await seen(page, 'told-all')
    assert.deepEqual(copyPage.problems, [])
    await copyPage.context().close()
    copyPage = undefined
    await copy.stop()
    await page.context().close()
    page = undefined
    await pc.stop()
  },

  async 'what is only here is listed with what was typed, and a merged unit says what to do next'() {
    enrol(city, 'B04', 'pc4')
    const port = city.port
    await city.stop()
    const pc = await serve('pc4', 'taizhang')
    const id = (await get(pc, 'list/todo')).find((r) => r.kind === 'assignment').id
    await api(pc, 'report', [id], { value: '3', text: '并入之前报的' })
    await api(pc, 'set', [id, 'remark=并入之前写的<b>原文</b>'])
    page = await open(pc.url)
    await page.locator('.bar a', { hasText: '2 条未上报' }).click()
    const listed = page.locator('[data-test=unsent] tbody tr')
    await listed.filter({ hasText: '并入之前写的<b>原文</b>' }).waitFor()
    assert.equal(await listed.count(), 2)
    assert.match(await listed.filter({ hasText: '并入之前报的' }).innerText(), /填报值|3/)
    assert.equal(await page.locator('[data-test=unsent] .away').count(), 0)
    await seen(page, 'told-unsent')
    run('taizhangd', 'city', 'unit', 'B04', '--merge-into', 'B03')
    await startCity(port)
    const name = (await get(city, 'units')).find((u) => u.id === 'B03').name
    await synced('it hears of it', [pc], async () => (await get(pc, 'status')).merged_into === 'B03')
    await band(page, `本单位已并入${name}`).waitFor()
    await page.locator('[data-test=all-sent]').waitFor() // the list that is open follows
    await page.locator('.band a', { hasText: '看写过的记录' }).click()
    await page.locator('td.title a').first().waitFor()
    await seen(page, 'told-merged')
    assert.equal((await show(city, id)).fields.remark, '并入之前写的<b>原文</b>')
    // What is written now is refused where it is typed, and stays there.
    await page.goto(pc.url + '/#/record/' + id)
    await page.locator('form textarea').first().fill('并入之后还想写的')
    await page.keyboard.press('Control+Enter')
    await page.locator('form .wrong', { hasText: '并入' }).waitFor()
    assert.equal(await page.locator('form textarea').first().inputValue(), '并入之后还想写的')
    await page.goto(pc.url + '/#/notices')
    await page.locator('main a', { hasText: '重新登记' }).waitFor() // enrol.mjs goes that way
    officePage = await open(city.url, { path: '/#/branches' })
    await officePage.locator('input[type=search]').fill('竹塘街道机关')
    await officePage.locator('.line', { hasText: '已并入老码头社区' }).waitFor()
    assert.doesNotMatch(await officePage.locator('.line').innerText(), /没有登记电脑|没有联系/, 'nobody is missed there')
    await officePage.context().close()
    officePage = undefined
    await page.context().close()
    page = undefined
    await pc.stop()
  },

  async 'work on a branch that is another office\'s by now is listed until it is handed up'() {
    enrol(city, 'K2-01', 'office')
    const port = city.port
    const row = (await get(city, 'page/assignments?unit=B08&limit=200')).rows.find((r) => r.status === '办理中').id
    await city.stop()
    const office = await serve('office', 'taizhang')
    officePage = await open(office.url, { path: '/#/queue' })
    await api(office, 'set', [row, 'deadline=2026-01-19'])
    const n = (await get(office, 'status')).unsent
    assert.ok(n > 0)
    run('taizhangd', 'city', 'unit', 'B08', '--parent', 'K2-02')
    run('taizhangd', 'city', 'export', 'office.tzb', '--to', 'K2-01')
    run('taizhang', 'office', 'import', 'office.tzb')
    await band(officePage, `写的 ${n} 条还没有送出去`).waitFor()
    await officePage.locator('.band a', { hasText: '看还没上报的内容' }).click()
    await officePage.locator('[data-test=unsent] .away', { hasText: '2026年1月19日' }).waitFor()
    await officePage.locator('[data-test=unsent] .away', { hasText: '已不归本单位' }).waitFor()
    await seen(officePage, 'told-out-of-scope')
    const before = run('taizhang', 'office', 'list', 'unsent')
    assert.match(before, /! .*2026-01-19/, 'the terminal lists it too')
    await startCity(port)
    await synced('it is handed up', [office], async () => (await get(office, 'status')).out_of_scope.length === 0)
    await band(officePage, '还没有送出去').waitFor({ state: 'detached' })
    await officePage.locator('[data-test=all-sent]').waitFor()
    assert.equal((await show(city, row)).fields.deadline, '2026-01-19')
    await officePage.context().close()
    officePage = undefined
    await office.stop()
  },

  async 'an order of those above stands in the list and on the record, and is replied to there'() {
    enrol(city, 'B02', 'pc1')
    const pc = await serve('pc1', 'taizhang')
    const id = (await get(pc, 'list/todo')).find((r) => r.kind === 'assignment').id
    officePage = await open(city.url, { path: '/#/record/' + id })
    await officePage.locator('[data-test=orders] summary').click()
    await officePage.locator('[data-test=orders] button[type=submit]').click()
    await officePage.locator('[data-test=orders] .wrong', { hasText: '请写明督办要求' }).waitFor()
    await officePage.locator('[data-field=order-text]').fill('三日内书面说明进度滞后的原因')
    await officePage.locator('[data-field=order-reply-by]').fill('2025-11-10')
    await officePage.locator('[data-test=orders] button[type=submit]').click()
    await toast('已发督办', officePage)
    await officePage.locator('[data-order]', { hasText: '还没有答复' }).waitFor()
    const order = (await show(city, id)).orders[0]
    page = await open(pc.url)
    await synced('it is here', [pc], async () => (await show(pc, id)).orders.length === 1)
    await page.locator(`[data-id="${order.id}"]`, { hasText: '督办' }).click()
    await page.locator('.form-side', { hasText: '三日内书面说明' }).waitFor()
    await seen(page, 'told-order-todo')
    await page.goto(pc.url + '/#/record/' + id)
    await page.locator(`[data-order="${order.id}"]`, { hasText: '云岫市委员会 督办' }).filter({ hasText: '11月10日' }).waitFor()
    await page.locator(`[data-order="${order.id}"] textarea`).fill('因施工方更换，已重新排期')
    await page.locator(`[data-order="${order.id}"] button[type=submit]`).click()
    await toast('已保存', page)
    await seen(page, 'told-order')
    await synced('the office has the reply', [pc], async () => (await show(city, id)).orders[0].reply === '因施工方更换，已重新排期')
    await officePage.locator('[data-order]', { hasText: '因施工方更换' }).waitFor()
    assert.ok((await show(city, id)).history.some((h) => h.entity === 'supervision_order'), 'it is part of the record\'s history')
    await accessible(officePage, 'orders')
    await page.context().close()
    await officePage.context().close()
    page = officePage = undefined
    await pc.stop()
  },

  async 'a record that came weeks late says so, and what needs a newer program does'() {
    const port = city.port
    await city.stop()
    const pc = await serve('pc1', 'taizhang')
    const id = (await get(pc, 'list/todo')).find((r) => r.kind === 'assignment').id
    await api(pc, 'report', [id], { value: '2', text: '没有网的时候报的' })
    await pc.stop()
    passDays(21)
    await startCity(port)
    const later = await serve('pc1', 'taizhang')
    await synced('it is there', [later], async () => (await show(city, id)).history.some((h) => h.what.text === '没有网的时候报的'))
    officePage = await open(city.url, { path: '/#/record/' + id })
    // Each program's clock begins anew with it: what took the first one a minute is missing of the last day.
    await officePage.locator('.late', { hasText: /过了 2[01] 天才送到/ }).waitFor()
    await seen(officePage, 'told-late')
    // A program that is older than the one that wrote is not at hand: its answers are.
    await officePage.route('**/api/show/' + id, async (route) => {
      const answer = await (await route.fetch()).json()
      await route.fulfill({ json: { ...answer, needs_program: [{ what: 'push' }] } })
    })
    await officePage.route('**/api/page/assignments**', async (route) => {
      const answer = await (await route.fetch()).json()
      await route.fulfill({ json: { ...answer, rows: answer.rows.map((r, i) => (i ? r : { ...r, needs_program: 'assignment' })) } })
    })
    await officePage.reload()
    await officePage.locator('[data-test=needs-program]', { hasText: '升级本机程序' }).waitFor()
    await seen(officePage, 'told-newer-program')
    await officePage.goto(city.url + '/#/records')
    await officePage.locator('tbody tr').first().filter({ hasText: '升级程序才能看' }).waitFor()
    await seen(officePage, 'told-newer-rows')
    await officePage.context().close()
    officePage = undefined
    await later.stop()
  },

  async 'an office above that takes nothing more: said with its reason, and what is written is kept and listed'() {
    enrol(city, 'B05', 'pc5')
    const pc = await serve('pc5', 'taizhang')
    page = await open(pc.url)
    await page.locator('[role=option]').first().waitFor()
    run('taizhangd', 'city', 'revoke', (await get(pc, 'status')).replica)
    const id = (await get(pc, 'list/todo')).find((r) => r.kind === 'assignment').id
    await api(pc, 'set', [id, 'remark=不知道已停用时写的'])
    const reason = await until('the link says why', async () => (await get(pc, 'pulse')).trouble)
    await band(page, reason.split(/[,;:]| \/ /)[0]).waitFor() // on the screen its signs are those of Chinese
    await seen(page, 'told-trouble')
    await page.locator('.band a', { hasText: '看还没上报的内容' }).click()
    await page.locator('[data-test=unsent] tbody tr', { hasText: '不知道已停用时写的' }).waitFor()
    await page.context().close()
    page = undefined
    await pc.stop()
  },

  async 'what the disk refused is said on every page until something is saved again'() {
    const pc = await serve('pc1', 'taizhang')
    page = await open(pc.url, { path: '/#/help' })
    const line = '磁盘已满，没有保存 / the disk is full: nothing was saved'
    const full = (route) => route.fulfill({ status: 507, json: { error: { code: 'disk_full', line } } })
    const area = page.locator('form textarea').first()
    await area.waitFor()
    await page.route('**/api/{new,draft}', full)
    await area.fill('缺少会议室')
    await page.keyboard.press('Control+Enter')
    await band(page, '磁盘已满').waitFor()
    await page.locator('nav a', { hasText: '问题整改' }).click()
    await band(page, '磁盘已满').waitFor()
    await seen(page, 'told-disk')
    await page.unroute('**/api/{new,draft}')
    await page.locator('nav a', { hasText: '求助与申诉' }).click()
    assert.equal(await area.inputValue(), '缺少会议室', 'nothing typed is lost')
    await area.press('Control+Enter')
    await toast('已保存', page)
    await band(page, '磁盘已满').waitFor({ state: 'detached' })
    assert.equal(json('taizhang', 'pc1', 'list', 'help_request').filter((h) => h.text === '缺少会议室').length, 1)
  }
}

await main(tests, pages)
