// A large city behind the tables and in the tree: every page comes from the program, only what is seen is drawn.
// usage: scale.mjs DATA
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { accessible, api, main, memory, open, picture, serve, sleep, until } from './harness.mjs'

/**
 * Wide: on a machine of its own a page takes a fifth of a second, and a fault here (a list that reads all records for
 * each page) costs ten times that. With more to do than cores the limits grow by that.
 */
const kPageMs = 3000
const kReviewMs = 15_000
const kAnswerMs = 1000
const kLongTaskMs = 250
const kRowsDrawn = 120

const data = process.argv.splice(2, 1)[0]
let city, page, all
const pages = () => [page].filter(Boolean)
const busy = () => Math.max(1, loadavg()[0] / cpus().length)
const get = async (path) => (await fetch(`${city.url}/api/${path}`)).json()
const rows = () => page.locator('tbody tr')

async function took(what, limit, work) {
  const began = Date.now()
  const got = await work()
  const ms = Date.now() - began
  console.log(`    ${what}: ${ms} ms (limit ${limit}, load of a core ${busy().toFixed(1)})`)
  assert.ok(ms <= limit * busy(), `${what} took ${ms} ms, the limit is ${limit}`)
  return got
}

/** What kept the page from answering, in ms. */
async function longest() {
  return page.evaluate(() => {
    const list = window.longTasks.splice(0)
    return Math.round(Math.max(0, ...list))
  })
}

/** A page that waits for a processor stands still as well: only a machine with room says anything about the page. */
function stoodStill(ms) {
  if (busy() < 2.5) assert.ok(ms < kLongTaskMs * busy(), `the page stood still for ${ms} ms`)
}

