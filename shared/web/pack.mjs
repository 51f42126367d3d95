// pack.mjs - all built files as one archive, each gzipped (shared/api/screens.h describes it).
// usage: node pack.mjs FOLDER ARCHIVE
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { basename, extname, join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'
import { tooNewInScript, tooNewInStyle } from './old-browsers.mjs'

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml'
}

// Vue hands these on for whoever calls them on its arrays, and nobody does; its router asks first whether there are transitions.
const kAllowed = { vue: ['.toReversed', '.toSorted', '.toSpliced', '.startViewTransition'] }

const [folder, archive] = process.argv.slice(2)

function filesUnder(dir) {
  return readdirSync(dir)
    .sort()
    .flatMap((name) => (statSync(join(dir, name)).isDirectory() ? filesUnder(join(dir, name)) : [join(dir, name)]))
}

let head = 'TZSCREENS 1\n'
const bodies = []
for (const file of filesUnder(folder)) {
  const type = types[extname(file)]
  if (!type) throw new Error(`${file}: no content type is known for it; add it to pack.mjs`)
  const bytes = readFileSync(file)
  const find = { '.js': tooNewInScript, '.css': tooNewInStyle }[extname(file)] ?? (() => [])
  const allowed = kAllowed[basename(file).split('-')[0]] ?? []
  const tooNew = find(bytes.toString()).filter((what) => !allowed.includes(what))
  if (tooNew.length) throw new Error(`${file}: not in Chromium 86: ${tooNew.join(', ')}`)
  const packed = gzipSync(bytes, { level: 9 })
  packed[9] = 3 // the system it was packed on: the same archive everywhere
  const etag = `"${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}"`
  head += `/${relative(folder, file)}\t${type}\t${etag}\t${packed.length}\n`
  bodies.push(packed)
}
writeFileSync(archive, Buffer.concat([Buffer.from(head + '\n'), ...bodies]))
