// diff.ts - what differs between two texts, character by character: Chinese has no spaces to split at.

export interface Piece {
  text: string
  same: boolean
}

const kCellsMax = 4_000_000

/** The pieces of `a` and of `b`; equal pieces stand in the same order in both. */
export function compare(a: string, b: string): [Piece[], Piece[]] {
  const x = Array.from(a)
  const y = Array.from(b)
  let head = 0
  while (head < x.length && head < y.length && x[head] === y[head]) head++
  let tail = 0
  while (tail < x.length - head && tail < y.length - head && x[x.length - 1 - tail] === y[y.length - 1 - tail]) tail++
  const mx = x.slice(head, x.length - tail)
  const my = y.slice(head, y.length - tail)
  const [sx, sy] = mx.length * my.length > kCellsMax ? [mx.map(() => false), my.map(() => false)] : common(mx, my)
  const whole = (all: string[], same: boolean[]): Piece[] =>
    pieces(all, [...Array<boolean>(head).fill(true), ...same, ...Array<boolean>(tail).fill(true)])
  return [whole(x, sx), whole(y, sy)]
}

/** Marks the characters of a longest common subsequence. */
function common(x: string[], y: string[]): [boolean[], boolean[]] {
  const width = y.length + 1
  const length = new Uint16Array((x.length + 1) * width)
  for (let i = x.length - 1; i >= 0; i--)
    for (let j = y.length - 1; j >= 0; j--)
      length[i * width + j] =
        x[i] === y[j]
          ? length[(i + 1) * width + j + 1] + 1
          : Math.max(length[(i + 1) * width + j], length[i * width + j + 1])
  const sx = x.map(() => false)
  const sy = y.map(() => false)
  for (let i = 0, j = 0; i < x.length && j < y.length; ) {
    if (x[i] === y[j]) {
      sx[i++] = true
      sy[j++] = true
    } else if (length[(i + 1) * width + j] >= length[i * width + j + 1]) i++
    else j++
  }
  return [sx, sy]
}

function pieces(all: string[], same: boolean[]): Piece[] {
  const out: Piece[] = []
  all.forEach((c, i) => {
    const last = out[out.length - 1]
    if (last && last.same === same[i]) last.text += c
    else out.push({ text: c, same: same[i] })
  })
  return out
}
