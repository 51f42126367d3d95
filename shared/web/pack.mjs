// pack.mjs - all built files as one archive, each gzipped (shared/api/screens.h describes it).
// usage: node pack.mjs FOLDER ARCHIVE
import { createHash } from 'node:crypto'
import { readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { extname, join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'

const types = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml'
}

// Vite lowers syntax to Chromium 86 but not what is missing there as a function or a property of style.
const tooNew = [
  /\.at\(/, /Object\.hasOwn\b/, /structuredClone/, /\.findLast/, /crypto\.randomUUID/, /Array\.fromAsync/,
  /\.groupBy\(/, /AbortSignal\.(timeout|any)/, /Intl\.Segmenter/, /\.showPopover/, /\.checkVisibility/, /withResolvers/, /\.canParse/,
  /accent-color:/, /overflow(-[xy])?:clip/, /text-wrap:/, /\d[dsl]v[hw]\b/, /scrollbar-gutter/, /field-sizing/, /:dir\(/, /:user-/,
  /:where\(/, /:is\(/, /:has\(/, /aspect-ratio:/, /[{;]inset:/, /inset-inline/, /@layer/, /color-mix\(/, /@container/
]

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
  for (const pattern of tooNew)
    if (pattern.test(bytes.toString())) throw new Error(`${file}: ${pattern} is not in Chromium 86`)
  const packed = gzipSync(bytes, { level: 9 })
  packed[9] = 3 // the system it was packed on: the same archive everywhere
  const etag = `"${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}"`
  head += `/${relative(folder, file)}\t${type}\t${etag}\t${packed.length}\n`
  bodies.push(packed)
}
writeFileSync(archive, Buffer.concat([Buffer.from(head + '\n'), ...bodies]))
