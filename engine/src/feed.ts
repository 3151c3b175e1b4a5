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

/** Events that are read at once: of one run, of each where many are read together, and of all of those. */
const PAGE = 500
const LEAST = 10
const TOGETHER = 2_000
/** Milliseconds after which a reader looks by himself, whatever he was told. */
const LOOK_AGAIN = 1_000

interface Page {
  readonly events: readonly Event[]
  /** There may be more now. */
  readonly full: boolean
  /** The run has ended, and its last event is among these or before. */
  readonly ended: boolean
}

/** Reads the feeds of many runs; those that one person asks for while he is being answered are read together. */
export interface FeedReader {
  /** @throws Refusal NO_SUCH_RUN */
  page(who: Principal, run: number, after: number): Promise<Page>
}

interface Asked {
  readonly run: number
  readonly after: number
  readonly answer: (page: Page | Promise<never>) => void
}

export function openFeedReader(api: Api): FeedReader {
  /** What nobody reads yet, by who asks. */
  const waiting = new Map<string, Asked[]>()

  async function readAll(key: string, who: Principal, asked: Asked[]): Promise<void> {
    while (asked.length > 0) {
      const batch = asked.splice(0, TOGETHER / LEAST)
      try {
        const pages = await readTogether(api, who, batch)
        for (const [at, { run, answer }] of batch.entries()) {
          answer(pages[at] ?? Promise.reject(noSuchRun(run)))
        }
      } catch (error) {
        for (const { answer } of batch) answer(Promise.reject(error))
      }
    }
    waiting.delete(key)
  }

  return {
    page(who, run, after) {
      const key = JSON.stringify(who)
      return new Promise((answer) => {
        const asked = waiting.get(key)
        if (asked !== undefined) {
          asked.push({ run, after, answer })
          return
        }
        const first = [{ run, after, answer }]
        waiting.set(key, first)
        void readAll(key, who, first)
      })
    },
  }
}

/** A page for each, in their order; undefined where he sees no such run. */
async function readTogether(api: Api, who: Principal, batch: readonly Asked[]): Promise<(Page | undefined)[]> {
  const limit = Math.min(PAGE, TOGETHER / batch.length) | 0
  const runs = batch.map(({ run }) => run)
  return api.as(who, async (tx) => {
    const states = await tx.query<{ place: number; ended: boolean; last_event: number }>(
      `select q.place::integer, r.finished_at is not null as ended, r.last_event
         from unnest($1::bigint[]) with ordinality q(run, place) join engine.runs r on r.id = q.run`,
      [runs],
    )
    // After them: what a state tells of is there by now.
    const { rows } = await tx.query(
      `select q.place::integer, e.n, e.at, e.kind, e.task, e.data
         from unnest($1::bigint[], $2::bigint[]) with ordinality q(run, after, place)
         cross join lateral engine.events_after(q.run, q.after, $3) e order by q.place, e.n`,
      [runs, batch.map(({ after }) => after), limit],
    )
    const events: Event[][] = batch.map(() => [])
    for (const { place, ...event } of rows as unknown as (Event & { place: number })[]) events[place - 1]?.push(event)
    const pages: (Page | undefined)[] = batch.map(() => undefined)
    for (const { place, ended, last_event } of states.rows) {
      const found = events[place - 1] ?? []
      const after = batch[place - 1]?.after ?? 0
      pages[place - 1] = {
        events: found,
        full: found.length === limit,
        ended: ended && last_event <= after + found.length,
      }
    }
    return pages
  })
}

export async function* follow(
  reader: FeedReader,
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
      const page = await reader.page(who, run, seen).catch(async (error: unknown) => {
        // A database that is away comes back; nothing of the feed is lost meanwhile.
        if (!isConnectionLoss(error instanceof Error ? (error.cause ?? error) : error)) throw error
        await new Promise((resolve) => setTimeout(resolve, 200))
        return undefined
      })
      if (page === undefined) continue
      for (const event of page.events) {
        seen = event.n
        yield event
      }
      if (page.ended) return
      if (page.full || rung) continue
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
