// unlock.mjs - the PC of a branch that protects its keys by a passphrase is switched on in the morning: the icon, one
// question, and the work of the day.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import * as h from './harness.mjs'

const kPassphrase = '江城子-老夫聊发-少年狂'
process.env.BROWSER = '/bin/true' // what would be opened is opened here
let city, pc, page
const pages = () => [page].filter(Boolean)
const box = () => page.locator('dialog[open] [data-test=passphrase]')

await h.main(
  {
    async 'the icon opens one page that asks for the passphrase, with the cursor in it'() {
      h.makeCity()
      city = await h.serve('city', 'taizhangd')
      h.enrol(city, 'B03', 'pc')
      writeFileSync('words', kPassphrase + '\n', { mode: 0o600 })
      h.run('taizhang', 'pc', 'passphrase', '--file', resolve('words'))
      pc = await h.serve('pc', 'taizhang', 0, ['--browser'])
      page = await h.open('file://' + resolve('pc'), { path: '/launch.html' })
      await box().waitFor()
      assert.equal(new URL(page.url()).origin, pc.url)
      assert.ok(!page.url().includes('launch='), 'the token is out of the address line')
      assert.equal(await page.evaluate(() => document.activeElement.dataset.test), 'passphrase')
      assert.equal(await page.locator('nav.menu').count(), 0)
      await h.seen(page, 'unlock')
    },

    async 'it cannot be closed; an empty one and a wrong one are said in one clear line'() {
      await page.keyboard.press('Escape')
      assert.ok(await box().isVisible())
      await page.keyboard.press('Enter')
      await page.locator('dialog [role=alert]', { hasText: '请输入口令' }).waitFor()
      await page.keyboard.type('猜一个')
      await page.keyboard.press('Enter')
      await page.locator('dialog [role=alert]', { hasText: '口令不对' }).waitFor()
      assert.equal(await box().inputValue(), '', 'ready for the next try')
      assert.equal(await page.evaluate(() => document.activeElement.dataset.test), 'passphrase')
      await h.seen(page, 'unlock-wrong')
    },

    async 'what is typed is hidden until somebody wants to see it; a reload asks again'() {
      assert.equal(await box().getAttribute('type'), 'password')
      await page.keyboard.type(kPassphrase)
      await page.keyboard.press('Tab')
      await page.keyboard.press('Space')
      assert.equal(await box().getAttribute('type'), 'text')
      await page.reload()
      await box().waitFor()
      assert.equal(await box().inputValue(), '')
    },

    async 'the right one opens the list of what is due, and the day goes on'() {
      await page.keyboard.type(kPassphrase)
      await page.keyboard.press('Enter')
      await page.locator('[role=option]').first().waitFor()
      assert.equal(new URL(page.url()).origin, pc.url, 'at the same address')
      await page.locator('[data-test=no-change]').waitFor()
      await page.keyboard.press('n')
      await page.locator('dialog[open] [data-test=name]').waitFor()
      await page.keyboard.type('村文书')
      await page.keyboard.press('Enter')
      await page.locator('.el-message', { hasText: '没有变化' }).first().waitFor()
      await page.reload()
      await page.locator('[role=option]').first().waitFor()
      const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]))
      assert.ok(!kept.includes(kPassphrase), 'the browser keeps no passphrase')
    },

    async 'a page that was open when the PC was switched off asks again, and keeps what was typed'() {
      const area = page.locator('form textarea').first()
      await area.fill('停电以前写的半句')
      const port = pc.port
      await pc.stop('SIGKILL')
      await page.locator('.gone').waitFor()
      pc = await h.serve('pc', 'taizhang', port, ['--browser'])
      // This page has no address of the new start: it says how to open, and takes one.
      await page.locator('dialog[open] [data-test=launch]').waitFor()
      await page.keyboard.type(h.launchAddress(pc))
      await page.keyboard.press('Enter')
      await box().waitFor()
      await h.accessible(page, 'unlocking over the page')
      await h.picture(page, 'unlock-over')
      await page.keyboard.type(kPassphrase)
      await page.keyboard.press('Enter')
      await page.locator('dialog[open]').waitFor({ state: 'detached' }).catch(() => undefined)
      assert.equal(await page.locator('dialog[open]').count(), 0)
      assert.equal(await area.inputValue(), '停电以前写的半句')
      await page.locator('.gone').waitFor({ state: 'detached' })
      await area.press('Control+Enter')
      await page.locator('.el-message', { hasText: '已保存' }).first().waitFor()
    }
  },
  pages
)
