/**
 * The lines of a run's log, as many as there are.  They are numbered without gaps, so
 * a page of them is asked for when it is looked at, wherever that is, and what comes
 * live is put where it belongs.  Kept while the console is open, for the last few runs.
 */
import { ask, type Event as RunEvent } from '../api.ts'

const PAGE = 500
/** Pages of a run that are kept; those looked at longest ago go first. */
const MOST_PAGES = 60
const MOST_RUNS = 4

type Load = (
  after: number,
  limit: number,
) => Promise<{ readonly items: readonly RunEvent[]; readonly last: number } | undefined>

export interface Lines {
  /** How many there are. */
  readonly last: number
  /** The line of a number, from 1; undefined while it is not here: then it is asked for. */
  at(n: number): RunEvent | undefined
  /** What came live. */
  add(events: readonly RunEvent[]): void
  /** It is known that there are so many. */
  reach(last: number): void
  readonly subscribe: (listener: () => void) => () => void
  /** Another number each time something has changed. */
  readonly version: () => number
}

export function openLines(load: Load): Lines {
  const pages = new Map<number, (RunEvent | undefined)[]>()
  const loading = new Set<number>()
  const listeners = new Set<() => void>()
  let last = 0
  let version = 0
  let telling = false

  function tell() {
    version += 1
    if (telling) return
    telling = true
    // Many at once are drawn once.
    queueMicrotask(() => {
      telling = false
      for (const listener of listeners) listener()
    })
  }

  function put(events: readonly RunEvent[]) {
    for (const event of events) {
      const page = Math.floor((event.n - 1) / PAGE)
      const some = pages.get(page) ?? []
      some[(event.n - 1) % PAGE] = event
      pages.set(page, some)
      if (event.n > last) last = event.n
    }
    tell()
  }

  function want(page: number) {
    if (loading.has(page)) return
    loading.add(page)
    load(page * PAGE, PAGE)
      .then((found) => {
        if (found === undefined) return
        if (found.last > last) last = found.last
        put(found.items)
        if (pages.size > MOST_PAGES) {
          const [oldest] = [...pages.keys()].filter((one) => one !== page)
          if (oldest !== undefined) pages.delete(oldest)
        }
      })
      .catch(() => {
        // It is asked for again when it is looked at again; the frame says that the server is away.
        setTimeout(tell, 2_000)
      })
      .finally(() => loading.delete(page))
  }

  return {
    get last() {
      return last
    },
    at(n) {
      const page = Math.floor((n - 1) / PAGE)
      const some = pages.get(page)
      const event = some?.[(n - 1) % PAGE]
      if (event === undefined) want(page)
      return event
    },
    add: put,
    reach(n) {
      if (n <= last) return
      last = n
      tell()
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    version: () => version,
  }
}

const all = new Map<number, Lines>()

export function linesOf(run: number): Lines {
  const found = all.get(run)
  if (found !== undefined) return found
  const [oldest] = all.keys()
  if (all.size >= MOST_RUNS && oldest !== undefined) all.delete(oldest)
  const lines = openLines((after, limit) =>
    ask('get', '/api/runs/{id}/logs', { path: { id: run }, query: { after, limit } }),
  )
  all.set(run, lines)
  return lines
}

/** How much an event matters; as the server counts it, so that what comes live is chosen alike. */
export function levelOf({ kind, data }: RunEvent): 'debug' | 'info' | 'warn' | 'error' {
  if (kind === 'log') {
    const given = data['level']
    const level = typeof given === 'string' ? given.toLowerCase() : 'info'
    return level === 'debug' || level === 'warn' || level === 'error' ? level : 'info'
  }
  if (kind === 'progress') return 'debug'
  if (kind === 'run.failed') return 'error'
  if (['run.cancelled', 'run.cancel_asked', 'run.held'].includes(kind) || Number(data['again'] ?? 0) > 0) return 'warn'
  return 'info'
}

/** A line as one reads it. */
export function textOf({ kind, data }: RunEvent): string {
  const { text, level: _, ...rest } = data
  if (kind === 'log' && typeof text === 'string') {
    return Object.keys(rest).length === 0 ? text : `${text}  ${fields(rest)}`
  }
  if ('succeeded' in data) {
    const { succeeded, failed, cancelled, total, again } = data as Record<string, number>
    const ended = (succeeded ?? 0) + (failed ?? 0) + (cancelled ?? 0)
    return `${kind}  ${ended} of ${total} ended${failed ? `, ${failed} failed` : ''}${cancelled ? `, ${cancelled} cancelled` : ''}${again ? `, ${again} tried again` : ''}`
  }
  return Object.keys(data).length === 0 ? kind : `${kind}  ${fields(data)}`
}

function fields(data: Readonly<Record<string, unknown>>): string {
  return Object.entries(data)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
}
