/** Who performs, and who did so lately. */
import type { Tx } from '@millrace/engine'

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
