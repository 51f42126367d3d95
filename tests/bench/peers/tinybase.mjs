// A mergeable store; the library's own synchronizer over a WebSocket and its server. It has no way to append to a file
// (a persister writes all of it), so inserts and updates are saved once at the end of each and single ones not at all.
import { createMergeableStore } from 'tinybase'
import { createFilePersister } from 'tinybase/persisters/persister-file'
import { createWsSynchronizer } from 'tinybase/synchronizers/synchronizer-ws-client'
import { createWsServer } from 'tinybase/synchronizers/synchronizer-ws-server'
import { join } from 'node:path'
import { pieces } from './workload.mjs'

export const kSavesLate = true
export const kStaysOpen = true
// One, the default, is too little for 20,000 rows on a busy machine. A server whose store slept since its last client left
// answers the next one only after this time: the seconds of a sync have it in them, the bytes do not.
const kTimeoutSeconds = 3

export class Replica {
    constructor(dir) {
        this.store = createMergeableStore()
        this.file = join(dir, 'store.json')
        this.persister = createFilePersister(this.store, this.file)
    }
    async insert(rows, perTx) {
        for (const some of pieces(rows, perTx))
            this.store.transaction(() => {
                for (const { id, ...fields } of some) this.store.setRow('tasks', id, fields)
            })
        await this.persister.save()
    }
    async update(rows, updates, perTx) {
        for (const some of pieces(updates, perTx))
            this.store.transaction(() => {
                for (const u of some) this.store.setCell('tasks', rows[u.row].id, u.column, u.value)
            })
        await this.persister.save()
    }
    exportChanges() {
        return Buffer.from(JSON.stringify(this.store.getMergeableContent()))
    }
    async apply(changes) {
        this.store.applyMergeableChanges(JSON.parse(changes))
        await this.persister.save()
    }
    async mergeWith(other) {
        this.store.merge(other.store)
        await this.persister.save()
        await other.persister.save()
    }
    rows() {
        return new Map(Object.entries(this.store.getTable('tasks')).map(([id, fields]) => [id, { id, ...fields }]))
    }
    close() {
        return this.persister.destroy()
    }
}

// The server makes a store for each path, of which there is one here.
export function serve({ sockets, replica }) {
    const makePersister = () => {
        replica.store = createMergeableStore()
        replica.persister = createFilePersister(replica.store, replica.file)
        return replica.persister
    }
    createWsServer(sockets, makePersister, undefined, kTimeoutSeconds)
}

export class Link {
    static kPath = 'city' // devices meet under one path
    constructor(replica) {
        this.replica = replica
    }
    open(socket) {
        this.made = createWsSynchronizer(this.replica.store, socket, kTimeoutSeconds)
    }
    /** Done when all `rows` are here: a sync that begins also waits for those who have nothing to say. */
    async sync(rows) {
        if (!this.synchronizer) {
            this.synchronizer = await this.made
            const started = this.synchronizer.startSync()
            if (!rows) await started
        }
        while (this.replica.store.getRowCount('tasks') < (rows ?? 0)) await new Promise((later) => setTimeout(later, 1))
    }
    async close() {
        await this.synchronizer.destroy()
        this.synchronizer = undefined
    }
}
