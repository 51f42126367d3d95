// journal.mjs - a file to which a library's own updates are appended, each waited for: what a program that must not lose
// an edit does with a library that leaves the disk to it.
import { closeSync, fdatasyncSync, openSync, writevSync } from 'node:fs'
import { join } from 'node:path'

export class Journal {
    constructor(dir) {
        this.file = openSync(join(dir, 'journal'), 'a')
    }
    append(bytes) {
        const length = Buffer.alloc(4)
        length.writeUInt32LE(bytes.length)
        writevSync(this.file, [length, bytes])
        fdatasyncSync(this.file)
    }
    close() {
        closeSync(this.file)
    }
}
