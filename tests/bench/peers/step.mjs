// step.mjs - one step of the workload with one peer, in a process of its own; run.mjs starts it in the peer's throw-away
// folder, where the peer's adapter is peer.mjs. usage: node --expose-gc step.mjs STEP DATA DIR CHANGES
//
// The steps and their checks are those of main.cpp: a fast wrong answer is no answer. Prints its figures as JSON.
import { mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import * as peer from './peer.mjs'
import { expectRows, kSameColumn, readWorkload, rowsAfter } from './workload.mjs'

const kPerTx = 100
const kDurableRows = 2000

const [step, data, dir, changesFile] = process.argv.slice(2)
const workload = readWorkload(data)
const { rows, updates } = workload

async function secondsOf(work) {
    const start = process.hrtime.bigint()
    await work()
    return Number(process.hrtime.bigint() - start) / 1e9
}

const peakMiB = () => Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) / 1024
function startOfPeakMiB() {
    globalThis.gc()
    try {
        writeFileSync('/proc/self/clear_refs', '5') // the mark falls to what is held now
    } catch {
        // not allowed here: the peak so far is the start
    }
    return peakMiB()
}

function megabytesIn(folder) {
    const sizes = readdirSync(folder, { recursive: true }).map((name) => statSync(join(folder, name)))
    return sizes.reduce((sum, s) => sum + (s.isFile() ? s.size : 0), 0) / 1e6
}

async function open(name) {
    const folder = join(dir, name)
    mkdirSync(folder)
    const replica = new peer.Replica(folder)
    await replica.ready
    return replica
}

async function local() {
    const out = {}
    const start = startOfPeakMiB()
    const replica = await open('local')
    out.w1_s = await secondsOf(() => replica.insert(rows, kPerTx))
    out.w2_s = await secondsOf(() => replica.update(rows, updates, kPerTx))
    let changes
    if (replica.exportChanges) out.w3_s = await secondsOf(async () => (changes = await replica.exportChanges()))
    out.w7_local_mib = peakMiB() - start
    if (changes) {
        out.w3_raw_mb = changes.length / 1e6
        writeFileSync(changesFile, changes)
    }
    expectRows(await replica.rows(), rowsAfter(workload, updates), 'update')
    await replica.close()
    if (!peer.kInMemory) out.w6_mb = megabytesIn(dir)
    return out
}

async function durable() {
    if (peer.kInMemory || peer.kSavesLate) return {}
    const some = rows.slice(0, kDurableRows)
    const replica = await open('durable')
    const out = { w1d_s: await secondsOf(() => replica.insert(some, 1)) }
    expectRows(await replica.rows(), new Map(some.map((row) => [row.id, row])), 'durable insert')
    await replica.close()
    return out
}

async function apply() {
    if (!peer.Replica.prototype.apply) return {}
    const start = startOfPeakMiB()
    const changes = readFileSync(changesFile)
    const replica = await open('apply')
    const out = { w4_s: await secondsOf(() => replica.apply(changes)) }
    out.w7_apply_mib = peakMiB() - start
    expectRows(await replica.rows(), rowsAfter(workload, updates), 'apply')
    await replica.close()
    return out
}

/** Where both sides changed the same field one of the two values stands, on both sides alike; other changes both stand. */
function expectMerged(a, b) {
    expectRows(a, b, 'merge, both sides')
    const expected = rowsAfter(workload, workload.conflictsA, workload.conflictsB.slice(kSameColumn))
    workload.conflictsB.slice(0, kSameColumn).forEach((theirs) => {
        const { id } = rows[theirs.row]
        if (a.get(id)?.status === theirs.value) expected.get(id).status = theirs.value
    })
    expectRows(a, expected, 'merge')
}

async function merge() {
    const { apply: canApply, mergeWith } = peer.Replica.prototype
    if (peer.kMergesOnlyByServer || (!canApply && !mergeWith)) return {}
    const a = await open('a')
    const b = await open('b')
    await a.insert(rows, kPerTx)
    if (canApply) await b.apply(await a.exportChanges())
    else await a.mergeWith(b)
    await a.synced?.()
    await b.synced?.()
    await a.update(rows, workload.conflictsA, kPerTx)
    await b.update(rows, workload.conflictsB, kPerTx)

    const out = {}
    out.w5_s = await secondsOf(async () => {
        if (mergeWith) return a.mergeWith(b)
        const ours = await a.exportChanges()
        const theirs = await b.exportChanges()
        await a.apply(theirs)
        await b.apply(ours)
        out.w5_kb = (ours.length + theirs.length) / 1e3
    })
    expectMerged(await a.rows(), await b.rows())
    await a.close()
    await b.close()
    return out
}

const figures = await { local, durable, apply, merge }[step]()
process.stdout.write(JSON.stringify(figures) + '\n', () => process.exit(0))
