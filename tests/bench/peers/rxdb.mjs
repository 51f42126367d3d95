// The storage in memory; the library's replication over HTTP with the two handlers of its documentation, a thousand
// documents a request. Nothing is on a disk.
import { createRxDatabase, getChangedDocumentsSince } from 'rxdb'
import { replicateRxCollection } from 'rxdb/plugins/replication'
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory'
import { kFields, pieces } from './workload.mjs'

export const kInMemory = true
export const kMergesOnlyByServer = true
const kBatch = 1000

const text = { type: 'string' }
const schema = {
    version: 0,
    primaryKey: 'id',
    type: 'object',
    properties: { id: { type: 'string', maxLength: 32 }, ...Object.fromEntries(kFields.map((f) => [f, f === 'progress' ? { type: 'number' } : text])) },
    required: ['id'],
}

const plainOf = (document) => Object.fromEntries(['id', ...kFields].map((field) => [field, document[field]]))

export class Replica {
    constructor(dir) {
        this.ready = this.open(dir)
    }
    async open(dir) {
        this.database = await createRxDatabase({ name: dir.replace(/\W/g, '_').toLowerCase(), storage: getRxStorageMemory(), multiInstance: false })
        this.tasks = (await this.database.addCollections({ tasks: { schema } })).tasks
    }
    async insert(rows, perTx) {
        for (const some of pieces(rows, perTx)) {
            const { error } = await this.tasks.bulkInsert(some)
            if (error.length) throw new Error('rxdb: rows refused')
        }
    }
    async update(rows, updates, perTx) {
        for (const some of pieces(updates, perTx)) {
            const documents = await this.tasks.findByIds(some.map((u) => rows[u.row].id)).exec()
            await Promise.all(some.map((u) => documents.get(rows[u.row].id).incrementalPatch({ [u.column]: u.value })))
        }
    }
    async exportChanges() {
        const { documents } = await getChangedDocumentsSince(this.tasks.storageInstance, 1e9)
        return Buffer.from(JSON.stringify(documents.map(plainOf)))
    }
    async apply(changes) {
        await this.insert(JSON.parse(changes), kBatch)
    }
    async rows() {
        return new Map((await this.tasks.find().exec()).map((document) => [document.id, plainOf(document)]))
    }
    close() {
        return this.database.close()
    }
}

// The server keeps documents by id and the order of their last changes, as the documentation's example keeps a time.
export function serve({ routes, replica }) {
    const documents = new Map()
    let last = 0
    replica.rows = () => new Map([...documents].map(([id, { document }]) => [id, plainOf(document)]))
    routes['GET /pull'] = (_, query) => {
        const after = Number(query.get('after'))
        const newer = after >= last ? [] : [...documents.values()].filter((kept) => kept.at > after)
        const some = newer.sort((a, b) => a.at - b.at).slice(0, Number(query.get('limit')))
        const checkpoint = { at: some.length ? some[some.length - 1].at : after }
        return JSON.stringify({ documents: some.map((kept) => kept.document), checkpoint })
    }
    routes['POST /push'] = (body) => {
        const conflicts = []
        for (const { newDocumentState: document, assumedMasterState: assumed } of JSON.parse(body)) {
            const kept = documents.get(document.id)
            if (kept && (!assumed || kFields.some((field) => assumed[field] !== kept.document[field]))) conflicts.push(kept.document)
            else documents.set(document.id, { document, at: ++last })
        }
        return JSON.stringify(conflicts)
    }
}

export class Link {
    constructor(replica) {
        this.replica = replica
    }
    open(client) {
        this.client = client
    }
    async sync() {
        const ask = async (...what) => JSON.parse(await this.client.ask(...what))
        const replication = replicateRxCollection({
            collection: this.replica.tasks,
            replicationIdentifier: 'city',
            live: false,
            pull: { batchSize: kBatch, handler: (checkpoint, limit) => ask('GET', `/pull?after=${checkpoint?.at ?? 0}&limit=${limit}`) },
            push: { batchSize: kBatch, handler: (changed) => ask('POST', '/push', JSON.stringify(changed)) },
        })
        await replication.awaitInitialReplication()
        await replication.cancel()
    }
}
