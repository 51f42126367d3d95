// The city hands a task down, looks at counties by tasks and month by month, draws a sample; the township merges duplicates.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { api, accessible, enrol, join_, main, makeCity, open, pictures, seen, serve, show, until } from './harness.mjs'

const kTown = 'K1-02'
const kUnit = 'B03'
const kLongTitle = '关于深入推进城市基层党建引领基层治理、健全党组织领导的网格管理服务机制并逐村逐社区摸清阵地面积、人员配备和运转经费底数的专项任务'
let city, town, pc, page, townPage
let issued
const pages = () => [page, townPage].filter(Boolean)
const toast = (words, on = page) => on.locator('.el-message', { hasText: words }).first().waitFor()
const innerHeightOf = (on) => on.viewportSize().height
const get = async (server, path) => (await fetch(`${server.url}/api/${path}`)).json()

const tests = {
  async 'before a task goes out it says whom it reaches and what it adds'() {
    makeCity()
    city = await serve('city', 'taizhangd')
    join_(city, kTown, 'town')
    town = await serve('town', 'taizhangd')
    enrol(town, kUnit, 'pc')
    pc = await serve('pc', 'taizhang')
    page = await open(city.url, { path: '/#/issue' })
    const menu = ['综合研判', '下达分解', '复审销号', '随机回访', '通报', '调度会', '负担表', '盘点对比']
    assert.deepEqual((await page.locator('nav.menu a').allInnerTexts()).slice(0, menu.length), menu, 'in the order of need')
    await page.locator('[data-field=title]').fill('拆成两行\n  的标题')
    assert.equal(await page.locator('[data-field=title]').inputValue(), '拆成两行的标题', 'a title is one line')
    await page.locator('[data-field=title]').fill(kLongTitle)
    assert.ok(await page.locator('[data-field=title]').evaluate((a) => a.scrollHeight <= a.clientHeight), 'a long title is read as a whole')
    await page.locator('[data-field=indicator]').fill('整顿措施完成项')
    await page.getByLabel('农村').check()
    await page.getByLabel('城市社区').check()
    const preview = page.locator('[data-test=preview]')
    await preview.locator('.reached', { hasText: '11' }).waitFor()
    const counted = (await preview.locator('.units b').allInnerTexts()).reduce((n, x) => n + Number(x), 0)
    assert.equal(counted, 11, 'the parts are the whole')
    assert.match(await preview.innerText(), /每个单位每月 0.33 张表/)
    assert.match(await preview.innerText(), /平均已有 [\d.]+ 件未办结/)
    assert.match(await preview.innerText(), /同一指标已经有任务在问/)
    assert.match(await preview.innerText(), /软弱涣散村/)
    const before = (await get(city, 'page/assignments')).total
    await page.locator('[data-test=issue]').click()
    await page.locator('.wrong', { hasText: '完成时限' }).waitFor()
    assert.equal((await get(city, 'page/assignments')).total, before, 'a preview writes nothing')
    await accessible(page, 'issue with an error')
    await page.locator('[data-field=target_value]').fill('很多')
    await page.locator('label.field', { has: page.locator('[data-field=target_value]') }).locator('.wrong').waitFor() // while it is being written
    await page.locator('label.field', { has: page.locator('[data-field=deadline]') }).locator('input').fill('2025-12-20')
    await page.locator('[data-test=issue]').click()
    await page.locator('[data-test=confirm]').click()
    await page.locator('label.field', { has: page.locator('[data-field=target_value]') }).locator('.wrong').waitFor()
    await seen(page, 'city-issue-refused')
    assert.equal((await get(city, 'page/assignments')).total, before, 'what was refused is not issued in part')
  },

  async 'what was written of a task outlives the page'() {
    await page.reload()
    await page.locator('[data-field=title]').waitFor()
    assert.equal(await page.locator('[data-field=title]').inputValue(), kLongTitle)
    await page.locator('[data-field=target_value]').fill('3')
    await page.locator('.reached').waitFor()
    await seen(page, 'city-issue')
  },

  async 'a task handed down reaches those that were shown, down to the PC of a branch'() {
    const before = (await get(city, 'page/assignments')).total
    await page.locator('[data-test=issue]').click()
    await page.locator('[data-test=confirm]').click()
    await toast('已下达给 11 个单位')
    await page.locator('[data-test=issued]').waitFor()
    assert.equal((await get(city, 'page/assignments')).total, before + 11)
    await page.locator('[data-test=issued] a').click()
    await page.waitForURL(/#\/records\?task=/)
    issued = /task=([^&]+)/.exec(page.url())[1]
    await until('eleven rows', async () => (await page.locator('tbody tr').count()) === 11)
    await seen(page, 'city-records-of-task')
    for (const s of [town, pc, town, pc]) await api(s, 'sync')
    const todo = await get(pc, 'list/todo')
    const mine = todo.find((r) => r.task_id === issued)
    assert.ok(mine, 'the branch has it on its list')
    assert.equal(mine.title, kLongTitle)
    assert.equal((await show(pc, mine.id)).state, '待签收')
    const branch = await open(pc.url)
    await branch.locator('[role=option]').first().waitFor()
    await branch.locator(`[data-id="${mine.id}"]`).click()
    await branch.locator('.panel h2', { hasText: '网格管理服务' }).waitFor()
    await seen(branch, 'branch-long-title')
    assert.deepEqual(branch.problems, [])
    await branch.context().close()
  },

  async 'handing it on again reaches nobody twice'() {
    await page.goto(city.url + '/#/issue')
    await page.getByLabel('分解已有任务').check()
    await page.locator('[data-field=task]').selectOption(issued)
    const preview = page.locator('[data-test=preview]')
    await preview.locator('text=另有 11 个单位已有这项任务').waitFor()
    assert.ok(await page.locator('[data-test=issue]').isDisabled())
    await page.locator('[data-field=level]').selectOption('county')
    await preview.locator('.reached').waitFor()
  },

  async 'the organisation stands as a tree beside the figures, opened and chosen by click and by key'() {
    await page.goto(city.url + '/#/review')
    await page.locator('.card').nth(8).waitFor()
    const box = page.locator('[data-test=tree-box]')
    const tree = page.locator('[data-test=tree]')
    if (!(await tree.isVisible())) await box.locator('summary').click()
    const units = await get(city, 'units')
    const counties = units.filter((u) => u.level === 'county')
    const first = units.filter((u) => u.parent_id === counties[0].parent_id) // its departments as well
    assert.equal(await tree.locator('[role=treeitem]').count(), 1 + first.length, 'only what was opened is drawn')
    await tree.locator('[role=treeitem]').first().focus()
    for (let i = first.indexOf(counties[0]); i >= 0; i--) await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowRight')
    const below = units.filter((u) => u.parent_id === counties[0].id && !u.closed)
    await until('its townships are drawn', async () => (await tree.locator('[role=treeitem]').count()) === 1 + first.length + below.length)
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('Enter')
    await page.locator('h1', { hasText: below[0].name }).waitFor()
    assert.equal(await tree.locator('[aria-selected=true]').getAttribute('data-unit'), below[0].id)
    await accessible(page, 'review with the tree')
    await seen(page, 'city-tree-review')
    await page.locator('.crumbs button').first().click()
    await page.locator('h1', { hasText: '云岫市' }).waitFor()
    assert.equal(await tree.locator('[aria-selected=true]').getAttribute('data-unit'), counties[0].parent_id, 'what is chosen elsewhere is chosen in the tree')
  },

  async 'counties by tasks: number, n and words in each cell, and a click to its records'() {
    await page.goto(city.url + '/#/review')
    const heat = page.locator('[data-test=heat]')
    await heat.locator('tbody tr').first().waitFor()
    const overview = await get(city, 'overview')
    assert.equal(await heat.locator('tbody tr').count(), overview.tasks.length)
    const cell = overview.cells.find((c) => c.n >= 5)
    const task = overview.tasks.find((x) => x.id === cell.task)
    const row = heat.locator('tbody tr', { hasText: task.title })
    const words = ((100 * cell.lights.red) / cell.n).toFixed(1) + '%'
    assert.ok((await row.innerText()).includes(`n=${cell.n}`))
    assert.ok((await row.innerText()).includes(words))
    await heat.scrollIntoViewIfNeeded()
    await seen(page, 'city-heat')
    await heat.locator('[data-test=measure]').selectOption('verified')
    assert.ok((await heat.innerText()).includes('太少'), 'too few is said')
    for (const few of await heat.locator('td', { hasText: '太少' }).all()) assert.equal(await few.getAttribute('class'), 'n hnone', 'too few has no shade')
    await page.locator('[data-test=trends] svg').waitFor()
    await accessible(page, 'heat of verified values')
    const months = await page.locator('[data-test=trends] tbody tr').allInnerTexts()
    assert.equal(months.length, overview.months.length)
    for (const m of months) assert.match(m, /n=\d+/)
    await page.locator('[data-test=trends]').scrollIntoViewIfNeeded()
    await seen(page, 'city-trends')
    await heat.locator('.cell').first().click()
    await page.waitForURL(/#\/records\?unit=.+&task=/)
    await page.locator('tbody a').first().click()
    await page.locator('.panel h3', { hasText: '经过' }).waitFor()
  },

  async 'the program draws a sample, and the number draws it again'() {
    await page.goto(city.url + '/#/sample')
    await page.locator('select').first().selectOption('claimed')
    await page.locator('[data-test=draw]').click()
    const drawn = page.locator('[data-test=drawn]')
    await drawn.waitFor()
    assert.match(await drawn.innerText(), /抽出 10 件，抽签号 [0-9a-f]{8}/)
    const first = await page.locator('tbody a').evaluateAll((all) => all.map((a) => a.href))
    assert.equal(first.length, 10)
    const seed = await page.locator('input.seed').inputValue()
    await page.locator('[data-test=draw]').click()
    await until('another number', async () => (await page.locator('input.seed').inputValue()) !== seed)
    await page.locator('input.seed').fill(seed)
    await page.getByRole('button', { name: '按编号重抽' }).click()
    await until('the same ones', async () => JSON.stringify(await page.locator('tbody a').evaluateAll((all) => all.map((a) => a.href))) === JSON.stringify(first))
    await seen(page, 'city-sample')
    const file = join(pictures, 'sample.pdf')
    await page.pdf({ path: file, preferCSSPageSize: true })
    const text = spawnSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' }).stdout
    assert.match(text, /现场情况/)
    assert.match(text, /负责人（签字）/)
    assert.match(spawnSync('pdfinfo', [file], { encoding: 'utf8' }).stdout, /Page size:\s+84[12](\.\d+)? x 59[45]/)
  },

  async 'the burden meter charges forms and fields to the office that issued them'() {
    await page.goto(city.url + '/#/burden')
    const table = page.locator('[data-test=burden]')
    const month = page.locator('[data-test=month]')
    const all = {}
    for (const m of ['2025-11', '2025-10', '2025-09']) all[m] = await get(city, 'burden?month=' + m)
    assert.equal(all['2025-11'].forms, 0, 'nothing of the demo city is due in the month that the page opens with')
    await page.locator('.empty', { hasText: '没有要支部填的表' }).waitFor()
    await accessible(page, 'a month without forms')
    for (const m of ['2025-09', '2025-10']) {
      const b = all[m]
      assert.ok(b.forms > 0, m)
      await month.selectOption(m)
      await until('the month is shown', async () => (await page.locator('main [role=status]').innerText()).startsWith(`${b.branches} 个支部，${b.forms} 张表`))
      assert.deepEqual(await table.locator('tbody tr').evaluateAll((rows) => rows.map((r) => [...r.querySelectorAll('td.n')].slice(1).map((c) => Number(c.textContent)))), b.by_issuer.map((c) => [c.forms, c.fields]))
    }
    await seen(page, 'city-burden')
  },

  async 'the city marks holidays and worked weekends, and everybody counts by them'() {
    await page.goto(city.url + '/#/calendar')
    const day = (date, on = page) => on.locator(`[data-date="${date}"]`)
    const records = async (server = city) => (await get(server, 'list/calendar_day')).map((d) => [d.date, d.kind, d.name || null]).sort()
    const working = () => page.locator('main [role=status]').first().innerText()
    await page.locator('h1', { hasText: '2025 年工作日历' }).waitFor()
    await until('the year is counted', async () => (await working()).includes('261 个工作日'))
    await page.locator('[data-test=name]').fill('国庆节')
    for (const d of ['2025-10-01', '2025-10-02', '2025-10-03']) {
      await day(d).click()
      await day(d).locator('.mark', { hasText: '休' }).waitFor()
    }
    await page.getByLabel('上班', { exact: true }).check()
    await page.locator('[data-test=name]').fill('')
    await day('2025-10-11').click()
    await day('2025-10-11').locator('.mark', { hasText: '班' }).waitFor()
    assert.deepEqual(await records(), [['2025-10-01', '休息', '国庆节'], ['2025-10-02', '休息', '国庆节'], ['2025-10-03', '休息', '国庆节'], ['2025-10-11', '上班', null]])
    assert.match(await working(), /259 个工作日/)
    assert.match(await page.locator('[data-test=spans]').innerText(), /国庆节 10月1日—10月3日 星期三 · 休息 · 3 天/)
    // By keys: on from the day that has the cursor, over the end of the month, marked, and as usual again.
    await page.keyboard.press('PageDown')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowRight')
    assert.equal(await page.evaluate(() => document.activeElement.dataset.date), '2025-11-19')
    await page.getByLabel('休息', { exact: true }).check()
    await day('2025-11-19').focus()
    await page.keyboard.press('Enter')
    await day('2025-11-19').locator('.mark').waitFor()
    await page.keyboard.press('Delete')
    await day('2025-11-19').locator('.mark').waitFor({ state: 'detached' })
    await day('2025-10-03').click() // without the name
    await until('the name is gone', async () => (await records()).some((r) => r[0] === '2025-10-03' && r[2] === null))
    await day('2025-10-03').click()
    await day('2025-10-03').locator('.mark').waitFor({ state: 'detached' })
    assert.match(await working(), /260 个工作日/)
    await seen(page, 'city-calendar')
    await page.locator('[data-test=after]').click()
    await page.locator('h1', { hasText: '2026' }).waitFor()
    assert.equal(await page.locator('.mark').count(), 0)
    assert.equal(await page.locator('.months button[tabindex="0"]').count(), 1, 'one stop of the tabulator a year')
  },

  async 'meetings show who came, who sent a deputy and who was late'() {
    await page.goto(city.url + '/#/meetings')
    const table = page.locator('[data-test=attendance]')
    await table.waitFor()
    const attendance = (await get(city, 'list/attendance')).filter((a) => a.meeting_id === 'M2')
    assert.equal(await table.locator('tbody tr').count(), attendance.length)
    const noted = attendance.filter((a) => a.status === '缺席' || (a.status === '委托代会' && !a.leave_approved) || a.late_min > 10).length
    assert.match(await page.locator('main [role=status]').first().innerText(), new RegExp(`应到 ${attendance.length} 个单位，其中 ${noted} 个`))
    assert.match(await page.locator('[data-test=asked]').innerText(), /县处级副职/)
    await table.locator('tr', { hasText: '禾泽' }).locator('.wrong', { hasText: '代会未批准、低于要求职级、迟到 25 分钟' }).waitFor()
    await accessible(page, 'meetings')
    await seen(page, 'city-meetings')
  },

  async 'a decision of a meeting is handed down with a form of its own, which the branch answers and a check as well'() {
    await page.locator('[data-test=decisions] a', { hasText: '把决定下达为任务' }).click()
    await page.locator('[data-test=from-meeting]', { hasText: '两新工委第二次会议' }).waitFor()
    await page.locator('[data-field=title]').fill('两新组织走访')
    await page.locator('label.field', { has: page.locator('[data-field=deadline]') }).locator('input').fill('2025-12-20')
    await page.locator('[data-field=level]').selectOption('branch')
    await page.locator('[data-field=review_depth]').selectOption('1')
    await page.locator('[data-test=add-field]').click()
    const field = page.locator('[data-test=form-field]')
    await field.locator('input').first().fill('走访户数')
    await field.locator('select').selectOption('number')
    await field.locator('input[type=checkbox]').check()
    await seen(page, 'city-issue-form')
    await page.locator('[data-test=issue]').click()
    await page.locator('[data-test=confirm]').click()
    await page.locator('[data-test=issued]').waitFor()
    await page.goto(city.url + '/#/meetings')
    await page.locator('[data-test=decisions] a', { hasText: '两新组织走访' }).waitFor()
    for (const s of [town, pc, town, pc]) await api(s, 'sync')
    const mine = (await get(pc, 'list/todo')).find((r) => r.title === '两新组织走访')
    await api(pc, 'do', ['acknowledge', mine.id])
    const branch = await open(pc.url, { path: '/#/record/' + encodeURIComponent(mine.id) })
    const form = branch.locator('form', { has: branch.locator('[data-test=extra]') })
    await form.locator('textarea').first().fill('走访完毕')
    await form.locator('button[type=submit]').click()
    await form.locator('label.field', { has: branch.locator('[data-extra=走访户数]') }).locator('.wrong', { hasText: '走访户数' }).waitFor() // at the field
    assert.equal(await form.locator('[data-extra=走访户数]').getAttribute('aria-invalid'), 'true')
    await form.locator('[data-extra=走访户数]').fill('12')
    await form.locator('.wrong').waitFor({ state: 'detached' })
    await accessible(branch, 'a report with a form of its own')
    await seen(branch, 'branch-form')
    await form.locator('button[type=submit]').click()
    await until('the answer is kept', async () => (await show(pc, mine.id)).fields.extra?.走访户数 === 12)
    assert.ok(!(await branch.locator('.steps').innerText()).includes('待终审'), 'one level of review is one step')
    assert.deepEqual(branch.problems, [])
    await branch.context().close()
    for (const s of [pc, town]) await api(s, 'sync')
    const office = await open(town.url, { path: '/#/record/' + encodeURIComponent(mine.id) })
    await office.locator('.facts', { hasText: '走访户数' }).waitFor()
    const check = office.locator('section.box', { hasText: '核查值' }).first()
    await check.locator('input.short').fill('1')
    await check.locator('[data-extra=走访户数]').fill('9')
    await check.getByRole('button', { name: '记核查' }).click()
    await until('what the check found is kept', async () => (await show(town, mine.id)).fields.verified_extra?.走访户数 === 9)
    assert.deepEqual(office.problems, [])
    await office.context().close()
  },

  async 'guidance is written beside the record and stays with it'() {
    const row = (await get(town, 'page/assignments?unit=' + kUnit)).rows[0]
    const office = await open(town.url, { path: '/#/record/' + encodeURIComponent(row.id) })
    const box = office.locator('[data-test=guidance]')
    await box.locator('summary').click()
    await box.locator('button[type=submit]').click()
    await box.locator('.wrong', { hasText: '请写指导的内容' }).waitFor()
    await box.locator('textarea').fill('到社区现场核对了签到表')
    await box.locator('button[type=submit]').click()
    await box.locator('li', { hasText: '现场核对了签到表' }).waitFor()
    await seen(office, 'township-guidance')
    assert.deepEqual(office.problems, [])
    await office.context().close()
  },

  async 'the township sees what looks like one problem twice, and merges it; both sources stay'() {
    await api(pc, 'new', ['rectification', 'problem=党群服务中心面积380平方米，未达到500平方米标准', 'source_type=自查'])
    await api(pc, 'sync')
    await api(town, 'new', ['rectification', 'problem=党群服务中心面积只有380平方米，没有达到500平方米的标准', 'source_type=巡察', 'responsible_unit_id=' + kUnit])
    townPage = await open(town.url, { path: '/#/duplicates' })
    const pair = townPage.locator('article.pair', { hasText: '380平方米' }).first()
    await pair.waitFor()
    assert.ok((await pair.locator('mark').allInnerTexts()).join('').includes('只有'))
    await seen(townPage, 'township-duplicates')
    const before = (await get(town, 'page/rectifications?unit=' + kUnit)).total
    await pair.getByRole('button', { name: '并入这一条' }).first().click()
    await toast('两个来源都留着', townPage)
    const rows = (await get(town, 'page/rectifications?limit=500&unit=' + kUnit)).rows
    assert.equal(rows.length, before, 'both records stay')
    assert.equal(rows.filter((r) => r.duplicate_of).length, 1)
    await until('the pair is gone', async () => (await townPage.locator('article.pair', { hasText: '只有380平方米' }).count()) === 0)
  },

  async 'evidence stands beside the review, added by drop and seen as a picture'() {
    const row = (await get(pc, 'page/assignments?unit=' + kUnit)).rows.find((r) => r.status === '办理中')
    const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
    const branch = await open(pc.url, { path: '/#/record/' + encodeURIComponent(row.id) })
    await branch.locator('button.link', { hasText: '返回' }).waitFor() // the list before it has a place for files as well
    const files = branch.locator('[data-test=files]')
    await files.waitFor()
    await branch.evaluate(([name, base64]) => {
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))
      const data = new DataTransfer()
      data.items.add(new File([bytes], name))
      document.querySelector('[data-test=files]').dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))
    }, ['现场照片.png', png])
    await files.locator('img').waitFor()
    await until('the picture is drawn', () => files.locator('img').evaluate((i) => i.complete && i.naturalWidth > 0))
    await seen(branch, 'branch-evidence')
    assert.deepEqual(branch.problems, [])
    // More is given while one is on its way: each takes its turn, and what was wrong with one stays.
    let letGo
    const held = new Promise((resolve) => (letGo = resolve))
    await branch.route('**/api/attach/**', async (r) => {
      await held
      await r.continue()
    })
    const file = (name, words) => ({ name, mimeType: 'text/plain', buffer: Buffer.from(words) })
    const input = files.locator('input[type=file]')
    await input.setInputFiles([file('签到表.txt', '三人')])
    await input.setInputFiles([file('空的.txt', ''), file('会议记录.txt', '议定两项')])
    letGo()
    for (const name of ['签到表', '会议记录']) await files.locator('li', { hasText: name }).waitFor()
    assert.match(await files.locator('.wrong').innerText(), /空的\.txt/)
    await branch.unroute('**/api/attach/**')
    assert.deepEqual(branch.problems, [])
    await branch.context().close()
    await api(pc, 'do', ['apply_close_out', row.id], { text: '请审核' })
    await api(pc, 'sync')
    await until('the content is at the township', async () => ((await show(town, row.id)).attachments ?? []).some((a) => a.name === '现场照片.png' && a.state === 'here'))
    await townPage.goto(town.url + '/#/queue')
    await townPage.locator(`[data-id="${row.id}"]`).click()
    await townPage.locator('.panel [data-test=files] img').waitFor()
    await seen(townPage, 'township-evidence')
  },

  async 'a task says level by level whom it has reached, and by name whom not'() {
    // Somewhere that the task means, it has not come: withdrawn there.
    const all = (await get(city, 'page/assignments?limit=50&task=' + issued)).rows
    await api(city, 'do', ['withdraw', all.find((r) => r.unit_id !== kUnit).id, 'reason=重复'])
    const told = await get(city, 'expected/' + issued)
    assert.equal(told.not_reached.length, told.expected - told.assigned)
    assert.ok(told.not_reached.length > 0 && told.units.length > 1)
    await page.goto(city.url + '/#/records?task=' + issued)
    const box = page.locator('[data-test=reach]')
    await box.locator('summary').click()
    await box.locator('tbody tr').nth(told.units.length).waitFor()
    assert.deepEqual((await box.locator('tbody tr').last().locator('td.n').allInnerTexts()).map(Number), [told.expected, told.assigned, told.acknowledged, told.landed])
    for (const u of told.not_reached) assert.ok((await box.locator('[data-test=not-reached]').innerText()).includes(u.name), u.name)
    // Opened, it leaves the table below it in sight.
    const [high, left] = await page.evaluate(() => ['[data-test=reach]', '.scroll.table'].map((x) => document.querySelector(x).getBoundingClientRect().height))
    assert.ok(high < innerHeightOf(page) / 2 && left > innerHeightOf(page) / 4, `${high} and ${left} px`)
    await accessible(page, 'whom a task reaches')
    await seen(page, 'city-reach')
    const county = told.units.find((u) => u.expected > 0)
    await box.locator('a', { hasText: county.name }).click()
    const below = await get(city, `expected/${issued}?unit=${county.id}`)
    await until('the county is shown', async () => (await box.locator('tbody tr').last().locator('td.n').first().innerText()) === String(below.expected))
  }
}

await main(tests, pages)
