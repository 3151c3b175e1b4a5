/** Limits by people's word: what may run and begin under a key, and who waits there. */
import type { Api, Principal } from './access.ts'
import type { Tx } from './database.ts'
import { Refusal } from './errors.ts'

/** What holds for everybody under a key; nulls do not limit. */
export interface Limit {
  readonly key: string
  /** Tasks at a time. */
  readonly concurrency: number | null
  readonly requestsPerMinute: number | null
  readonly tokensPerMinute: number | null
  /** Nobody before then: the other side asked for a pause. */
  readonly until: Date | null
  /** Nobody until it is released: a failure's code, or PAUSED. */
  readonly stopped: string | null
  readonly stoppedAt: Date | null
  readonly running: number
  readonly waiting: number
}

/** What is left out stays as it is; null does not limit any more. */
export interface LimitChange {
  readonly concurrency?: number | null
  readonly requestsPerMinute?: number | null
  readonly tokensPerMinute?: number | null
}

/** For the operator alone: a key is one account, whoever asks. */
export interface Limits {
  list(who: Principal): Promise<Limit[]>
  set(who: Principal, key: string, change: LimitChange): Promise<Limit>
  stop(who: Principal, key: string): Promise<Limit>
  /** Ends a stop and a pause. @throws Refusal NO_SUCH_LIMIT */
  release(who: Principal, key: string): Promise<Limit>
}

const LIST = `select x.key, x.concurrency, x.requests_per_minute as "requestsPerMinute", x.tokens_per_minute as "tokensPerMinute",
    case when x.until > engine.clock() then x.until end as until, x.stop as stopped, x.stopped_at as "stoppedAt",
    coalesce(t.running, 0) as running, coalesce(t.waiting, 0) as waiting
  from engine.limits x
  left join (select k.id, count(*) filter (where t.state = 'running') as running,
                    count(*) filter (where t.state = 'ready') as waiting
               from engine.lanes l cross join lateral (values (l.limit_id), (l.bound_id)) as k(id)
               join engine.tasks t on t.lane_id = l.id and t.state in ('ready', 'running')
              where k.id <> 0 group by k.id) t on t.id = x.id
 where $1::text is null or x.key = $1 order by x.key`

export function openLimits(api: Api): Limits {
  async function change(who: Principal, key: string, work: (tx: Tx, before: Limit | undefined) => Promise<unknown>) {
    const changed = async (tx: Tx) => {
      await work(tx, await find(tx, key))
      return find(tx, key)
    }
    // What waited may begin now.
    const limit = await api.as(who, changed, () => ({ millrace_tasks: '' }))
    if (limit === undefined) throw new Error('the limit is not to be seen')
    return limit
  }

  return {
    list: (who) => api.as(who, async (tx) => (await tx.query(LIST, [null])).rows as unknown as Limit[]),
    set: (who, key, wanted) =>
      change(who, key, (tx, before) =>
        tx.query('select engine.limit_key($1, $2, $3, $4)', [
          key,
          either(wanted.concurrency, before?.concurrency),
          either(wanted.requestsPerMinute, before?.requestsPerMinute),
          either(wanted.tokensPerMinute, before?.tokensPerMinute),
        ]),
      ),
    stop: (who, key) => change(who, key, (tx) => tx.query('select engine.stop_key($1)', [key])),
    release: (who, key) =>
      change(who, key, async (tx, before) => {
        if (before === undefined && who.operator === true) {
          throw new Refusal('NO_SUCH_LIMIT', 'No task and no limit has this key.', {
            remedy: '`millrace limits list` shows the keys that there are.',
          })
        }
        await tx.query('select engine.release_key($1)', [key])
      }),
  }
}

async function find(tx: Tx, key: string): Promise<Limit | undefined> {
  return (await tx.query(LIST, [key])).rows[0] as unknown as Limit | undefined
}

function either(wanted: number | null | undefined, before: number | null | undefined): number | null {
  return wanted === undefined ? (before ?? null) : wanted
}
