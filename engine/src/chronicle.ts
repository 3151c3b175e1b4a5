/**
 * Logs and progress of attempts on their way to becoming events.  Gathered for a
 * moment, so that many lines cost one lock of the run; progress is thinned here,
 * before it gets a number.
 */
import type { Claimed } from './attempt.ts'
import type { Tx } from './database.ts'
import { toJson } from './json.ts'

interface Line {
  readonly claimed: Claimed
  readonly kind: 'log' | 'progress'
  readonly data: string
}

export interface Chronicle {
  log(claimed: Claimed, text: string, data?: Record<string, unknown>): void
  progress(claimed: Claimed, data: Record<string, unknown>): void
  /** Writes what is gathered; calls at the same time share one statement. */
  flush(): Promise<void>
}

/** Milliseconds between two flushes: at most 50 a second. */
const GATHER = 20
const THIN = 250
const BATCH = 1_000
const LONGEST_LINE = 16_384
const EMIT = { name: 'emit', text: 'select run_id, last_event from engine.emit($1, $2, $3, $4, $5)' }

export function openChronicle(query: Tx['query'], ring: (run: number, lastEvent: number) => void): Chronicle {
  let lines: Line[] = []
  const lastProgress = new Map<string, number>()
  let timer: NodeJS.Timeout | undefined
  let writing = Promise.resolve()

  function add(line: Line) {
    lines.push(line)
    timer ??= setTimeout(() => void flush().catch(() => {}), GATHER)
  }

  function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    writing = writing.then(async () => {
      while (lines.length > 0) {
        const batch = lines.slice(0, BATCH)
        lines = lines.slice(BATCH)
        const { rows } = await query<{ run_id: number; last_event: number }>(EMIT, [
          batch.map((line) => line.claimed.run),
          batch.map((line) => line.claimed.task),
          batch.map((line) => line.claimed.attempt),
          batch.map((line) => line.kind),
          batch.map((line) => line.data),
        ])
        for (const row of rows) ring(row.run_id, row.last_event)
      }
    })
    const mine = writing
    // Lines are for eyes; a database that is away must not hold up what is for keeps.
    writing = writing.catch(() => {})
    return mine
  }

  return {
    log(claimed, text, data) {
      const clipped = text.length > LONGEST_LINE ? `${text.slice(0, LONGEST_LINE)} …` : text
      add({ claimed, kind: 'log', data: toJson({ text: clipped, ...data }) })
    },
    progress(claimed, data) {
      const key = `${claimed.run}/${claimed.task}`
      // Not the clock of the host: set back, it would silence everybody.
      const now = performance.now()
      if (now - (lastProgress.get(key) ?? -THIN) < THIN) return
      if (lastProgress.size > 10_000) lastProgress.clear()
      lastProgress.set(key, now)
      add({ claimed, kind: 'progress', data: toJson(data) })
    },
    flush,
  }
}
