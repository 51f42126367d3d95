#!/usr/bin/env node
// run.mjs - the peers of the npm registry on the workload of tests/bench, beside plain SQLite and Taizhang in the same run.
//
// usage: tools/bench peers [--runs N] [--only NAME,NAME] [--dir DIR] [--keep] [--json]
//        tools/bench peers --check     only that the workload is read as the C++ program makes it; installs nothing
//
//   --runs N    rounds, default 3: medians, and from the least to the most
//   --only      of automerge yjs loro tinybase rxdb crsqlite
//   --dir DIR   where databases are made, default /var/tmp/taizhang-peers
//   --keep      leaves the installed packages in DIR/packages and uses those of the last time
//
// Each peer is installed in a folder of its own in DIR, which is gone afterwards: nothing of it is in the tree, and the
// programs that are shipped have no part of it. A peer that cannot be installed or fails is a line, not an end.
//
// Rounds are interleaved, every step is a process of its own, and a ratio is taken within its round, as in main.cpp.
import { execFileSync, spawnSync } from 'node:child_process'
import { copyFileSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, rmdirSync, writeFileSync } from 'node:fs'
import { loadavg } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { digestOf, readWorkload } from './workload.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const bench = process.env.TZ_BIN ? join(process.env.TZ_BIN, 'bench') : join(here, '../../../build/bin/bench')
const kStepMs = 15 * 60_000
const kInstallMs = 10 * 60_000

// What is not here and why: docs/PERFORMANCE.md, "The peers from npm".
const kWs = { ws: '8.22.0' }
const kPeers = {
    automerge: { '@automerge/automerge': '3.5.0', ...kWs },
    yjs: { yjs: '13.6.33', 'y-protocols': '1.0.7', ...kWs },
    loro: { 'loro-crdt': '1.17.1', ...kWs },
    tinybase: { tinybase: '10.0.1', ...kWs },
    rxdb: { rxdb: '17.6.0', rxjs: '7.8.2', ...kWs },
    crsqlite: { '@vlcn.io/crsqlite-wasm': '0.16.0', 'fake-indexeddb': '6.2.5', ...kWs },
}

const kLocal = [
    ['w1_s', 'insert, tx of 100, s', 3],
    ['w1d_s', '2,000 durable inserts, s', 3],
    ['w2_s', 'update, tx of 100, s', 3],
    ['w3_s', 'export, s', 3],
    ['w3_raw_mb', 'change set, MB', 2],
    ['w3_zstd_mb', 'change set, zstd -3, MB', 2],
    ['w4_s', 'apply in a fresh one, s', 3],
    ['w5_s', 'merge both ways, s', 3],
    ['w6_mb', 'disk after insert and update, MB', 2],
    ['w7_local_mib', 'peak above start, local, MiB', 1],
    ['w7_apply_mib', 'peak above start, apply, MiB', 1],
]
const kWire = [
    ['nothing', 'nothing new'],
    ['ten', 'ten one-field edits made away'],
    ['ten_open', 'ten more on an open connection'],
    ['first', 'first sync of 20,000 rows'],
    ['upload', 'the same rows sent up'],
]

const say = (...words) => process.stderr.write(words.join(' ') + '\n')

function dump(dir) {
    const digest = execFileSync(bench, ['--dump', dir], { encoding: 'utf8' }).trim()
    const workload = readWorkload(dir)
    const ours = digestOf(workload)
    if (ours !== digest) throw new Error(`the workload is read wrongly: ${ours} where the program says ${digest}`)
    return `${workload.rows.length} rows, ${workload.updates.length} updates, ${digest}`
}

