/**
 * Making a run's basic analysis: once for the same answers.  The end of a run
 * makes it; `probe.analysis` makes it anew when decisions were changed since.
 */
import { z } from 'zod'
import {
  defineRun,
  defineTask,
  isConnectionLoss,
  TaskFailed,
  toJson,
  type EndedRun,
  type Failure,
  type SoFar,
  type Tx,
} from '@millrace/engine'
import type { Python } from '../../../tools/python/python.ts'
import { analysisSchema, VERSION } from './analysis-shape.ts'
import { factsOf } from './facts.ts'
import { askAnalyst } from './python-analyst.ts'

const made = z.object({
  version: z.string(),
  /** Of everything that went in. */
  hash: z.string(),
  /** Null when the same was made before. */
  result: analysisSchema.nullable(),
})
type Made = z.output<typeof made>

async function make(read: Tx['query'], run: number, python: Python, signal: AbortSignal): Promise<Made> {
  const hash = await hashOf(read, run)
  if (await isKept(read, run, hash)) return { version: VERSION, hash, result: null }
  const facts = await factsOf(read, run)
  const result = analysisSchema.safeParse(await askAnalyst(python, facts, signal))
  if (!result.success) throw new TaskFailed(UNREADABLE)
  // What was changed while it was read is in the next one.
  return { version: VERSION, hash, result: result.data }
}

const UNREADABLE: Failure = {
  code: 'INVALID_OUTPUT',
  message: 'The analysis gave numbers in a shape that is not known.',
  retryable: false,
  origin: 'task',
}

async function hashOf(read: Tx['query'], run: number): Promise<string> {
  const { rows } = await read<{ hash: string }>('select probe.facts_hash($1, $2) as hash', [run, VERSION])
  return rows[0]?.hash ?? ''
}

async function isKept(read: Tx['query'], run: number, hash: string): Promise<boolean> {
  const { rows } = await read(
    `select from probe.analysis_results where run_id = $1 and kind = 'basic' and version = $2 and input_hash = $3`,
    [run, VERSION, hash],
  )
  return rows.length > 0
}

async function keep(tx: Tx, run: number, workspace: number, { version, hash, result }: Made): Promise<void> {
  if (result === null) return
  await tx.query(
    `insert into probe.analysis_results (run_id, workspace_id, kind, version, input_hash, result)
     values ($1, $2, 'basic', $3, $4, $5) on conflict (run_id, kind, version, input_hash) do nothing`,
    [run, workspace, version, hash, toJson(result)],
  )
}

/** What a run says about its analysis in its output. */
export type AnalysisNote = { readonly hash: string } | { readonly failure: Pick<Failure, 'code' | 'message'> }

/** For the decision of a run: a run does not fail because it cannot be analysed. */
export async function analyseAtEnd(
  { run, read, signal }: SoFar<unknown>,
  python: Python,
): Promise<{ note: AnalysisNote; made?: Made }> {
  try {
    const found = await make(read, run, python, signal)
    return { note: { hash: found.hash }, ...(found.result === null ? {} : { made: found }) }
  } catch (error) {
    // Not a word about the analysis: the decision itself has to be made again.
    if (signal.aborted || isConnectionLoss(error)) throw error
    const { code, message } = error instanceof TaskFailed ? error.failure : UNKNOWN
    return { note: { failure: { code, message } } }
  }
}

const UNKNOWN = { code: 'UNKNOWN', message: 'The analysis ended in an error that nobody named.' }

export async function keepAtEnd(tx: Tx, ended: readonly EndedRun[]): Promise<void> {
  for (const one of ended) await keep(tx, one.run, one.workspace, one.made as Made)
}

export const analysisInput = z.object({
  /** The probe run, of the same workspace. */
  run: z.int().min(1),
})

/** Seconds that an analysis of a hundred thousand answers takes at most. */
const TIMEOUT = 300

/** Makes the analysis of a run that has ended once more. */
export function analysisRun(python: Python) {
  const analyzeBasic = defineTask({
    name: 'analyze_basic',
    input: analysisInput,
    output: made,
    timeout: TIMEOUT,
    async perform({ input: { run }, workspace, read, signal }) {
      const { rows } = await read<{ ended: boolean }>(
        `select r.finished_at is not null as ended from engine.runs r join probe.runs p on p.run_id = r.id
          where r.id = $1 and r.workspace_id = $2`,
        [run, workspace],
      )
      if (rows[0] === undefined) throw new TaskFailed(NO_SUCH_RUN)
      if (!rows[0].ended) throw new TaskFailed(NOT_ENDED)
      return make(read, run, python, signal)
    },
    async save(tx, finished) {
      for (const { input, workspace, output } of finished) await keep(tx, input.run, workspace, output)
    },
    keep: ({ version, hash }) => ({ version, hash }),
  })
  return defineRun({
    name: 'probe.analysis',
    input: analysisInput,
    tasks: [analyzeBasic],
    plan: (input) => [{ kind: 'analyze_basic', input }],
  })
}

const NO_SUCH_RUN: Failure = {
  code: 'NO_SUCH_RUN',
  message: 'There is no such probe run in this workspace.',
  retryable: false,
  origin: 'input',
}
const NOT_ENDED: Failure = {
  code: 'NOT_ENDED',
  message: 'Only a run that has ended can be analysed.',
  retryable: false,
  origin: 'input',
}
