import { describe, expect, it } from 'vitest'
import catalog from '../../../schema/ledger.toml?raw'
import { words } from './words'
import { stateWords } from './words-states'

const sources = import.meta.glob(['./**/*.vue', './**/*.ts'], { query: '?raw', import: 'default', eager: true }) as Record<string, string>
const own = Object.entries(sources).filter(([path]) => !/\.test\.ts$|words[^/]*\.ts$/.test(path))
const kHan = /[\u4e00-\u9fff]/

describe('the catalogue of words', () => {
  it('has every word in both languages: Chinese in the one, none in the other', () => {
    for (const [key, [zh, en]] of Object.entries(words)) {
      expect(en.trim(), key).not.toBe('')
      expect(en, key).not.toMatch(kHan)
      // Signs and names of files read the same in both.
      if (/[a-z]{3}/i.test(zh.replace(/\b(Excel|Word|xlsx|docx|tzb|Ctrl|V)\b/g, ''))) expect(zh, key).toMatch(kHan)
    }
  })

  it('has Chinese signs in Chinese, and never those of English', () => {
    for (const [key, [zh, en]] of Object.entries(words)) {
      expect(zh, key).not.toMatch(/[\u3400-\u9fff\uff09][,;:?!(]|[,;(][\u3400-\u9fff]/)
      expect(en, key).not.toMatch(/[\uff01-\uff1f]/)
    }
  })

  it('has a name in English for every state of the catalog', () => {
    const states = [...catalog.matchAll(/^states = \[(.*)\]/gm)].flatMap((m) => [...m[1].matchAll(/"([^"]+)"/g)].map((x) => x[1]))
    expect(states.length).toBeGreaterThan(20)
    for (const s of states) expect(stateWords[s], s).toBeTruthy()
  })

  it('has a name in English for whatever a page offers to choose', () => {
    const lists = own.filter(([path]) => path.endsWith('.vue')).flatMap(([path, text]) => [...text.matchAll(/^const k\w+ = \[([^\]]*)\]/gm)].map((m) => ({ path, list: [...m[1].matchAll(/'([^']*[\u4e00-\u9fff][^']*)'/g)].map((x) => x[1]) })))
    const offered = lists.filter((l) => l.list.length)
    expect(offered.length).toBeGreaterThan(3)
    for (const { path, list } of offered) for (const s of list) expect(stateWords[s], `${path}: ${s}`).toBeTruthy()
  })

  it('has no word that nothing says', () => {
    const all = own.map(([, text]) => text).join('\n')
    // Put together where they are said: `sheet_${kind}`, 'light_' + colour.
    const prefixes = [...all.matchAll(/[`']([a-z]+_)(?:\$\{|' \+)/g)].map((m) => m[1])
    const suffixes = [...all.matchAll(/\+ '(_[a-z]+)'\)/g)].map((m) => m[1])
    const idle = Object.keys(words).filter((k) => !new RegExp(`['"\`]${k}['"\`]`).test(all) && !prefixes.some((p) => k.startsWith(p)) && !suffixes.some((s) => k.endsWith(s)))
    expect(idle).toEqual([])
  })
})

describe('the screens', () => {
  it('say nothing in Chinese but by the catalogue', () => {
    const said: string[] = []
    for (const [path, text] of own) {
      const template = /<template>([\s\S]*)<\/template>/.exec(text)?.[1] ?? ''
      // The switch of the language names the other one in its own words.
      const plain = template.replace(/<!--[\s\S]*?-->/g, '').replace("'中文'", '')
      for (const line of plain.split('\n')) if (kHan.test(line)) said.push(`${path}: ${line.trim()}`)
    }
    expect(said).toEqual([])
  })

  it('never put a text into the page as HTML', () => {
    for (const [path, text] of own) expect(text, path).not.toMatch(/v-html|innerHTML|insertAdjacentHTML|document\.write/)
  })
})
