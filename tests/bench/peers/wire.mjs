// wire.mjs - what a peer's sync costs on a loopback socket: a device, and a server in a process of its own. run.mjs starts
// it in the peer's throw-away folder. usage: node wire.mjs DATA DIR
//
// As `bench --wire`: one device sends the rows up; another fetches them, asks with nothing new, and syncs ten edits made
// while it was away, over a connection of its own each time. Where a connection stays open, ten more over that.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocket } from 'ws'
import * as peer from './peer.mjs'
import { fingerprintOf, readWorkload } from './workload.mjs'

const kEqualMs = 120_000

const [data, dir] = process.argv.slice(2)
const workload = readWorkload(data)

class Server {
    async start() {
        const folder = join(dir, 'server')
        mkdirSync(folder)
        this.process = fork('./server.mjs', [folder])
        this.process.once('exit', (code) => code && process.exit(1))
        const [{ port }] = await once(this.process, 'message')
        this.port = port
    }
    async ask(what) {
        this.process.send(what)
        return (await once(this.process, 'message'))[0]
    }
}
const server = new Server()
await server.start()

/** HTTP over one connection that is kept. */
class Client {
    agent = new Agent({ keepAlive: true, maxSockets: 1 })

    async ask(method, path, body) {
        const asked = request({ host: '127.0.0.1', port: server.port, method, path, agent: this.agent })
        if (body !== undefined) asked.setHeader('content-length', Buffer.byteLength(body))
        asked.end(body)
        const [answer] = await once(asked, 'response')
        const chunks = []
        for await (const chunk of answer) chunks.push(chunk)
        if (answer.statusCode !== 200) throw new Error(`${method} ${path}: ${answer.statusCode}`)
        return Buffer.concat(chunks)
    }
    close() {
        this.agent.destroy()
    }
}

class Device {
    constructor(name) {
        this.name = name
    }
    async begin() {
        mkdirSync(join(dir, this.name))
        this.replica = new peer.Replica(join(dir, this.name))
        await this.replica.ready
        this.link = new peer.Link(this.replica, server.port)
    }
    async connect() {
        if (!peer.kStaysOpen) return this.link.open((this.connection = new Client()))
        this.connection = new WebSocket(`ws://127.0.0.1:${server.port}/${peer.Link.kPath ?? this.name}`, { perMessageDeflate: false, maxPayload: 1 << 30 })
        const opened = once(this.connection, 'open')
        this.link.open(this.connection)
        await opened
    }
    /** One sync and what it cost, all over a new connection unless one is `open`. */
    async sync(step, { isOpen = false, stays = false, rows, edits } = {}) {
        const before = await server.ask('quiet')
        const start = process.hrtime.bigint()
        if (!isOpen) await this.connect()
        if (edits) await edits()
        await this.link.sync(rows)
        const seconds = Number(process.hrtime.bigint() - start) / 1e9
        await this.expectEqual(step)
        let after = await server.ask('quiet')
        if (!stays) {
            await this.link.close?.()
            this.connection.close()
            after = await server.ask('quiet')
        }
        const cost = { seconds }
        for (const figure in before) cost[figure] = after[figure] - before[figure]
        return cost
    }
    edit(from) {
        const edits = workload.small.map((u) => ({ ...u, value: u.value + from }))
        return this.replica.update(workload.rows, edits, 1)
    }
    /** Some libraries do not say when the other end has everything: it must have it after a while. */
    async expectEqual(step) {
        const until = Date.now() + kEqualMs
        const ours = fingerprintOf(await this.replica.rows())
        while (ours !== (await server.ask('fingerprint'))) {
            if (Date.now() > until) throw new Error(`${step}: the device and the server differ`)
            await pause(100)
        }
    }
}

const figures = {}
const author = new Device('author')
await author.begin()
await author.replica.insert(workload.rows, 100)
figures.upload = await author.sync('upload')

const device = new Device('device')
await device.begin()
figures.first = await device.sync('first sync', { rows: workload.rows.length })
figures.nothing = await device.sync('nothing new')
await device.edit(0)
figures.ten = await device.sync('ten edits', { stays: peer.kStaysOpen })
if (peer.kStaysOpen) {
    const edits = () => device.edit(100)
    figures.ten_open = await device.sync('ten edits on an open connection', { isOpen: true, stays: true, edits })
}
process.stdout.write(JSON.stringify(figures) + '\n', () => process.exit(0))
