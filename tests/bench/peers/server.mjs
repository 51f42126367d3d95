// server.mjs - a peer's server in a process of its own; counts what passes its sockets. Started by wire.mjs with fork.
//
// Bytes are those of the TCP streams: HTTP headers, upgrades and frames included, as for `bench --wire`.
import { createServer } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { WebSocketServer } from 'ws'
import * as peer from './peer.mjs'
import { fingerprintOf } from './workload.mjs'

const kQuietMs = 300

const replica = new peer.Replica(process.argv[2])
await replica.ready
const routes = {}
const http = createServer((request, response) => {
    counts.requests++
    const chunks = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', async () => {
        const [path, query] = request.url.split('?')
        const answer = await routes[`${request.method} ${path}`](Buffer.concat(chunks), new URLSearchParams(query))
        response.end(answer)
    })
})
const sockets = new WebSocketServer({ noServer: true, maxPayload: 1 << 30 })
http.on('upgrade', (request, socket, head) => {
    sockets.handleUpgrade(request, socket, head, (client) => sockets.emit('connection', client, request))
})

const counts = { requests: 0, messages: 0 }
const streams = new Set()
http.on('connection', (stream) => streams.add(stream))
sockets.on('connection', (client) => {
    client.on('message', () => counts.messages++)
    const { send } = client
    client.send = function (...message) {
        counts.messages++
        return send.apply(this, message)
    }
})
await peer.serve({ http, sockets, routes, replica })
await new Promise((listening) => http.listen(0, '127.0.0.1', listening))

function total() {
    let up = 0
    let down = 0
    for (const stream of streams) {
        up += stream.bytesRead
        down += stream.bytesWritten
    }
    return { up, down, ...counts }
}

/** The totals once nothing has moved for a while. */
async function quiet() {
    for (let last = total(); ; ) {
        await pause(kQuietMs)
        const now = total()
        if (now.up === last.up && now.down === last.down) return now
        last = now
    }
}

process.on('message', async (what) => {
    process.send(what === 'quiet' ? await quiet() : fingerprintOf(await replica.rows()))
})
process.on('disconnect', () => process.exit(0))
process.send({ port: http.address().port })
