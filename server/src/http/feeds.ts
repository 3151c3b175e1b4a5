/**
 * Following runs for many readers: what stands in the table is read once per run,
 * view and wake, and handed to all who wait for it.  A reader pulls: what he has
 * not taken is not kept for him, and who lags behind reads what he missed himself.
 */
import { isConnectionLoss, type Engine, type Event, type Principal } from '@millrace/engine'

/** Events that a run's feed remembers for those who are just behind. */
const REMEMBERED = 1_000
const PAGE = 500
const MOST_READERS = 2_000
/** Milliseconds after which a reader asks the table himself, whatever he was told. */
const LOOK_AGAIN = 5_000

export interface Batch {
  readonly events: readonly Event[]
  /** The run has ended, and its last event is among these or before. */
  readonly ended: boolean
}

export interface Feeds {
  readonly readers: number
  readonly full: boolean
  /** The events after a number, batch by batch, as they come. */
  read(who: Principal, run: number, after: number, signal: AbortSignal): AsyncIterable<Batch>
  close(): Promise<void>
}

/** One run as one view of it sees it. */
interface Stream {
  readonly abort: AbortController
  readonly recent: Event[]
  /** The number of its newest event. */
  last: number
  /** It reads no more: the run has ended, or could not be read. */
  over: boolean
  readonly waiting: Set<() => void>
  readers: number
  readonly done: Promise<void>
}

export function openFeeds(engine: Engine): Feeds {
  const streams = new Map<string, Stream>()
  let readers = 0

  /** Two who are in the same workspaces see the same rows. */
  const viewOf = (who: Principal, run: number) => `${run} ${Object.keys(who.workspaces).sort().join(',')}`

  function open(key: string, who: Principal, run: number, from: number): Stream {
    const abort = new AbortController()
    const recent: Event[] = []
    const waiting = new Set<() => void>()
    const wake = () => {
      for (const resolve of waiting) resolve()
      waiting.clear()
    }
    async function goOn() {
      try {
        for await (const event of engine.follow(who, run, from, abort.signal)) {
          recent.push(event)
          if (recent.length > REMEMBERED) recent.splice(0, recent.length - REMEMBERED)
          stream.last = event.n
          wake()
        }
      } catch {
        // Who waits for it reads himself, and meets the error as his own.
      }
      stream.over = true
      if (streams.get(key) === stream) streams.delete(key)
      wake()
    }
    const done = Promise.resolve().then(goOn)
    const stream: Stream = { abort, recent, waiting, last: from, over: false, readers: 0, done }
    streams.set(key, stream)
    return stream
  }

  async function pageAfter(who: Principal, run: number, after: number): Promise<Batch> {
    return engine.as(who, async (tx) => {
      const state = await tx.query<{ ended: boolean; last_event: number }>(
        'select finished_at is not null as ended, last_event from engine.runs where id = $1',
        [run],
      )
      const { rows } = await tx.query('select n, at, kind, task, data from engine.events_after($1, $2, $3)', [
        run,
        after,
        PAGE,
      ])
      const events = rows as unknown as Event[]
      const [row] = state.rows
      // A run that is not there any more ends for its readers.
      return { events, ended: row === undefined || (row.ended && row.last_event <= after + events.length) }
    })
  }

  /** A database that is away comes back; nothing is lost meanwhile. */
  async function pageWhenThere(who: Principal, run: number, after: number, signal: AbortSignal): Promise<Batch> {
    for (;;) {
      try {
        return await pageAfter(who, run, after)
      } catch (error) {
        if (!isConnectionLoss(error instanceof Error ? (error.cause ?? error) : error)) throw error
        if (signal.aborted) return { events: [], ended: false }
        await new Promise((resolve) => setTimeout(resolve, 200))
      }
    }
  }

  function join(who: Principal, run: number, from: number): Stream {
    const key = viewOf(who, run)
    const stream = streams.get(key) ?? open(key, who, run, from)
    stream.readers += 1
    return stream
  }

  function leave(stream: Stream) {
    stream.readers -= 1
    if (stream.readers > 0) return
    for (const [key, one] of streams) if (one === stream) streams.delete(key)
    stream.abort.abort()
  }

  return {
    get readers() {
      return readers
    },
    get full() {
      return readers >= MOST_READERS
    },
    async *read(who, run, after, signal) {
      readers += 1
      let seen = after
      let stream: Stream | undefined
      try {
        while (!signal.aborted) {
          const first = stream?.recent[0]?.n
          if (stream !== undefined && first !== undefined && first <= seen + 1 && seen < stream.last) {
            const events = stream.recent.filter(({ n }) => n > seen).slice(0, PAGE)
            seen = events.at(-1)?.n ?? seen
            yield { events, ended: false }
            continue
          }
          if (stream === undefined || stream.over || seen < stream.last) {
            const batch = await pageWhenThere(who, run, seen, signal)
            seen = batch.events.at(-1)?.n ?? seen
            if (batch.events.length > 0 || batch.ended) yield batch
            if (batch.ended) return
            if (stream?.over === true) {
              leave(stream)
              stream = undefined
            }
            if (batch.events.length < PAGE) stream ??= join(who, run, seen)
            continue
          }
          await heard(stream, signal)
        }
      } finally {
        readers -= 1
        if (stream !== undefined) leave(stream)
      }
    },
    async close() {
      const all = [...streams.values()]
      for (const stream of all) stream.abort.abort()
      await Promise.all(all.map(({ done }) => done))
    },
  }
}

function heard(stream: Stream, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      clearTimeout(timer)
      stream.waiting.delete(go)
      signal.removeEventListener('abort', go)
      resolve()
    }
    const timer = setTimeout(go, LOOK_AGAIN)
    stream.waiting.add(go)
    signal.addEventListener('abort', go, { once: true })
  })
}
