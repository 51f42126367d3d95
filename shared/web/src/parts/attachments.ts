// attachments.ts - names and sizes of files, as people read them.

/** What the program takes for one content (docs/CLI.md, `attach`). */
export const kFileBytesMax = 64 * 1024 * 1024

export const isPicture = (name: string): boolean => /\.(jpe?g|png|gif|webp)$/i.test(name)

export function sizeWords(bytes: number): string {
  if (bytes < 1024) return `${bytes} B`
  if (bytes < 1024 * 1024) return `${Math.round(bytes / 1024)} kB`
  return `${(bytes / 1024 / 1024).toFixed(1)} MB`
}
