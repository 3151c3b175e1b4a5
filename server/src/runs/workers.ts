/** Who performs, and who did so lately. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Engine, Principal, Tx } from '@millrace/engine'

export interface WorkerSeen {
  readonly id: number
  readonly name: string
  readonly kinds: readonly string[]
  readonly slots: number
  readonly running: number
  /** Runs whose tasks it performs now, as far as they may be seen. */
  readonly activeRuns: readonly number[]
  /** Attempts that its process has closed since it began, up to its last beat; and those of them that failed. */
  readonly processed: number
  readonly failed: number
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
         coalesce((select jsonb_agg(distinct t.run_id) from engine.tasks t where t.worker = w.id), '[]') as "activeRuns",
         w.closed as processed, w.failed,
         case when w.gone_at is not null then 'gone'
              when w.seen_at < engine.clock() - interval '60 seconds' or not exists (
                select 1 from pg_locks k where k.locktype = 'advisory' and k.classid = engine.liveness()::oid and k.objid = w.id::oid
                   and k.objsubid = 2 and k.database = (select oid from pg_database where datname = current_database()))
              then 'stale' else 'alive' end as state
    from engine.workers w
   where (w.gone_at is null or w.gone_at > engine.clock() - interval '1 hour')
     and ($1::bigint is null or w.workspace_id is null or w.workspace_id = $1)
   order by w.gone_at desc nulls first, w.id`

/** @param workspace only those that serve it */
export async function workersSeen(tx: Tx, workspace?: number): Promise<WorkerSeen[]> {
  return (await tx.query(LIST, [workspace ?? null])).rows as unknown as WorkerSeen[]
}

/** Sweeps in which somebody is looked for who is gone; the second look at a session is what makes it gone. */
const LOOKS = 200
/** Milliseconds between two looks. */
const LOOK_PAUSE = 20

/** What a sweep by hand found. */
export interface Rescued {
  /** Workers that were given up. */
  readonly gone: number
  /** Tasks of theirs, and of those given up before, that became ready or ended. */
  readonly tasks: number
}

/**
 * Does once what every living worker does all the time: gives up who is gone, and
 * takes back what they held.  Where nobody performs, nobody else would.
 */
export async function rescue(engine: Pick<Engine, 'as'>, who: Principal, workspace: number | null): Promise<Rescued> {
  let gone = 0
  for (let look = 0; look < LOOKS; look++) {
    const { rows } = await engine.as(who, (tx) =>
      tx.query<{ gone: number; again: boolean }>('select gone, again from engine.expire_now($1)', [workspace]),
    )
    gone += rows[0]?.gone ?? 0
    if (rows[0]?.again !== true) break
    await sleep(LOOK_PAUSE)
  }
  const { rows } = await engine.as(who, (tx) =>
    tx.query<{ tasks: number }>('select engine.rescue_now($1) as tasks', [workspace]),
  )
  return { gone, tasks: rows[0]?.tasks ?? 0 }
}

/** Throws away the rows of workers that went two minutes ago and hold nothing; says how many. */
export async function forgetWorkers(tx: Tx, workspace: number | null): Promise<number> {
  const { rows } = await tx.query<{ forgotten: number }>('select engine.forget_workers($1) as forgotten', [workspace])
  return rows[0]?.forgotten ?? 0
}
