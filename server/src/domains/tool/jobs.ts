/** Calls of tools as a caller sees them: which tools there are, calls that were asked for, how they ended. */
import { Refusal, type Engine, type Event, type Principal, type Run } from '@millrace/engine'
import { envelopeOf, type ErrorEnvelope } from '../../tools/envelope.ts'
import type { ToolState } from '../../tools/lifecycle.ts'
import type { z } from 'zod'
import { envelopeOfFailure, kindOfCall, toolOutput } from './run.ts'

/** Where a tool stands in a worker that is alive. */
export interface Place {
  readonly worker: number
  readonly state: ToolState
  readonly inFlight: number
  readonly lastOutcome: 'success' | 'error' | 'caller_error' | null
  readonly reason: string | null
  readonly file: string | null
  readonly line: number | null
}

/** The names of the metrics are those of the contract. */
export interface SeenTool {
  readonly name: string
  /** Null, as all that follows to `capabilities`, of a file that never loaded. */
  readonly version: string | null
  readonly description: string | null
  readonly carrier: string | null
  readonly input: unknown
  readonly output: unknown
  readonly errors: unknown
  readonly timeout_ms: number | null
  readonly concurrency: number | null
  readonly capabilities: readonly string[] | null
  /** The worst first. */
  readonly places: readonly Place[]
  readonly success_count: number
  readonly error_count: number
  readonly caller_error_count: number
  readonly last_execution_time_ms: number | null
  readonly avg_execution_time_ms: number | null
  /** At most a tenth above what it was. */
  readonly p95_execution_time_ms: number | null
  readonly last_used: Date | null
}

export async function seenTools(engine: Engine, who: Principal, name?: string): Promise<SeenTool[]> {
  const { rows } = await engine.as(who, (tx) => tx.query('select * from tool.seen($1)', [name ?? null]))
  return rows as unknown as SeenTool[]
}

/** The worst state of a tool, where anybody has it. */
export const stateOf = ({ places }: SeenTool): ToolState => places[0]?.state ?? 'UNAVAILABLE'

/** Is a worker alive that performs calls, and has said which tools it has? */
export async function hasToolWorker(engine: Engine, who: Principal): Promise<boolean> {
  const { rows } = await engine.as(who, (tx) =>
    tx.query(
      `select from engine.workers w where w.gone_at is null and 'tool.call' = any(w.kinds)
          and exists (select from tool.states s where s.worker_id = w.id) limit 1`,
    ),
  )
  return rows.length > 0
}

/** Does a worker that is alive perform its calls?  One where its file does not load has said so, and performs none. */
async function isPerformed(engine: Engine, who: Principal, tool: string): Promise<boolean> {
  const { rows } = await engine.as(who, (tx) =>
    tx.query('select from engine.workers w where w.gone_at is null and $1 = any(w.kinds) limit 1', [kindOfCall(tool)]),
  )
  return rows.length > 0
}

export interface Job {
  readonly run: Run
  readonly tool: string
  readonly error: ErrorEnvelope | null
}

export interface JobFilter {
  /** States and holds of the engine, any of them. */
  readonly statuses?: readonly string[]
  readonly tool?: string
  readonly since?: Date
  readonly until?: Date
  readonly before?: number
  readonly limit: number
}

const TOOL_OF = `select b.input ->> 'tool' as tool, r.id from engine.runs r join engine.run_bodies b on b.run_id = r.id`

export async function findJobs(engine: Engine, who: Principal, filter: JobFilter): Promise<Job[]> {
  const { rows } = await engine.as(who, (tx) =>
    tx.query<{ id: number; tool: string }>(
      `${TOOL_OF}
        where r.kind = 'tool' and ($1::text[] is null or engine.status(r) = any($1)) and ($2::text is null or b.input ->> 'tool' = $2)
          and ($3::timestamptz is null or r.created_at >= $3) and ($4::timestamptz is null or r.created_at < $4)
          and ($5::bigint is null or r.id < $5)
        order by r.id desc limit $6`,
      [
        filter.statuses ?? null,
        filter.tool ?? null,
        filter.since ?? null,
        filter.until ?? null,
        filter.before ?? null,
        filter.limit,
      ],
    ),
  )
  if (rows.length === 0) return []
  const runs = new Map((await engine.runs(who, { ids: rows.map(({ id }) => id) })).map((run) => [run.id, run]))
  return rows.flatMap(({ id, tool }) => {
    const run = runs.get(id)
    return run === undefined ? [] : [jobOf(run, tool)]
  })
}

