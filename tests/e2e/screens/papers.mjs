// Ledgers out to Excel and in again with a trial first; circulars; stocktakes side by side; the burden meter; print.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { api, accessible, enrol, join_, main, makeCity, open, paste, pictures, seen, serve, show, until } from './harness.mjs'

const kTown = 'K1-02'
const kUnit = 'B03'
const demo = JSON.parse(readFileSync(join(process.env.TZ_ROOT, 'schema/demo/yunxiu.json'), 'utf8'))
let city, town, pc, page, townPage, pcPage
const pages = () => [page, townPage, pcPage].filter(Boolean)
const toast = (words, on) => on.locator('.el-message', { hasText: words }).first().waitFor()
const get = async (server, path) => (await fetch(`${server.url}/api/${path}`)).json()
const python = (code, ...args) => {
  const p = spawnSync('python3', ['-c', code, ...args], { encoding: 'utf8' })
  assert.equal(p.status, 0, p.stderr)
  return p.stdout
}
const inZip = (file, name) => python('import sys,zipfile; sys.stdout.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]).decode())', file, name)

async function download(on, press, name) {
  const [file] = await Promise.all([on.waitForEvent('download'), press()])
  const path = join(process.cwd(), name)
  await file.saveAs(path)
  return { path, suggested: file.suggestedFilename() }
}

