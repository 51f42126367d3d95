// cr-sqlite as WebAssembly, in memory: its native extension is not in its package, which would fetch it from elsewhere.
// It has no transport in that package: a sync is one POST of the changes since the last, answered by the same, as JSON.
import 'fake-indexeddb/auto' // the browser's store, which the build for browsers opens and a database in memory leaves alone
import init from '@vlcn.io/crsqlite-wasm'
import { readFileSync } from 'node:fs'
import { kFields, pieces } from './workload.mjs'

export const kInMemory = true

const program = readFileSync('node_modules/@vlcn.io/crsqlite-wasm/dist/crsqlite.wasm').toString('base64')
const kColumns = ['id', ...kFields].map((c) => `"${c}"`).join(', ')
const kChange = '"table", pk, cid, val, col_version, db_version, site_id, cl, seq'

export class Replica {
    constructor() {
        this.ready = this.open()
        this.from = 0
    }
    async open() {
        const sqlite = await init(() => 'data:application/wasm;base64,' + program)
        this.db = await sqlite.open(':memory:')
        const columns = kFields.map((f) => `"${f}" ${f === 'progress' ? 'INTEGER' : 'TEXT'}`).join(', ')
        await this.db.exec(`CREATE TABLE tasks (id TEXT PRIMARY KEY NOT NULL, ${columns})`)
        await this.db.exec("SELECT crsql_as_crr('tasks')")
        this.site = (await this.db.execA('SELECT crsql_site_id()'))[0][0]
    }
    async insert(rows, perTx) {
        const insert = await this.db.prepare(`INSERT INTO tasks (${kColumns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
        for (const some of pieces(rows, perTx))
            await this.db.tx(async (tx) => {
                for (const row of some) await insert.run(tx, row.id, ...kFields.map((field) => row[field]))
            })
        await insert.finalize(null)
    }
    async update(rows, updates, perTx) {
        const set = {}
        for (const column of ['status', 'progress']) set[column] = await this.db.prepare(`UPDATE tasks SET ${column} = ? WHERE id = ?`)
        for (const some of pieces(updates, perTx))
            await this.db.tx(async (tx) => {
                for (const u of some) await set[u.column].run(tx, u.value, rows[u.row].id)
            })
        for (const column in set) await set[column].finalize(null)
    }
    changesAfter(version, but) {
        return this.db.execA(`SELECT ${kChange} FROM crsql_changes WHERE db_version > ?${but ? ' AND site_id IS NOT ?' : ''}`, but ? [version, but] : [version])
    }
    async exportChanges() {
        return packed(await this.changesAfter(this.from))
    }
    async apply(changes) {
        const list = unpacked(changes)
        const insert = await this.db.prepare(`INSERT INTO crsql_changes (${kChange}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`)
        await this.db.tx(async (tx) => {
            for (const change of list) await insert.run(tx, ...change)
        })
        await insert.finalize(null)
    }
    async version() {
        return Number((await this.db.execA('SELECT crsql_db_version()'))[0][0])
    }
    async synced() {
        this.from = await this.version()
    }
    async rows() {
        const all = await this.db.execA(`SELECT ${kColumns} FROM tasks`)
        return new Map(all.map(([id, ...values]) => [id, Object.fromEntries([['id', id], ...kFields.map((field, i) => [field, values[i]])])]))
    }
    close() {
        return this.db.close()
    }
}

const packed = (value) =>
    Buffer.from(JSON.stringify(value, (_, v) => (v instanceof Uint8Array ? { b: Buffer.from(v).toString('base64') } : typeof v === 'bigint' ? Number(v) : v)))
const unpacked = (bytes) => JSON.parse(bytes, (_, v) => (v?.b !== undefined ? new Uint8Array(Buffer.from(v.b, 'base64')) : v))

export function serve({ routes, replica }) {
    routes['POST /sync'] = async (body) => {
        const { site, after, changes } = unpacked(body)
        if (changes.length) await replica.apply(packed(changes))
        return packed({ changes: await replica.changesAfter(after, site), version: await replica.version() })
    }
}

export class Link {
    constructor(replica) {
        this.replica = replica
        this.sent = 0
        this.seen = 0
    }
    open(client) {
        this.client = client
    }
    async sync() {
        const { replica } = this
        const own = (await replica.changesAfter(this.sent)).filter((change) => Buffer.compare(change[6], replica.site) === 0)
        const answer = unpacked(await this.client.ask('POST', '/sync', packed({ site: replica.site, after: this.seen, changes: own })))
        if (answer.changes.length) await replica.apply(packed(answer.changes))
        this.sent = await replica.version()
        this.seen = answer.version
    }
}
