// save.ts - bytes out of an answer of the API, handed to the browser as a file.
export function blobOf(base64: string, type = 'application/octet-stream'): Blob {
  const raw = atob(base64)
  const bytes = new Uint8Array(raw.length)
  for (let i = 0; i < raw.length; i++) bytes[i] = raw.charCodeAt(i)
  return new Blob([bytes], { type })
}

/** Hands a file to the browser, which asks where to put it or puts it where it always does. */
export function save(name: string, blob: Blob): void {
  const a = document.createElement('a')
  a.href = URL.createObjectURL(blob)
  a.download = name
  a.click()
  window.setTimeout(() => URL.revokeObjectURL(a.href), 60_000)
}
