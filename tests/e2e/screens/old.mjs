// Every page of every home in the browser at hand, which tools/chromium-86 makes the oldest one: each opens, says something
// and has no error; and what people do most is done once.
import assert from 'node:assert/strict'
import { api, enrol, join_, main, makeCity, open, picture, serve, show, until } from './harness.mjs'

const homes = {}
let page
const pages = () => [page].filter(Boolean)
const toast = (words) => page.locator('.el-message', { hasText: words }).first().waitFor()

/** Goes through the menu, each page until nothing is asked of the program any more. */
async function walk(home) {
  page = await open(homes[home].url)
  await page.locator('nav.menu a').first().waitFor()
  const paths = await page.locator('nav.menu a').evaluateAll((all) => all.map((a) => a.getAttribute('href')))
  assert.ok(paths.length >= 7, home)
  for (const path of paths) {
    await page.locator(`nav.menu a[href="${path}"]`).click()
    await page.locator(`nav.menu a.here[href="${path}"]`).waitFor()
    await page.locator('main h1').first().waitFor()
    await page.waitForLoadState('networkidle')
    assert.equal(await page.locator('main .note.bad').count(), 0, `${home} ${path}`)
    await picture(page, `old-${home}-${path.slice(2)}`)
    assert.deepEqual(page.problems, [], `${home} ${path}`)
  }
  await page.getByRole('button', { name: 'English' }).click()
  await page.locator('nav.menu a', { hasText: 'Excel' }).waitFor()
  assert.deepEqual(page.problems, [], home)
  await page.context().close()
  page = undefined
}

const tests = {
  async 'a branch reports by one key and by a form, and applies for close-out'() {
    makeCity()
    homes.city = await serve('city', 'taizhangd')
    join_(homes.city, 'K1', 'county')
    homes.county = await serve('county', 'taizhangd')
    join_(homes.county, 'K1-02', 'town')
    homes.township = await serve('town', 'taizhangd')
    enrol(homes.township, 'B03', 'pc')
    homes.branch = await serve('pc', 'taizhang')
    page = await open(homes.branch.url)
    await page.locator('[data-test=no-change]').waitFor()
    await page.keyboard.press('n')
    await toast('没有变化')
    await page.goto(homes.branch.url + '/#/record/A0019')
    await page.locator('form input[inputmode=decimal]').fill('3')
    await page.locator('form textarea').first().fill('已开展三次专题学习')
    await page.keyboard.press('Control+Enter')
    await toast('已保存')
    await page.locator('[data-step=apply_close_out]').click()
    await page.locator('.asked button[type=submit]').click()
    await until('it is applied for', async () => (await show(homes.branch, 'A0019')).state === '待初审')
    assert.deepEqual(page.problems, [])
    await page.context().close()
  },

  async 'a township passes it by one key'() {
    await api(homes.branch, 'sync')
    page = await open(homes.township.url, { path: '/#/queue' })
    await page.locator('[data-id=A0019]').click()
    await page.keyboard.press('p')
    await toast('已办 1 件')
    assert.equal((await show(homes.township, 'A0019')).state, '待复审')
    for (const home of ['township', 'county']) await api(homes[home], 'sync')
    assert.deepEqual(page.problems, [])
    await page.context().close()
    page = undefined
  },

  'every page of a branch opens': () => walk('branch'),
  'every page of a township opens': () => walk('township'),
  'every page of a county opens': () => walk('county'),
  'every page of the city opens': () => walk('city')
}

await main(tests, pages)
