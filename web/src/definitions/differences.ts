/** Two texts line by line: what stayed, what went, what came. */

export interface Line {
  readonly kind: 'same' | 'gone' | 'come'
  readonly text: string
}

/** Pairs of lines that are looked at; beyond it what is between the equal ends is all told as gone and come. */
const MOST = 4_000_000

export function differences(before: string, after: string): Line[] {
  const a = before.split('\n')
  const b = after.split('\n')
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start += 1
  let end = 0
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end += 1
  const same = (lines: readonly string[]): Line[] => lines.map((text) => ({ kind: 'same', text }))
  return [
    ...same(a.slice(0, start)),
    ...between(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...same(a.slice(a.length - end)),
  ]
}

function between(a: readonly string[], b: readonly string[]): Line[] {
  const gone = (text: string): Line => ({ kind: 'gone', text })
  const come = (text: string): Line => ({ kind: 'come', text })
  if (a.length * b.length > MOST) return [...a.map(gone), ...b.map(come)]
  // The longest common lines of what follows each place.
  const width = b.length + 1
  const common = new Uint32Array((a.length + 1) * width)
  const of = (i: number, j: number) => common[i * width + j] ?? 0
  for (let i = a.length - 1; i >= 0; i -= 1) {
    for (let j = b.length - 1; j >= 0; j -= 1) {
      common[i * width + j] = a[i] === b[j] ? of(i + 1, j + 1) + 1 : Math.max(of(i + 1, j), of(i, j + 1))
    }
  }
  const lines: Line[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    const before = a[i]
    const after = b[j]
    if (before !== undefined && before === after) {
      lines.push({ kind: 'same', text: before })
      i += 1
      j += 1
    } else if (after === undefined || (before !== undefined && of(i + 1, j) >= of(i, j + 1))) {
      lines.push(gone(before ?? ''))
      i += 1
    } else {
      lines.push(come(after))
      j += 1
    }
  }
  return lines
}
