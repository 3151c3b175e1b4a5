/** `millrace workers`: who performs, and who did so lately. */
import type { Tx } from '@millrace/engine'
import { operator } from '../app.ts'
import { duration, say, table } from './screen.ts'
import { withApp } from './session.ts'

export interface WorkerSeen {
  readonly id: number
  readonly name: string
  readonly kinds: readonly string[]
  readonly slots: number
  readonly running: number
  readonly registeredAt: Date
  readonly seenAt: Date
  /** Seconds, by the database's clock. */
  readonly seenAgo: number
  readonly state: 'alive' | 'stale' | 'gone'
  /** It went by itself, its session broke, or its lease ran out. */
  readonly goneWhy: 'left' | 'session' | 'lease' | null
  readonly goneAt: Date | null
}

const LIST = `
  select w.id, w.name, w.kinds, w.slots, w.registered_at as "registeredAt", w.seen_at as "seenAt",
         extract(epoch from engine.clock() - w.seen_at)::float8 as "seenAgo", w.gone_why as "goneWhy", w.gone_at as "goneAt",
         (select count(*) from engine.tasks t where t.worker = w.id) as running,
         case when w.gone_at is not null then 'gone'
              when w.seen_at < engine.clock() - interval '60 seconds' or not exists (
                select 1 from pg_locks k where k.locktype = 'advisory' and k.classid = engine.liveness()::oid and k.objid = w.id::oid
                   and k.objsubid = 2 and k.database = (select oid from pg_database where datname = current_database()))
              then 'stale' else 'alive' end as state
    from engine.workers w where w.gone_at is null or w.gone_at > engine.clock() - interval '1 hour'
   order by w.gone_at desc nulls first, w.id`

export async function workersSeen(tx: Tx): Promise<WorkerSeen[]> {
  return (await tx.query(LIST)).rows as unknown as WorkerSeen[]
}

export async function workers(options: { json?: boolean }): Promise<number> {
  return withApp(async ({ engine }) => {
    const seen = await engine.as(operator, workersSeen)
    if (options.json === true) {
      say(JSON.stringify(seen))
      return 0
    }
    if (seen.length > 0) {
      say(
        table(
          ['worker', 'name', 'kinds', 'slots', 'running', 'seen', 'state'],
          seen.map((one) => [
            one.id,
            one.name,
            briefly(one.kinds),
            one.slots,
            one.running,
            `${duration(Math.max(0, one.seenAgo))} ago`,
            stateOf(one),
          ]),
        ),
      )
    }
    if (!seen.some(({ state }) => state === 'alive'))
      say('No worker is alive. `millrace up` or `millrace worker` starts one; `millrace probe` brings its own.')
    return 0
  })
}

const KINDS = 3

/** A kind's decisions go without saying. */
function briefly(kinds: readonly string[]): string {
  const named = kinds.filter((kind) => !kind.endsWith('.next'))
  const more = named.length - KINDS
  return named.slice(0, KINDS).join(', ') + (more > 0 ? ` and ${more} more` : '')
}

const GONE = { left: 'it drained', session: 'its process or connection broke', lease: 'it was silent for too long' }

function stateOf({ state, goneWhy, seenAgo }: WorkerSeen): string {
  if (state === 'gone') return `gone: ${goneWhy === null ? 'nobody knows why' : GONE[goneWhy]}`
  if (state === 'stale') return seenAgo > 60 ? 'stale: silent for a minute' : 'stale: its connection is gone'
  return state
}
