// One document with a map of rows; strings are registers, not collaborative texts, which would cost more.
import * as Automerge from '@automerge/automerge'
import { Journal } from './journal.mjs'
import { pieces } from './workload.mjs'

const { ImmutableString } = Automerge
const kept = (value) => (typeof value === 'string' ? new ImmutableString(value) : value)

// All replicas begin with the same first change, made by nobody in particular.
const kStart = Automerge.save(Automerge.change(Automerge.init({ actor: '00' }), { time: 0 }, (doc) => void (doc.tasks = {})))

export class Replica {
    constructor(dir) {
        this.doc = Automerge.load(kStart)
        this.journal = new Journal(dir)
        this.from = null
        this.written()
    }
    written() {
        const bytes = Automerge.saveIncremental(this.doc)
        if (bytes.length) this.journal.append(bytes)
    }
    change(edit) {
        this.doc = Automerge.change(this.doc, (doc) => edit(doc.tasks))
        this.written()
    }
    insert(rows, perTx) {
        for (const some of pieces(rows, perTx))
            this.change((tasks) => {
                for (const { id, ...fields } of some) {
                    for (const field in fields) fields[field] = kept(fields[field])
                    tasks[id] = fields
                }
            })
    }
    update(rows, updates, perTx) {
        for (const some of pieces(updates, perTx))
            this.change((tasks) => {
                for (const u of some) tasks[rows[u.row].id][u.column] = kept(u.value)
            })
    }
    exportChanges() {
        return this.from ? Automerge.saveSince(this.doc, this.from) : Automerge.save(this.doc)
    }
    apply(changes) {
        this.doc = Automerge.loadIncremental(this.doc, changes)
        this.written()
    }
    synced() {
        this.from = Automerge.getHeads(this.doc)
    }
    rows() {
        const out = new Map()
        for (const [id, fields] of Object.entries(this.doc.tasks)) {
            const row = { id }
            for (const field in fields) row[field] = typeof fields[field] === 'number' ? fields[field] : String(fields[field])
            out.set(id, row)
        }
        return out
    }
    close() {
        this.journal.close()
    }
}

// The library's own sync protocol over a WebSocket; both ends keep the state of a sync from one connection to the next.
export function serve({ sockets, replica }) {
    const states = new Map()
    sockets.on('connection', (socket, request) => {
        let state = states.get(request.url) ?? Automerge.initSyncState()
        socket.on('message', (message) => {
            let answer
            ;[replica.doc, state] = Automerge.receiveSyncMessage(replica.doc, state, message)
            ;[state, answer] = Automerge.generateSyncMessage(replica.doc, state)
            replica.written()
            if (answer) socket.send(answer)
        })
        socket.on('close', () => states.set(request.url, Automerge.decodeSyncState(Automerge.encodeSyncState(state))))
    })
}

export const kStaysOpen = true

export class Link {
    constructor(replica) {
        this.replica = replica
        this.state = Automerge.initSyncState()
    }
    open(socket) {
        this.socket = socket
        this.state = Automerge.decodeSyncState(Automerge.encodeSyncState(this.state))
        socket.on('message', (answer) => {
            ;[this.replica.doc, this.state] = Automerge.receiveSyncMessage(this.replica.doc, this.state, answer)
            this.replica.written()
            const more = this.next()
            if (more) socket.send(more)
            if (this.isSettled()) this.settled()
        })
    }
    next() {
        let message
        ;[this.state, message] = Automerge.generateSyncMessage(this.replica.doc, this.state)
        return message
    }
    isSettled() {
        const heads = Automerge.getHeads(this.replica.doc)
        const shared = this.state.sharedHeads
        return heads.length === shared.length && heads.every((head) => shared.includes(head))
    }
    sync() {
        return new Promise((resolve) => {
            this.settled = resolve
            this.socket.send(this.next())
        })
    }
}