const tests = {
  async 'a list of all assignments opens, and is cut by the program'() {
    city = await serve(data, 'taizhangd')
    const units = await get('units')
    all = (await get('page/assignments?limit=1')).total
    console.log(`    ${units.length} units, ${all} assignments`)
    // Whoever opens the review first has all records read; meanwhile the others are served.
    const first = get('review')
    await sleep(200)
    for (const path of ['pulse', 'page/assignments?limit=50', 'list/tasks']) await took(`${path} while the first review is read`, kAnswerMs, () => get(path))
    await first
    page = await open(city.url, { path: '/#/sample' })
    await page.locator('[data-test=draw]').waitFor()
    await page.evaluate(() => {
      window.longTasks = []
      new PerformanceObserver((l) => window.longTasks.push(...l.getEntries().map((e) => e.duration))).observe({ entryTypes: ['longtask'] })
    })
    await took('first page of all assignments', kPageMs, async () => {
      await page.locator('nav a', { hasText: '台账查询' }).click()
      await rows().nth(49).waitFor()
    })
    assert.equal(await rows().count(), 50)
    assert.match(await page.locator('main .whole').innerText(), new RegExp(`共 ${all} 条`))
  },

  async 'the next page, one state, one unit and a number are found at once'() {
    await took('next page', kPageMs, async () => {
      await page.getByRole('button', { name: '下一页' }).click()
      await page.locator('tbody td', { hasText: /^51$/ }).waitFor()
    })
    await took('one state', kPageMs, async () => {
      await page.getByLabel('状态').selectOption('办理中')
      await until('all are of that state', async () => (await rows().count()) === 50 && (await page.locator('tbody tr td:nth-child(4)').allInnerTexts()).every((x) => x === '办理中'))
    })
    await page.getByLabel('状态').selectOption('')
    const branch = (await get('units')).filter((u) => u.level === 'branch').pop()
    await took('one unit of all of them, typed', kPageMs, async () => {
      await page.getByRole('combobox', { name: '单位' }).fill(branch.name)
      await page.getByRole('combobox', { name: '单位' }).press('Enter')
      await page.waitForFunction((n) => document.querySelectorAll('tbody tr').length < n, 50)
    })
    for (const name of await page.locator('tbody tr td:nth-child(3)').evaluateAll((cells) => cells.map((c) => c.title))) assert.equal(name, branch.name)
    await accessible(page, 'records of one unit')
    await picture(page, 'city-records-unit')
    const worst = await longest()
    console.log(`    the longest that the page did not answer: ${worst} ms`)
    stoodStill(worst)
  },

  async 'the last page is as near as the first'() {
    await took('last page', kPageMs, () => get(`page/assignments?limit=50&offset=${all - 50}`))
    await took('a word in titles', kPageMs, () => get(`page/assignments?limit=50&search=${encodeURIComponent('党')}`))
    await took('a sample of ten', 2 * kPageMs, () => get('page/assignments?sample=10&limit=10'))
  },

  async 'every answer that a page asks for comes within a second'() {
    const units = await get('units')
    const county = units.find((u) => u.level === 'county').id
    const branch = units.filter((u) => u.level === 'branch').pop().id
    const one = (await get('page/assignments?limit=1')).rows[0]
    await get('review') // the first time reads all records, once for as long as the program runs
    const figures = ['G1', 'G3', 'G4', 'D1', 'D2', 'D2help', 'D3', 'D4', 'D4unmoved', 'red', 'green']
    const reads = [
      'pulse', 'status?short=1', 'units', 'catalog', 'drafts', 'list/tasks', 'list/conflicts', 'list/circular', 'list/meeting', 'list/attendance', 'list/stocktake', 'meetings',
      'review', `review?unit=${county}`, `review?unit=${branch}`, 'overview', `overview?unit=${county}`, 'duplicates', 'unanswered?limit=50',
      'burden?month=2025-10', `burden?month=2025-10&unit=${county}`, `show/${one.id}`, `show/${one.task_id}`, 'search/党建', 'list/guidance',
      ...figures.flatMap((f) => [`behind/${f}?limit=50`, `behind/${f}?limit=50&unit=${county}`, `behind/${f}?limit=50&unit=${branch}`]),
      'behind/D4?limit=50&offset=100000',
      'page/assignments?state=待初审,待复审,待终审&limit=200', 'page/rectifications?state=待初审,待复审,待终审&limit=200', 'page/rectifications?limit=200',
      'page/help_requests?limit=200', 'page/appeals?limit=200', `page/assignments?unit=${county}&limit=50`, `page/assignments?unit=${branch}&limit=50`,
      `page/assignments?task=${one.task_id}&limit=50`, 'page/assignments?sample=10&limit=10&state=已办结'
    ]
    const slow = []
    const timed = async (what, work) => {
      const began = Date.now()
      const got = await work()
      const ms = Date.now() - began
      assert.ok(!got.error, `${what}: ${got.error?.line}`)
      if (ms > 200) console.log(`    ${what}: ${ms} ms`)
      if (ms > kAnswerMs * busy()) slow.push(`${what}: ${ms} ms`)
    }
    for (const path of reads) await timed(path, () => get(encodeURI(path)))
    const trial = { 'dry-run': '1', dry_run: '1' }
    await timed('issue, tried', () => api(city, 'issue', ['title=试一试', 'deadline=2025-12-20', 'indicator=试一试的指标'], { level: 'branch', ...trial }))
    await timed('circular, tried', () => api(city, 'circular', [branch], { kind: 'general', figures: 'checked,mean,G1,G3,D4', ...trial }))
    await timed('stocktake', () => api(city, 'stocktake', ['盘点一']))
    const frozen = (await get('list/stocktake'))[0].id
    await timed('compare', () => get(`compare/${frozen}`))
    await timed('export of one unit', () => get(`export-xlsx/assignments?unit=${branch}`))
    assert.deepEqual(slow, [], `slower than ${kAnswerMs} ms at a load of one`)
  },

  async 'the whole tree scrolls, and only what is seen is drawn'() {
    await page.locator('nav a', { hasText: '单位与灯' }).click()
    await page.locator('.line').nth(10).waitFor()
    const total = Number(await page.locator('[role=table]').getAttribute('aria-rowcount')) - 1
    console.log(`    ${total} rows in the tree`)
    await longest()
    const drawn = await page.evaluate(async () => {
      const box = document.querySelector('[role=table]')
      let most = 0
      for (let i = 0; i <= 40; i++) {
        box.scrollTop = (box.scrollHeight * i) / 40
        await new Promise((r) => requestAnimationFrame(() => requestAnimationFrame(r)))
        most = Math.max(most, document.querySelectorAll('.line').length)
      }
      return most
    })
    const worst = await longest()
    console.log(`    ${drawn} rows drawn at most; the longest that scrolling stood still: ${worst} ms`)
    assert.ok(drawn <= kRowsDrawn, `${drawn} rows are drawn`)
    stoodStill(worst)
    assert.equal((await page.locator('.line').last().locator('[role=cell]').first().innerText()).trim(), String(total), 'the last one is reached')
    await picture(page, 'city-tree')
  },

  async 'the review comes, and the page answers while it is counted'() {
    await longest()
    await took('review', kReviewMs, async () => {
      await page.locator('nav a', { hasText: '综合研判' }).click()
      await page.locator('.card').nth(8).waitFor({ timeout: kReviewMs * busy() })
    })
    await page.locator('[data-test=heat] tbody tr').first().waitFor({ timeout: kReviewMs * busy() })
    const worst = await longest()
    console.log(`    the longest that the page did not answer: ${worst} ms`)
    await picture(page, 'city-review-large')
  },

  async 'what the program and the browser keep in memory'() {
    const status = readFileSync(`/proc/${city.process.pid}/status`, 'utf8')
    const mbOf = (name) => Math.round(Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)[1]) / 1024)
    const { program, browser } = memory(city.process.pid)
    console.log(`    program: PSS ${Math.round(program)} MB, resident ${mbOf('VmRSS')}, at most ${mbOf('VmHWM')}; browser with all its processes: PSS ${Math.round(browser)} MB`)
    assert.ok(program > 0 && browser > 0)
  }
}

await main(tests, pages)
