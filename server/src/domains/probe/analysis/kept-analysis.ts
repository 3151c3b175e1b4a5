/** A run's analysis for who reads it: the one of the answers as they are now, an earlier one, or why there is none. */
import type { Engine, Principal } from '@millrace/engine'
import { VERSION, type Analysis } from './analysis-shape.ts'
import { probeOf } from './facts.ts'

export type KeptAnalysis =
  | {
      /** `outdated`: decisions were changed, or more was answered, since it was made. */
      readonly state: 'current' | 'outdated'
      readonly version: string
      readonly madeAt: Date
      readonly analysis: Analysis
    }
  | { readonly state: 'none'; readonly code: string; readonly message: string }

interface Row extends Record<string, unknown> {
  version: string
  made_at: Date
  is_current: boolean
  result: Analysis
}

/** @throws Refusal NO_SUCH_RUN, NOT_A_PROBE */
export async function keptAnalysis(engine: Engine, who: Principal, run: number): Promise<KeptAnalysis> {
  return engine.as(who, async (tx) => {
    const read: typeof tx.query = (text, values) => tx.query(text, values)
    await probeOf(read, run)
    const { rows } = await read<Row>(
      `select a.version, a.created_at as made_at, a.input_hash = h.hash as is_current, a.result
         from probe.analysis_results a cross join (select probe.facts_hash($1, $2) as hash) h
        where a.run_id = $1 and a.kind = 'basic' and a.version = $2
        order by a.input_hash = h.hash desc, a.id desc limit 1`,
      [run, VERSION],
    )
    const [row] = rows
    if (row !== undefined) {
      return {
        state: row.is_current ? 'current' : 'outdated',
        version: row.version,
        madeAt: row.made_at,
        analysis: row.result,
      }
    }
    const ended = await read<{ state: string; ended: boolean; failure: { code: string; message: string } | null }>(
      `select r.state::text, r.finished_at is not null as ended, b.output #> '{analysis,failure}' as failure
         from engine.runs r join engine.run_bodies b on b.run_id = r.id where r.id = $1`,
      [run],
    )
    return { state: 'none', ...whyNone(ended.rows[0]) }
  })
}

function whyNone(
  run: { state: string; ended: boolean; failure: { code: string; message: string } | null } | undefined,
) {
  if (run?.ended !== true) return { code: 'NOT_ENDED', message: 'the run has not ended' }
  if (run.failure !== null) return run.failure
  if (run.state === 'cancelled') return { code: 'CANCELLED', message: 'the run was cancelled' }
  if (run.state === 'failed') return { code: 'NOTHING_ANSWERED', message: 'nothing was answered' }
  return { code: 'NOT_MADE', message: 'the run ended before there was this analysis' }
}
