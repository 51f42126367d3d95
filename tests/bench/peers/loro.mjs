// One document with a map of maps. The library has no transport: a sync is one POST, what the device has and what it
// knows the server to lack, answered by the same.
import { LoroDoc, LoroMap, VersionVector } from 'loro-crdt'
import { Journal } from './journal.mjs'
import { pieces } from './workload.mjs'

export class Replica {
    constructor(dir) {
        this.doc = new LoroDoc()
        this.tasks = this.doc.getMap('tasks')
        this.journal = new Journal(dir)
        this.doc.subscribeLocalUpdates((update) => this.journal.append(update))
    }
    insert(rows, perTx) {
        for (const some of pieces(rows, perTx)) {
            for (const { id, ...fields } of some) {
                const map = this.tasks.setContainer(id, new LoroMap())
                for (const field in fields) map.set(field, fields[field])
            }
            this.doc.commit()
        }
    }
    update(rows, updates, perTx) {
        for (const some of pieces(updates, perTx)) {
            for (const u of some) this.tasks.get(rows[u.row].id).set(u.column, u.value)
            this.doc.commit()
        }
    }
    exportChanges() {
        return this.doc.export({ mode: 'update', from: this.from })
    }
    apply(changes) {
        this.doc.import(changes)
        this.journal.append(changes)
    }
    synced() {
        this.from = this.doc.version()
    }
    rows() {
        return new Map(Object.entries(this.tasks.toJSON()).map(([id, fields]) => [id, { id, ...fields }]))
    }
    close() {
        this.journal.close()
    }
}

function packed(version, update) {
    const length = Buffer.alloc(2)
    length.writeUInt16LE(version.length)
    return Buffer.concat([length, version, update])
}
function unpacked(body) {
    const end = 2 + body.readUInt16LE()
    return [VersionVector.decode(body.subarray(2, end)), body.subarray(end)]
}
const since = (doc, version) => (doc.version().compare(version) === 0 ? Buffer.alloc(0) : doc.export({ mode: 'update', from: version }))

export function serve({ routes, replica }) {
    routes['POST /sync'] = (body) => {
        const [theirs, update] = unpacked(body)
        if (update.length) replica.apply(update)
        return packed(replica.doc.version().encode(), since(replica.doc, theirs))
    }
}

export class Link {
    constructor(replica) {
        this.replica = replica
        this.server = new VersionVector(null)
    }
    open(client) {
        this.client = client
    }
    async sync() {
        const { doc } = this.replica
        const answer = await this.client.ask('POST', '/sync', packed(doc.version().encode(), since(doc, this.server)))
        const [version, update] = unpacked(answer)
        if (update.length) this.replica.apply(update)
        this.server = version
    }
}
