/** The tasks of a run, page by page, and one of them with all that is known. */
import type { Failure, Tx } from '@millrace/engine'

export interface TaskSeen {
  /** 1, 2, 3 … planned; −1, −2 … decisions. */
  readonly n: number
  readonly kind: string
  /** The limiter key; empty for none. */
  readonly key: string
  readonly state: 'ready' | 'running' | 'succeeded' | 'failed' | 'cancelled'
  readonly attempt: number
  readonly tries: number
  readonly crashes: number
  readonly worker: number | null
  readonly dueAt: Date | null
  /** How the last attempt ended that did not succeed. */
  readonly failure: Failure | null
}

export interface AttemptSeen {
  readonly attempt: number
  readonly worker: number | null
  readonly outcome: string
  readonly failure: Failure | null
  readonly endedAt: Date
}

const TASK = `
  select t.n, l.kind, l.key, t.state::text as state, t.attempt, t.tries, t.crashes, t.worker, t.due_at as "dueAt",
         (select a.failure from engine.attempts a where a.run_id = t.run_id and a.n = t.n and a.failure is not null
            and t.state <> 'succeeded' order by a.attempt desc limit 1) as failure
    from engine.tasks t join engine.lanes l on l.id = t.lane_id`

/** Planned ones, by number, after one. */
export async function tasksOf(
  tx: Tx,
  run: number,
  { after, limit, state }: { after: number; limit: number; state: TaskSeen['state'] | undefined },
): Promise<TaskSeen[]> {
  const { rows } = await tx.query(
    `${TASK} where t.run_id = $1 and t.n > $2 and t.n > 0 and ($3::engine.task_state is null or t.state = $3) order by t.n limit $4`,
    [run, after, state ?? null, limit],
  )
  return rows as unknown as TaskSeen[]
}

export async function taskOf(
  tx: Tx,
  run: number,
  n: number,
): Promise<(TaskSeen & { input: unknown; output: unknown; attempts: AttemptSeen[] }) | undefined> {
  const { rows } = await tx.query(`${TASK} where t.run_id = $1 and t.n = $2`, [run, n])
  const task = rows[0] as unknown as TaskSeen | undefined
  if (task === undefined) return undefined
  const kept = await tx.query<{ input: unknown; output: unknown }>(
    `select i.input, o.output from engine.inputs i left join engine.outputs o on o.run_id = i.run_id and o.n = i.n
      where i.run_id = $1 and i.n = $2`,
    [run, n],
  )
  const attempts = await tx.query(
    `select attempt, worker, outcome, failure, ended_at as "endedAt" from engine.attempts where run_id = $1 and n = $2 order by attempt limit 100`,
    [run, n],
  )
  return {
    ...task,
    input: kept.rows[0]?.input ?? null,
    output: kept.rows[0]?.output ?? null,
    attempts: attempts.rows as unknown as AttemptSeen[],
  }
}
