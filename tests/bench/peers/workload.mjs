// workload.mjs - reads the workload that `bench --dump` writes; its digest is computed as that program computes its own.
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const kFields = ['unit', 'title', 'status', 'progress', 'due_date', 'owner', 'note', 'editor']
export const kSameColumn = 2500 // the first of conflictsA and conflictsB: the same column on both sides

const linesOf = (dir, name) => readFileSync(join(dir, name + '.tsv'), 'utf8').trimEnd().split('\n').map((line) => line.split('\t'))
const valueOf = (column, text) => (column === 'progress' ? Number(text) : text)

function rowOf([id, ...values]) {
    const row = { id }
    kFields.forEach((field, i) => (row[field] = valueOf(field, values[i])))
    return row
}
const updateOf = ([row, column, value]) => ({ row: Number(row), column, value: valueOf(column, value) })

export function readWorkload(dir) {
    const updates = (name) => linesOf(dir, name).map(updateOf)
    return {
        rows: linesOf(dir, 'rows').map(rowOf),
        updates: updates('upd'),
        conflictsA: updates('confA'),
        conflictsB: updates('confB'),
        small: updates('small'),
    }
}

/** SHA-256 of all values; Workload::digest in workload.cpp is its counterpart. */
export function digestOf(workload) {
    const hash = createHash('sha256')
    const number = (n) => {
        const bytes = Buffer.alloc(8)
        bytes.writeBigUInt64LE(BigInt(n))
        hash.update(bytes)
    }
    const bytes = (b) => {
        number(b.length)
        hash.update(b)
    }
    const value = (column, v) => (column === 'progress' ? number(v) : bytes(Buffer.from(v)))
    number(workload.rows.length)
    for (const row of workload.rows) {
        bytes(Buffer.from(row.id, 'hex'))
        for (const field of kFields) value(field, row[field])
    }
    for (const updates of [workload.updates, workload.conflictsA, workload.conflictsB, workload.small]) {
        number(updates.length)
        for (const u of updates) {
            number(u.row)
            bytes(Buffer.from(u.column))
            value(u.column, u.value)
        }
    }
    return hash.digest('hex')
}

/** The rows as they are after `updates`, by id. */
export function rowsAfter(workload, ...updateLists) {
    const rows = new Map(workload.rows.map((row) => [row.id, { ...row }]))
    for (const u of updateLists.flat()) rows.get(workload.rows[u.row].id)[u.column] = u.value
    return rows
}

/** Throws unless `found`, a map of rows by id, is `expected`. */
export function expectRows(found, expected, step) {
    if (found.size !== expected.size) throw new Error(`${step}: ${found.size} rows where ${expected.size} should be`)
    for (const [id, row] of expected) {
        const has = found.get(id)
        const wrong = has ? kFields.find((field) => has[field] !== row[field]) : 'the row'
        if (wrong) throw new Error(`${step}: ${wrong} of ${id} is not what it should be`)
    }
}

/** `list` in pieces of `size`. */
export function* pieces(list, size) {
    for (let from = 0; from < list.length; from += size) yield list.slice(from, from + size)
}

/** The same for two maps of the same rows, whatever their order. */
export function fingerprintOf(rows) {
    const hash = createHash('sha256')
    for (const id of [...rows.keys()].sort()) hash.update(JSON.stringify([id, ...kFields.map((field) => rows.get(id)[field])]))
    return hash.digest('hex')
}