const tests = {
  async 'a ledger leaves as a workbook with the prescribed titles'() {
    makeCity()
    city = await serve('city', 'taizhangd')
    join_(city, kTown, 'town')
    town = await serve('town', 'taizhangd')
    enrol(town, kUnit, 'pc')
    pc = await serve('pc', 'taizhang')
    await api(town, 'set', ['A0019', 'remark=待改的备注'])
    townPage = await open(town.url, { path: '/#/records' })
    await townPage.locator('tbody tr').first().waitFor()
    const { path, suggested } = await download(townPage, () => townPage.locator('[data-test=export]').click(), 'out.xlsx')
    await toast('已导出 任务台账', townPage)
    assert.match(suggested, /^任务台账-\d{8}\.xlsx$/)
    const strings = inZip(path, 'xl/sharedStrings.xml')
    for (const title of demo.ledger_headers['任务台账'] ?? Object.values(demo.ledger_headers)[0]) assert.ok(strings.includes(title), title)
  },

  async 'a long export says how much it is and for how long, and other pages go on meanwhile'() {
    let letGo
    const held = new Promise((resolve) => (letGo = resolve))
    await townPage.route('**/api/export-xlsx/**', async (r) => {
      await held
      await r.continue()
    })
    const total = await townPage.evaluate(() => Number(/共 (\d+) 条/.exec(document.querySelector('main').innerText)[1]))
    const making = townPage.locator('[data-test=making]')
    await townPage.locator('[data-test=export]').click()
    await making.filter({ hasText: new RegExp(`正在导出任务台账.\\s*共 ${total} 行.\\s*已用`) }).waitFor()
    await townPage.locator('nav.menu a', { hasText: '支部与灯' }).click()
    await townPage.locator('[role=table]', { hasText: '老码头社区党支部' }).waitFor()
    await making.filter({ hasText: /已用 [1-9]\d* 秒/ }).waitFor()
    await seen(townPage, 'township-exporting')
    const coming = townPage.waitForEvent('download')
    letGo()
    assert.match((await coming).suggestedFilename(), /^任务台账-\d{8}\.xlsx$/)
    await making.waitFor({ state: 'detached' })
    await townPage.unroute('**/api/export-xlsx/**')
  },

  async 'a workbook that came back unchanged changes nothing, and one that was edited says what before it does it'() {
    await townPage.goto(town.url + '/#/sheets')
    await townPage.locator('[data-test=sheet-file]').setInputFiles('out.xlsx')
    const trial = townPage.locator('[data-test=trial]')
    await trial.locator('text=没有要改的').waitFor()
    assert.ok(await trial.locator('[data-test=apply]').isDisabled())
    python(
      `import zipfile
old = zipfile.ZipFile('out.xlsx'); new = zipfile.ZipFile('edited.xlsx', 'w', zipfile.ZIP_DEFLATED)
for n in old.namelist():
    data = old.read(n)
    if n == 'xl/sharedStrings.xml':
        assert '待改的备注' in data.decode()
        data = data.decode().replace('待改的备注', '在Excel里改好的备注').encode()
    new.writestr(n, data)
new.close()`
    )
    await townPage.locator('[data-test=sheet-file]').setInputFiles('edited.xlsx')
    const row = trial.locator('[data-test=rows] tbody tr')
    await row.locator('ins', { hasText: '在Excel里改好的备注' }).waitFor()
    assert.equal(await row.count(), 1)
    assert.match(await row.innerText(), /△ 将修改/)
    assert.match(await row.innerText(), /待改的备注/)
    assert.equal((await show(town, 'A0019')).fields.remark, '待改的备注', 'a trial writes nothing')
    await seen(townPage, 'township-excel')
    await trial.locator('[data-test=apply]').click()
    await toast('修改 1 行', townPage)
    await trial.locator('h2', { hasText: '导入结果' }).waitFor()
    assert.equal((await show(town, 'A0019')).fields.remark, '在Excel里改好的备注')
  },

  async 'of several workbooks at once the first is tried, and the page says that it was one'() {
    const place = townPage.locator('.drop')
    await place.evaluate((target) => {
      const data = new DataTransfer()
      for (const name of ['甲.xlsx', '乙.xlsx']) data.items.add(new File(['x'], name))
      target.dispatchEvent(new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))
    })
    const told = townPage.locator('.wrong', { hasText: '先看 甲.xlsx' })
    await told.waitFor()
    await townPage.locator('[data-test=trial] .note.bad').waitFor()
    await townPage.locator('[data-test=sheet-file]').setInputFiles('out.xlsx')
    await told.waitFor({ state: 'detached' })
  },

  async 'a file that is no workbook is refused in words'() {
    writeFileSync('no.xlsx', 'not a workbook')
    await townPage.locator('[data-test=sheet-file]').setInputFiles('no.xlsx')
    await townPage.locator('[data-test=trial] .note.bad').waitFor()
    await seen(townPage, 'township-excel-bad')
  },

  async 'a table pasted from Excel is tried first: new, changed, refused and why'() {
    await townPage.goto(town.url + '/#/records')
    await townPage.locator('tbody tr').first().waitFor()
    const titles = ['任务名称', '责任单位', '完成时限', '备注']
    const task = demo.tasks.find((x) => x.id === 'T2025-01').title
    const table = (rows) => [titles, ...rows].map((r) => r.join('\t')).join('\r\n')
    await paste(townPage, table([[task, '老码头社区', '不知道哪天', '']]))
    await townPage.waitForURL(/#\/sheets/)
    const trial = townPage.locator('[data-test=trial]')
    const fault = trial.locator('[data-test=faults] tbody tr').first()
    await fault.waitFor()
    assert.match(await fault.innerText(), /2[\s\S]*完成时限/)
    assert.ok(await trial.locator('[data-test=apply]').isDisabled(), 'with a fault nothing is taken')
    await accessible(townPage, 'faults of a pasted table')

    await paste(townPage, table([
      [task, '老码头社区', '', '"贴进来的\n备注"'],
      [task, '没有的支部', '2025-12-31', '找不到单位'],
      ['没有的任务', '老码头社区', '2025-12-31', '']
    ]))
    const rows = trial.locator('[data-test=rows] tbody tr')
    await until('three rows', async () => (await rows.count()) === 3)
    const texts = await rows.allInnerTexts()
    assert.equal(texts.filter((x) => x.includes('✗ 不能写入')).length, 2, texts.join('\n'))
    assert.ok(texts.some((x) => x.includes('没有的支部') && x.includes('责任单位')), 'the reason names the unit')
    assert.ok(texts.some((x) => x.includes('△ 将修改') && x.includes('贴进来的')))
    await seen(townPage, 'township-pasted')
    await trial.locator('[data-test=apply]').click()
    await toast('修改 1 行', townPage)
    assert.equal((await show(town, 'A0019')).fields.remark, '贴进来的\n备注')
  },

  async 'cells pasted without their titles are those of the ledger, and the branch registers problems so'() {
    pcPage = await open(pc.url, { path: '/#/sheets' })
    await pcPage.locator('[data-test=kind]').selectOption('rectifications')
    const box = pcPage.locator('[data-paste]')
    await box.focus()
    await paste(pcPage, '1\t自查\t2025-11-01\t活动室桌椅不够用\t\t限期整改\t\t\t\t老码头社区\r\n', '[data-paste]')
    const row = pcPage.locator('[data-test=rows] tbody tr')
    await row.first().waitFor()
    assert.match(await row.innerText(), /^1\s[\s\S]*\+ 将新增/)
    await pcPage.locator('.note', { hasText: '没有表头' }).waitFor()
    const before = (await get(pc, 'page/rectifications')).total
    await pcPage.locator('[data-test=apply]').click()
    await toast('新增 1 行', pcPage)
    assert.equal((await get(pc, 'page/rectifications')).total, before + 1)
    await pcPage.locator('[data-test=rows] a').first().click()
    await pcPage.locator('.panel h2', { hasText: '桌椅不够用' }).waitFor()
  },

  async 'the attendance sheet of a meeting leaves from its page'() {
    page = await open(city.url, { path: '/#/meetings' })
    await page.locator('[data-test=attendance]').waitFor()
    const { path, suggested } = await download(page, () => page.locator('[data-test=export]').click(), 'attendance.xlsx')
    assert.match(suggested, /^调度会签到表-/)
    assert.ok(inZip(path, 'xl/sharedStrings.xml').includes('应到人员及职务'))
  },

  async 'a circular is composed from findings and figures, and looks as it will on paper'() {
    // The two months that ended last have none yet: the city's own list says so, and leads here.
    await page.goto(city.url + '/#/todo')
    const due = page.locator('[data-test=circular-due]')
    await due.locator('h2', { hasText: '编发 2025年9-10月 综合通报' }).waitFor()
    await seen(page, 'city-todo')
    assert.doesNotMatch(await page.locator('.list-side .keys').innerText(), /填报|签收/, 'no keys for what is not there')
    await due.locator('a', { hasText: '去编写通报' }).click()
    await page.locator('[data-test=compose]').waitFor()
    await page.locator('.sheet .title').waitFor()
    await seen(page, 'city-circulars')
    await page.locator('[data-test=compose]').click()
    await page.locator('[data-test=issue]').click()
    await page.locator('.wrong', { hasText: '至少选一项' }).waitFor()
    await page.locator('[data-finding="ZG2025-02"]').check()
    await page.locator('[data-test=source]').selectOption('overturned')
    await page.locator('[data-finding]').first().check()
    await page.locator('[data-test=source]').selectOption('units')
    await page.getByRole('combobox', { name: '单位' }).fill('竹塘街道机关')
    await page.getByRole('combobox', { name: '单位' }).press('Enter')
    await page.locator('[data-test=count]', { hasText: '已选 3 项' }).waitFor()
    await page.getByLabel('不推不动').check()
    await page.locator('[data-field=period]').fill('9—10月')
    const paper = page.locator('[data-test=paper]')
    await paper.locator('.title', { hasText: '9—10月' }).waitFor()
    await paper.locator('.body', { hasText: '催办后四天内才报' }).waitFor()
    assert.match(await paper.locator('.number').innerText(), /^综合通报〔2025〕第\d+号$/)
    assert.match(await paper.innerText(), /老码头社区[\s\S]*竹塘街道机关/)
    const before = (await get(city, 'list/circular')).length
    await seen(page, 'city-circular-compose')
    const text = page.locator('[data-field=text]')
    await text.fill((await text.inputValue()) + '\n<img src=x onerror="window.broken=1">另附一句话。')
    await paper.locator('.body', { hasText: '另附一句话' }).waitFor()
    assert.equal(await page.evaluate(() => window.broken), undefined, 'script in a text is inert')
    await page.locator('[data-field=text]').fill((await text.inputValue()).replace(/<img[^>]*>/, ''))
    await page.reload()
    await page.locator('[data-test=compose]').click()
    await page.locator('[data-test=count]', { hasText: '已选 3 项' }).waitFor()
    assert.match(await page.locator('[data-field=text]').inputValue(), /另附一句话/, 'a draft is kept')
    assert.equal((await get(city, 'list/circular')).length, before, 'nothing was issued yet')
  },

  async 'a marking of secrecy is refused at the text, and nothing is lost'() {
    const text = page.locator('[data-field=text]')
    const good = await text.inputValue()
    await text.fill(good + '\n【机密】')
    await page.locator('label.field', { has: text }).locator('.wrong', { hasText: '涉密' }).waitFor()
    assert.ok((await text.inputValue()).includes('【机密】'))
    await accessible(page, 'circular with an error')
    await text.fill(good)
  },

  async 'an issued circular has its number, its Word file, and the named unit with what it must do'() {
    await page.locator('[data-test=paper] .body', { hasText: '另附一句话' }).waitFor()
    await page.locator('[data-test=issue]').click()
    await page.locator('[data-test=confirm]').click()
    await toast('已印发 综合通报〔2025〕', page)
    await page.waitForURL(/#\/circulars\/TB-/)
    const id = decodeURIComponent(page.url().split('/').pop())
    const named = page.locator('[data-test=named] li')
    await until('three units', async () => (await named.count()) === 3)
    assert.ok(await named.locator('a', { hasText: '打开问题' }).count(), 'linked to its problem')
    const { path, suggested } = await download(page, () => page.locator('[data-test=docx]').click(), 'circular.docx')
    assert.match(suggested, /^综合通报〔2025〕第\d+号-\d{8}\.docx$/)
    const xml = inZip(path, 'word/document.xml')
    assert.ok(xml.includes('另附一句话') && xml.includes('方正小标宋') && xml.includes('老码头社区'))
    await seen(page, 'city-circular')
    assert.ok(!(await get(city, 'list/todo')).some((r) => r.kind === 'circular_due'), 'it is written')
    for (const s of [town, pc]) await api(s, 'sync')
    await pcPage.goto(pc.url + '/#/todo')
    await pcPage.locator(`[data-id="${id}"]`).click()
    const card = pcPage.locator('[data-test=circular]')
    await card.waitFor()
    assert.match(await card.innerText(), /要做什么[\s\S]*整改[\s\S]*ZG2025-02/)
    await seen(pcPage, 'branch-named')
    await card.locator('a', { hasText: '看全文' }).click()
    await pcPage.locator('.sheet .title', { hasText: '9—10月' }).waitFor()
    assert.equal(await pcPage.locator('[data-test=compose]').count(), 0, 'a branch reads circulars')
    await pcPage.goBack()
    await pcPage.locator(`[data-id="${id}"]`).click()
    await pcPage.locator('[data-test=circular] a', { hasText: 'ZG2025-02' }).click()
    await pcPage.locator('.panel h2', { hasText: '实测面积380平方米' }).waitFor()
  },

  async 'a stocktake is frozen, compared with later figures, and opens the records behind them'() {
    await page.goto(city.url + '/#/stocktake')
    await page.locator('[data-test=freeze]').waitFor()
    await page.locator('.empty', { hasText: '还没有盘点' }).waitFor()
    await seen(page, 'city-stocktake-empty')
    await page.locator('[data-test=freeze]').click()
    await page.locator('.wrong', { hasText: '请写盘点的名称' }).waitFor()
    await page.locator('[data-field=title]').fill('十一月盘点')
    await page.locator('[data-test=freeze]').click()
    await toast('已冻结', page)
    const table = page.locator('[data-test=compare]')
    await table.waitFor()
    assert.equal(await table.locator('tr.differs').count(), 0, 'nothing has changed since')
    const checks = Number(await table.locator('tr', { hasText: '核查次数' }).locator('td.n').first().innerText())
    await api(city, 'set', ['A0019', 'verified_value=1'])
    await page.locator('[data-field=title]').fill('第二次盘点')
    await page.locator('[data-test=freeze]').click()
    await toast('已冻结：第二次', page)
    const options = () => page.locator('[data-test=from] option').evaluateAll((all) => all.map((o) => [o.value, o.textContent]))
    await until('both can be chosen', async () => (await options()).length === 2)
    const ids = await options()
    await page.locator('[data-test=from]').selectOption(ids.find(([, x]) => x.includes('十一月'))[0])
    await page.locator('[data-test=to]').selectOption(ids.find(([, x]) => x.includes('第二次'))[0])
    const line = table.locator('tr.differs', { hasText: '核查次数' })
    await line.waitFor()
    assert.deepEqual((await line.locator('td.n').allInnerTexts()).map(Number), [checks, checks + 1])
    assert.match(await line.innerText(), /↑ 增加 1/)
    await seen(page, 'city-stocktake')
    await page.getByLabel('只看有变化的').check()
    assert.equal(await table.locator('tbody tr:not(.sum):not(.differs)').count(), 0)
    await table.locator('tr', { hasText: '知道的与实际的差' }).locator('a').click()
    await page.locator('[data-test=behind] tbody tr').first().waitFor()
    const behind = await get(city, 'behind/G1')
    await page.locator('[role=status]', { hasText: `${behind.of} 条中计入 ${behind.hits} 条` }).waitFor()
    await seen(page, 'city-behind')
    await page.locator('[data-test=behind] a').first().click()
    await page.locator('.panel h3', { hasText: '经过' }).waitFor()
  },

  async 'ledgers print as A4 landscape: the head on page 2 as well, a line to sign at the end'() {
    await page.goto(city.url + '/#/records')
    await page.locator('tbody tr').nth(49).waitFor()
    const file = join(pictures, 'ledger.pdf')
    await page.pdf({ path: file, preferCSSPageSize: true })
    const info = spawnSync('pdfinfo', [file], { encoding: 'utf8' }).stdout
    const [, wide, high] = /Page size:\s+([\d.]+) x ([\d.]+)/.exec(info)
    assert.ok(Math.abs(wide - 841.9) < 1.5 && Math.abs(high - 595.3) < 1.5, `A4 landscape, not ${wide} x ${high}`)
    const sheets = spawnSync('pdftotext', ['-layout', file, '-'], { encoding: 'utf8' }).stdout.split('\f').filter((s) => s.trim())
    assert.ok(sheets.length >= 2, 'more than one sheet')
    assert.match(sheets[1].replace(/ /g, ''), /序号.*事项.*单位.*状态/, 'the head is repeated on page 2')
    const last = sheets[sheets.length - 1].replace(/ /g, '')
    assert.match(last, /经办人（签字）：_+/)
    assert.match(last, /负责人（签字）：_+/)
    assert.ok(!sheets.join('').includes('导出 Excel'), 'buttons are not printed')
  }
}

await main(tests, pages)
