// One document with a map of maps; y-protocols' sync over a WebSocket, as y-websocket does it, without its presence messages.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as sync from 'y-protocols/sync'
import * as Y from 'yjs'
import { Journal } from './journal.mjs'
import { pieces } from './workload.mjs'

export class Replica {
    constructor(dir) {
        this.doc = new Y.Doc()
        this.tasks = this.doc.getMap('tasks')
        this.journal = new Journal(dir)
        this.doc.on('update', (update) => this.journal.append(update))
    }
    insert(rows, perTx) {
        for (const some of pieces(rows, perTx))
            this.doc.transact(() => {
                for (const { id, ...fields } of some) this.tasks.set(id, new Y.Map(Object.entries(fields)))
            })
    }
    update(rows, updates, perTx) {
        for (const some of pieces(updates, perTx))
            this.doc.transact(() => {
                for (const u of some) this.tasks.get(rows[u.row].id).set(u.column, u.value)
            })
    }
    exportChanges() {
        return Y.encodeStateAsUpdate(this.doc, this.from)
    }
    apply(changes) {
        Y.applyUpdate(this.doc, changes)
    }
    synced() {
        this.from = Y.encodeStateVector(this.doc)
    }
    rows() {
        const out = new Map()
        this.tasks.forEach((fields, id) => out.set(id, { id, ...fields.toJSON() }))
        return out
    }
    close() {
        this.journal.close()
    }
}

const kSync = 0 // y-websocket's number of a message of the sync protocol

function message(write) {
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, kSync)
    write(encoder)
    return encoding.toUint8Array(encoder)
}

/** Reads one message and answers it; gives its type. */
function take(doc, socket, bytes) {
    const decoder = decoding.createDecoder(new Uint8Array(bytes))
    decoding.readVarUint(decoder)
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, kSync)
    const type = sync.readSyncMessage(decoder, encoder, doc, socket)
    if (encoding.length(encoder) > 1) socket.send(encoding.toUint8Array(encoder))
    return type
}

export function serve({ sockets, replica }) {
    sockets.on('connection', (socket) => {
        socket.on('message', (bytes) => take(replica.doc, socket, bytes))
        socket.send(message((encoder) => sync.writeSyncStep1(encoder, replica.doc)))
    })
}

export const kStaysOpen = true

export class Link {
    constructor(replica) {
        this.replica = replica
        this.left = []
        replica.doc.on('update', (update, origin) => {
            if (origin !== this.socket && this.greeted) this.left.push(update)
        })
    }
    open(socket) {
        this.socket = socket
        this.greeted = false
        const still = new Set([sync.messageYjsSyncStep1, sync.messageYjsSyncStep2])
        this.equal = new Promise((resolve) => {
            socket.on('message', (bytes) => {
                still.delete(take(this.replica.doc, socket, bytes))
                if (!still.size) resolve()
            })
        })
    }
    /** At first both tell what they have and lack; afterwards each edit is a message of its own, as y-websocket sends it. */
    sync() {
        const news = this.left.splice(0)
        if (this.greeted) return news.forEach((update) => this.socket.send(message((encoder) => sync.writeUpdate(encoder, update))))
        this.greeted = true
        this.socket.send(message((encoder) => sync.writeSyncStep1(encoder, this.replica.doc)))
        return this.equal
    }
}
