/**
 * When was something last looked at?  Kept in a table of its own, gathered for a
 * moment and at most once a minute an object, so that reading moves nothing else
 * and costs nobody anything.
 */
import type { Engine, Principal } from '@millrace/engine'

export interface Looked {
  readonly run?: number
  /** A transcript of the run. */
  readonly task?: number
  readonly definition?: number
}

export interface Accesses {
  saw(who: Principal, what: Looked): void
  /** Writes what is gathered; waits for it. */
  flush(): Promise<void>
  close(): Promise<void>
}

const MINUTE = 60_000
const GATHER = 500
/** Objects that are remembered as just written; beyond that the table itself says it. */
const REMEMBERED = 10_000
/** Objects of one write. */
const BATCH = 1_000

export function openAccesses(engine: Engine): Accesses {
  const lately = new Map<string, number>()
  let gathered = new Map<string, { who: Principal; seen: Map<string, Looked> }>()
  let timer: NodeJS.Timeout | undefined
  let writing: Promise<unknown> = Promise.resolve()

  function flush(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    const batches = [...gathered.values()]
    gathered = new Map()
    for (const { who, seen } of batches) {
      const all = [...seen.values()]
      for (let at = 0; at < all.length; at += BATCH) {
        const some = all.slice(at, at + BATCH)
        const write = () =>
          engine.as(who, (tx) =>
            tx.query('select probe.saw($1, $2, $3)', [
              some.map(({ run }) => run ?? null),
              some.map(({ task }) => task ?? null),
              some.map(({ definition }) => definition ?? null),
            ]),
          )
        // A note that is lost is made again by the next look.
        writing = writing.then(write).catch(() => lately.clear())
      }
    }
    return writing.then(() => {})
  }

  return {
    saw(who, what) {
      const key = `${what.run ?? ''}/${what.task ?? ''}/${what.definition ?? ''}`
      const now = Date.now()
      if (now - (lately.get(key) ?? 0) < MINUTE) return
      if (lately.size >= REMEMBERED) lately.clear()
      lately.set(key, now)
      const as = JSON.stringify(who)
      const mine = gathered.get(as) ?? { who, seen: new Map<string, Looked>() }
      mine.seen.set(key, what)
      gathered.set(as, mine)
      timer ??= setTimeout(() => void flush(), GATHER)
    },
    flush,
    close: flush,
  }
}
