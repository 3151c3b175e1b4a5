/** What is different between two texts, line by line, as a unified diff. */

/** Pairs of lines up to which the shortest way is looked for; beyond it the middle is replaced whole. */
const MOST_WORK = 4_000_000
const AROUND = 3

interface Line {
  readonly mark: ' ' | '-' | '+'
  readonly text: string
}

/** Empty where the texts are the same. */
export function lineDiff(from: string, to: string, names: { readonly from: string; readonly to: string }): string {
  if (from === to) return ''
  const lines = compare(linesOf(from), linesOf(to))
  const hunks = hunksOf(lines)
  return [`--- ${names.from}`, `+++ ${names.to}`, ...hunks, ''].join('\n')
}

function linesOf(text: string): string[] {
  if (text === '') return []
  const lines = text.split('\n')
  const last = lines.pop()
  // A last line without its end is another line than one with it.
  return last === '' || last === undefined ? lines : [...lines, `${last}\n\\ No newline at end of file`]
}

function compare(a: readonly string[], b: readonly string[]): Line[] {
  let start = 0
  while (start < a.length && start < b.length && a[start] === b[start]) start++
  let end = 0
  while (end < a.length - start && end < b.length - start && a[a.length - 1 - end] === b[b.length - 1 - end]) end++
  const same = (text: string): Line => ({ mark: ' ', text })
  return [
    ...a.slice(0, start).map(same),
    ...middle(a.slice(start, a.length - end), b.slice(start, b.length - end)),
    ...a.slice(a.length - end).map(same),
  ]
}

/** The longest common lines, by the table of their lengths from the end. */
function middle(a: readonly string[], b: readonly string[]): Line[] {
  const out = (text: string): Line => ({ mark: '-', text })
  const into = (text: string): Line => ({ mark: '+', text })
  if (a.length * b.length > MOST_WORK) return [...a.map(out), ...b.map(into)]
  const width = b.length + 1
  const lengths = new Uint32Array((a.length + 1) * width)
  const at = (i: number, j: number) => lengths[i * width + j] ?? 0
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      lengths[i * width + j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1))
    }
  }
  const lines: Line[] = []
  let i = 0
  let j = 0
  while (i < a.length || j < b.length) {
    const here = a[i]
    const there = b[j]
    if (here !== undefined && here === there) {
      lines.push({ mark: ' ', text: here })
      i++
      j++
    } else if (here !== undefined && (there === undefined || at(i + 1, j) >= at(i, j + 1))) {
      lines.push(out(here))
      i++
    } else if (there !== undefined) {
      lines.push(into(there))
      j++
    }
  }
  return lines
}

function hunksOf(lines: readonly Line[]): string[] {
  const near = lines.map(({ mark }) => mark !== ' ')
  const shown = lines.map((_, i) => near.slice(Math.max(0, i - AROUND), i + AROUND + 1).some(Boolean))
  const out: string[] = []
  let a = 0
  let b = 0
  for (let i = 0; i < lines.length; i++) {
    if (shown[i] === true && shown[i - 1] !== true) {
      let end = i
      while (shown[end] === true) end++
      const hunk = lines.slice(i, end)
      const olds = hunk.filter(({ mark }) => mark !== '+').length
      const news = hunk.filter(({ mark }) => mark !== '-').length
      out.push(`@@ -${range(a, olds)} +${range(b, news)} @@`, ...hunk.map(({ mark, text }) => `${mark}${text}`))
    }
    if (lines[i]?.mark !== '+') a++
    if (lines[i]?.mark !== '-') b++
  }
  return out
}

/** A range of no lines stands behind the line before it. */
function range(before: number, amount: number): string {
  return amount === 0 ? `${before},0` : amount === 1 ? `${before + 1}` : `${before + 1},${amount}`
}
