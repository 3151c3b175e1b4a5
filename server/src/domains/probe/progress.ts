/** How far each model of a probe run is. */
import type { Engine, Principal } from '@millrace/engine'

export interface ModelProgress {
  readonly model: string
  readonly total: number
  readonly succeeded: number
  readonly failed: number
  readonly cancelled: number
}

/**
 * How far each model is.  The plan asks the models in turn, so a task's number
 * says whose it is, and nothing but the tasks is read: this costs by their number.
 */
export async function progressByModel(engine: Engine, who: Principal, run: number): Promise<ModelProgress[]> {
  const { rows } = await engine.as(who, (tx) =>
    tx.query(
      `select p.models[q.place] as model, q.total, q.succeeded, q.failed, q.cancelled
         from probe.runs p cross join lateral (
           select (t.n - 1) % cardinality(p.models) + 1 as place, count(*) as total,
                  count(*) filter (where t.state = 'succeeded') as succeeded,
                  count(*) filter (where t.state = 'failed') as failed,
                  count(*) filter (where t.state = 'cancelled') as cancelled
             from engine.tasks t where t.run_id = p.run_id and t.n > 0 group by 1) q
        where p.run_id = $1 order by q.place`,
      [run],
    ),
  )
  return rows as unknown as ModelProgress[]
}
