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

export class Replica {
    constructor(dir) {
        this.store = createMergeableStore()
        this.persister = createFilePersister(this.store, join(dir, 'store.json'))
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
    createWsServer(sockets, () => {
        replica.store = createMergeableStore()
        replica.persister = createFilePersister(replica.store, './server-store.json')
        return replica.persister
    })
}

export class Link {
    static kPath = 'city' // devices meet under one path
    constructor(replica) {
        this.replica = replica
    }
    open(socket) {
        this.made = createWsSynchronizer(this.replica.store, socket)
    }
    async sync(rows = 0) {
        if (!this.started) {
            this.started = true
            this.synchronizer = await this.made
            await this.synchronizer.startSync()
        }
        while (this.replica.store.getRowCount('tasks') < rows) await new Promise((later) => setTimeout(later, 1))
    }
    async close() {
        this.started = false
        await this.synchronizer.destroy()
    }
}
