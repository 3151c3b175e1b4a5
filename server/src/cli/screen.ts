/** What a person sees: lines, tables, a bar that moves, and what went wrong. */
import { inspect, stripVTControlCharacters, styleText } from 'node:util'
import type { Progress, Refusal } from '@millrace/engine'

type Style = Parameters<typeof styleText>[0]

function styled(stream: NodeJS.WriteStream, style: Style, text: string): string {
  return styleText(style, text, { stream })
}

export const bold = (text: string): string => styled(process.stdout, 'bold', text)
export const dim = (text: string): string => styled(process.stdout, 'dim', text)

export function say(line = ''): void {
  process.stdout.write(`${line}\n`)
}

/** For progress and remarks: standard output stays clean for what was asked for. */
export function remark(line: string): void {
  process.stderr.write(`${styled(process.stderr, 'dim', line)}\n`)
}

export function tellRefusal(refusal: Refusal): void {
  process.stderr.write(`${styled(process.stderr, 'red', 'Refused:')} ${refusal.message}\n`)
  for (const cause of refusal.causes) process.stderr.write(`  - ${cause}\n`)
  if (refusal.remedy !== undefined) process.stderr.write(`${refusal.remedy}\n`)
}

/** For who asked to see it: the errors behind a refusal, each with its own stack. */
export function tellCause({ cause }: Refusal, clean: (text: string) => string): void {
  for (const error of cause instanceof AggregateError ? (cause.errors as unknown[]) : [cause]) {
    if (error === undefined) continue
    const text = error instanceof Error ? (error.stack ?? error.message) : inspect(error)
    process.stderr.write(`${styled(process.stderr, 'dim', clean(text))}\n`)
  }
}

/** Columns under their heads; numbers stand right. */
export function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...rows].map((row) => row.map(String))
  const widths = head.map((_, column) => Math.max(...cells.map((row) => width(row[column] ?? ''))))
  const right = head.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'))
  const lines = cells.map((row) =>
    row
      .map((cell, column) => {
        const gap = ' '.repeat((widths[column] ?? 0) - width(cell))
        return right[column] === true ? gap + cell : cell + gap
      })
      .join('  ')
      .trimEnd(),
  )
  const [first = '', ...rest] = lines
  return [bold(first), ...rest].join('\n')
}

function width(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length
}

export interface Bar {
  show(progress: Progress): void
  /** A line above the bar. */
  note(line: string): void
  end(): void
}

const CELLS = 30
/** Milliseconds between two plain lines where there is no terminal. */
const PLAIN = 2_000

/** A bar on a terminal; a plain line now and then elsewhere. */
export function openBar(label: string): Bar {
  const started = Date.now()
  const live = process.stderr.isTTY
  let plainAt = 0
  let whole = false
  let last = ''
  const line = ({ total, succeeded, failed, cancelled, percent }: Progress) => {
    const ended = succeeded + failed + cancelled
    const seconds = (Date.now() - started) / 1000
    const left = ended > 0 && ended < total ? `, ${duration(((total - ended) / ended) * seconds)} left` : ''
    const problems = failed > 0 ? `, ${failed} failed` : ''
    const said = `${percent} %  ${ended} of ${total}${problems}, ${duration(seconds)}${left}`
    if (!live) return `${label} ${said}`
    // One line, or the next one would not take its place.
    const room = (process.stderr.columns || 80) - 1
    const cells = Math.max(0, Math.min(CELLS, room - label.length - said.length - 2))
    const done = Math.round((cells * ended) / Math.max(1, total))
    return `${label} ${'█'.repeat(done)}${'░'.repeat(cells - done)}${cells > 0 ? ' ' : ''}${said}`.slice(0, room)
  }
  return {
    show(progress) {
      const text = line(progress)
      if (live) process.stderr.write(`\r\x1b[2K${text}`)
      else if (!whole && (Date.now() - plainAt >= PLAIN || progress.open === 0)) {
        plainAt = Date.now()
        process.stderr.write(`${text}\n`)
      }
      whole = progress.open === 0
      last = text
    },
    note(text) {
      if (live) process.stderr.write('\r\x1b[2K')
      remark(text)
      if (live) process.stderr.write(last)
    },
    end() {
      if (live && last !== '') process.stderr.write('\n')
    },
  }
}

export function duration(seconds: number): string {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`
  if (seconds < 60) return `${seconds.toFixed(1)} s`
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`
  return `${Math.floor(seconds / 3_600)} h ${Math.round((seconds % 3_600) / 60)} min`
}

export const grouped = (value: number): string => value.toLocaleString('en')

/** To the minute, UTC. */
export function when(date: Date): string {
  return date.toISOString().slice(0, 16).replace('T', ' ')
}