/** What a peer's folder holds: its packages, and our scripts with its adapter as peer.mjs. Gives what went wrong. */
function install(name, folder) {
    mkdirSync(folder, { recursive: true })
    if (!existsSync(join(folder, 'installed'))) {
        writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies: kPeers[name] }))
        say(`installing ${name}`)
        const npm = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], {
            cwd: folder, encoding: 'utf8', timeout: kInstallMs, stdio: ['ignore', 'pipe', 'pipe'],
        })
        if (npm.status !== 0) return (npm.stderr ?? '').split('\n')[0] || 'npm took too long'
        writeFileSync(join(folder, 'installed'), '')
    }
    for (const file of readdirSync(here)) copyFileSync(join(here, file), join(folder, file))
    copyFileSync(join(here, name + '.mjs'), join(folder, 'peer.mjs'))
}

/** The JSON that a program prints, or a thrown line. */
function figuresOf(program, args, cwd) {
    const { status, stdout, stderr, error } = spawnSync(program, args, { cwd, encoding: 'utf8', timeout: kStepMs, maxBuffer: 1 << 26 })
    if (status === 0) return JSON.parse(stdout)
    const lines = (stderr ?? '').split('\n')
    throw new Error(lines.find((line) => /Error: /.test(line)) ?? error?.message ?? lines[0])
}

/** What a peer measured before it failed is kept; `failed` hears why. */
function runPeer(folder, data, dir, failed) {
    const out = { local: {}, wire: {} }
    const changes = join(dir, 'changes')
    const inFresh = (args) => {
        const work = join(dir, 'step')
        mkdirSync(work)
        try {
            return figuresOf('node', args(work), folder)
        } finally {
            rmSync(work, { recursive: true })
        }
    }
    const attempt = (step, work) => {
        try {
            work()
        } catch (failure) {
            failed(step, failure.message)
        }
    }
    for (const step of ['local', 'durable', 'apply', 'merge']) {
        attempt(step, () => {
            Object.assign(out.local, inFresh((work) => ['--expose-gc', 'step.mjs', step, data, work, changes]))
            if (step !== 'local' || !existsSync(changes)) return
            out.local.w3_zstd_mb = Number(execFileSync(bench, ['--packed', changes], { encoding: 'utf8' })) / 1e6
        })
    }
    attempt('wire', () => (out.wire = inFresh((work) => ['wire.mjs', data, work])))
    rmSync(changes, { force: true })
    return out
}

function runOwn(dir) {
    const { subjects } = figuresOf(bench, ['--only', 'plain,taizhang', '--runs', '1', '--json', '--dir', dir])
    const local = (subject) => Object.fromEntries(Object.entries(subject.figures).map(([key, f]) => [key, f.median]))
    const [plain, taizhang] = subjects.map(local)
    const { wire } = figuresOf(bench, ['--wire', '--runs', '1', '--json', '--dir', dir])
    return { plain: { local: plain, wire: {} }, taizhang: { local: taizhang, wire } }
}

function middle(values) {
    const sorted = [...values].sort((a, b) => a - b)
    const half = sorted.length >> 1
    return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2
}

/** Median, and from the least to the most if there are several; as `shown` writes them. */
function spread(values, shown) {
    if (!values.length) return '–'
    const [least, most] = [Math.min(...values), Math.max(...values)].map(shown)
    return shown(middle(values)) + (least === most ? '' : ` [${least}–${most}]`)
}

const numbers = (rounds, take) => rounds.map(take).filter((n) => typeof n === 'number' && !Number.isNaN(n))

function localCell(rounds, plain, key, decimals) {
    const has = numbers(rounds, (r) => r.local[key])
    const ratios = numbers(rounds, (r) => r.local[key] / plain[r.round].local[key])
    if (!has.length) return '–'
    const cell = middle(has).toFixed(decimals)
    return rounds === plain ? cell : `${cell} (${spread(ratios, (n) => n.toFixed(2))})`
}

function wireCell(rounds, key) {
    const of = (figure) => numbers(rounds, (r) => r.wire[key] && figure(r.wire[key]))
    const bytes = of((w) => w.up + w.down)
    if (!bytes.length) return '–'
    const asked = `${middle(of((w) => w.requests))} / ${middle(of((w) => w.messages ?? 0))}`
    const time = key === 'first' ? `, ${spread(of((w) => w.seconds), (n) => n.toFixed(2))} s` : ''
    return `${spread(bytes, (n) => Math.round(n).toLocaleString('en'))} B, ${asked}${time}`
}

