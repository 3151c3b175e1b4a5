/**
 * The feed of a run: what stands in the table after a number, then what is
 * added, in order and without gaps, read each time with the reader's own rights.
 */
import type { Api, Principal } from './access.ts'
import { isConnectionLoss } from './database.ts'
import { noSuchRun } from './errors.ts'
import type { Wake } from './wake.ts'

export interface Event {
  /** 1, 2, 3 … within the run. */
  readonly n: number
  readonly at: Date
  readonly kind: string
  /** The task that it is about, if it is about one. */
  readonly task: number | null
  readonly data: Record<string, unknown>
}

const PAGE = 500
/** Milliseconds after which a reader looks by himself, whatever he was told. */
const LOOK_AGAIN = 1_000

export async function* follow(
  api: Api,
  wake: Wake,
  who: Principal,
  run: number,
  after: number,
  signal?: AbortSignal,
): AsyncIterable<Event> {
  let seen = after
  let rung = true
  let ring = () => {}
  const off = wake.onRun(run, () => {
    rung = true
    ring()
  })
  const stop = () => ring()
  signal?.addEventListener('abort', stop)
  try {
    while (signal?.aborted !== true) {
      rung = false
      const page = await api
        .as(who, async (tx) => {
          const state = await tx.query<{ ended: boolean; last_event: number }>(
            'select finished_at is not null as ended, last_event from engine.runs where id = $1',
            [run],
          )
          const [row] = state.rows
          if (row === undefined) throw noSuchRun(run)
          const page = await tx.query('select n, at, kind, task, data from engine.events_after($1, $2, $3)', [
            run,
            seen,
            PAGE,
          ])
          return { events: page.rows as Event[], ended: row.ended && row.last_event <= seen + page.rows.length }
        })
        .catch(async (error: unknown) => {
          // A database that is away comes back; nothing of the feed is lost meanwhile.
          if (!isConnectionLoss(error instanceof Error ? (error.cause ?? error) : error)) throw error
          await new Promise((resolve) => setTimeout(resolve, 200))
          return undefined
        })
      if (page === undefined) continue
      const { events, ended } = page
      for (const event of events) {
        seen = event.n
        yield event
      }
      if (ended) return
      if (events.length === PAGE || rung) continue
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, LOOK_AGAIN)
        ring = () => {
          clearTimeout(timer)
          resolve()
        }
        if (rung || signal?.aborted === true) ring()
      })
      ring = () => {}
    }
  } finally {
    signal?.removeEventListener('abort', stop)
    off()
  }
}