/** @throws Refusal NO_SUCH_RUN; undefined for a run of another kind */
export async function jobNumbered(engine: Engine, who: Principal, id: number): Promise<Job | undefined> {
  const run = await engine.run(who, id)
  if (run.kind !== 'tool') return undefined
  const { rows } = await engine.as(who, (tx) => tx.query<{ tool: string }>(`${TOOL_OF} where r.id = $1`, [id]))
  return jobOf(run, rows[0]?.tool ?? '')
}

/** What a call gave: the output of its one task, for its run ends with that. */
export async function outputOf(engine: Engine, who: Principal, run: number): Promise<z.output<typeof toolOutput>> {
  const { rows } = await engine.as(who, (tx) =>
    tx.query<{ output: unknown }>('select output from engine.outputs where run_id = $1 and n = 1', [run]),
  )
  return toolOutput.parse(rows[0]?.output)
}

function jobOf(run: Run, tool: string): Job {
  return { run, tool, error: errorOf(run, tool) }
}

/** One id for a run that no tool ended: made of its number. */
const idOf = (run: number) => `00000000-0000-4000-8000-${run.toString(16).padStart(12, '0')}`

function errorOf({ id, state, failure, finishedAt }: Run, tool: string): ErrorEnvelope | null {
  const correlationId = idOf(id)
  const at = finishedAt ?? new Date()
  if (state === 'cancelled') {
    return { ...envelopeOf('CANCELLED', { tool, correlationId }), timestamp: at.toISOString() }
  }
  return failure === null ? null : envelopeOfFailure(failure, tool, { correlationId, at })
}

/** Milliseconds in which a worker must be there. */
const WORKER_WITHIN = 2_000
const LOOK_EVERY = 100
/** By which the end of a call may reach us after the tool's own deadline: its worker may be busy. */
const LATE = 10_000

export type Found =
  | { readonly tool: SeenTool }
  | { readonly missing: 'UNKNOWN_TOOL' | 'NO_WORKER' | 'OUT_OF_SERVICE' | 'UNAVAILABLE' }

/** The tool that a call is for, and that a worker has it; who is not there gets two seconds. */
export async function toolToCall(engine: Engine, who: Principal, name: string): Promise<Found> {
  for (const end = performance.now() + WORKER_WITHIN; ;) {
    const [tool] = await seenTools(engine, who, name)
    if (tool !== undefined && tool.places.length > 0) {
      if (tool.version !== null && (await isPerformed(engine, who, name))) return { tool }
      return { missing: stateOf(tool) === 'UNAVAILABLE' ? 'UNAVAILABLE' : 'OUT_OF_SERVICE' }
    }
    if (tool === undefined && (await hasToolWorker(engine, who))) return { missing: 'UNKNOWN_TOOL' }
    if (performance.now() >= end) return { missing: 'NO_WORKER' }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY))
  }
}

/** The job when it has ended, or when its time is over and it was cancelled. */
export async function jobAtEnd(
  engine: Engine,
  who: Principal,
  { run, tool }: { run: number; tool: SeenTool },
  left: AbortSignal,
  seen: (event: Event) => void = () => {},
): Promise<Job> {
  const late = AbortSignal.timeout((tool.timeout_ms ?? 0) + LATE)
  for await (const event of engine.follow(who, run, 0, AbortSignal.any([late, left]))) seen(event)
  const last = await engine.run(who, run)
  if (last.finishedAt !== null) return jobOf(last, tool.name)
  try {
    await engine.cancel(who, run)
  } catch (error) {
    // It ended in that moment, and what it came to is the answer.
    if (!(error instanceof Refusal && error.code === 'WRONG_STATE')) throw error
    return jobOf(await engine.run(who, run), tool.name)
  }
  return { run: last, tool: tool.name, error: envelopeOf('TIMEOUT', { tool: tool.name, correlationId: idOf(run) }) }
}