function table(columns, title, lines) {
    const row = (cells) => `| ${cells.join(' | ')} |\n`
    return row([title, ...columns]) + row(['---', ...columns.map(() => '---')]) + lines.map(row).join('')
}

function report(results, runs, notes) {
    const names = Object.keys(results)
    const { plain } = results
    const local = kLocal.map(([key, label, decimals]) => [label, ...names.map((n) => localCell(results[n], plain, key, decimals))])
    const others = names.filter((n) => n !== 'plain')
    const wire = kWire.map(([key, label]) => [label, ...others.map((n) => wireCell(results[n], key))])
    return `Medians of ${runs} interleaved rounds; in brackets the ratio to plain SQLite, with the least and the most of the rounds.\n\n` +
        table(names, '', local) +
        '\nOn the wire over loopback: bytes both ways, HTTP headers and frames included, then HTTP requests / WebSocket messages.\n\n' +
        table(others, '', wire) + '\n' + notes.map((note) => note + '\n').join('')
}

const versionsOf = (name) => Object.entries(kPeers[name]).map(([p, version]) => `${p} ${version}`).join(', ')

function main() {
    const { values: options } = parseArgs({
        options: {
            runs: { type: 'string', default: '3' }, only: { type: 'string', default: Object.keys(kPeers).join() },
            dir: { type: 'string', default: '/var/tmp/taizhang-peers' },
            keep: { type: 'boolean' }, json: { type: 'boolean' }, check: { type: 'boolean' }, help: { type: 'boolean' },
        },
    })
    const runs = Number(options.runs)
    const wanted = options.only.split(',')
    const unknown = wanted.find((name) => !kPeers[name])
    if (options.help || unknown || !Number.isInteger(runs) || runs < 1) {
        const usage = readFileSync(fileURLToPath(import.meta.url), 'utf8').split('\n').slice(3, 11)
        process.stdout.write(usage.map((line) => line.replace(/^\/\/ ?/, '') + '\n').join(''))
        return options.help ? 0 : 2
    }
    options.dir = resolve(options.dir)
    const dir = join(options.dir, `run-${process.pid}`)
    const packages = options.keep ? join(options.dir, 'packages') : join(dir, 'packages')
    mkdirSync(dir, { recursive: true })
    try {
        const data = join(dir, 'data')
        const said = dump(data)
        if (options.check) return void process.stdout.write(`the workload is read as it is made: ${said}\n`)

        const notes = []
        const peers = wanted.filter((name) => {
            const why = install(name, join(packages, name))
            if (why) notes.push(`${name} (${versionsOf(name)}) could not be installed: ${why}`)
            return !why
        })
        const results = { plain: [], taizhang: [] }
        const loads = []
        for (let round = 0; round < runs; round++) {
            say(`round ${round + 1} of ${runs}: plain, taizhang`)
            const own = runOwn(join(dir, 'own'))
            for (const name in own) results[name].push({ round, ...own[name] })
            for (const name of peers) {
                say(`round ${round + 1} of ${runs}: ${name}`)
                const work = join(dir, name)
                mkdirSync(work, { recursive: true })
                const failed = (step, why) => notes.push(`${name}, round ${round + 1}, ${step}: failed: ${why}`)
                ;(results[name] ??= []).push({ round, ...runPeer(join(packages, name), data, work, failed) })
                loads.push(loadavg()[0])
            }
        }
        for (const name of peers) notes.push(`${name}: ${versionsOf(name)}`)
        notes.push(`Node.js ${process.versions.node}; load of the machine ${spread(loads, (n) => n.toFixed(1))}`)
        process.stdout.write(options.json ? JSON.stringify({ runs, results, notes }) + '\n' : report(results, runs, notes))
    } finally {
        rmSync(dir, { recursive: true, force: true })
        if (!readdirSync(options.dir).length) rmdirSync(options.dir) // it may be somebody's
    }
}

process.exitCode = main() ?? 0
