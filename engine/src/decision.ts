/** The task that asks a run kind what comes next, made from its `next`. */
import { z } from 'zod'
import type { Tx } from './database.ts'
import { TaskFailed, type Failure } from './errors.ts'
import {
  unlisted,
  type AnyRunKind,
  type AnyTaskKind,
  type EndedRun,
  type Finished,
  type Hand,
  type Sensitive,
  type SoFar,
  type TaskKind,
} from './kinds.ts'
import { siftFailure, siftSpecs } from './sensitive.ts'

const hold = z.enum(['paused', 'awaiting_approval']).optional()
const decided = z.union([
  z.object({ do: z.array(z.looseObject({ kind: z.string(), input: z.unknown() })), hold }),
  z.object({ succeed: z.unknown(), made: z.unknown().optional() }),
  z.object({ fail: z.looseObject({ code: z.string() }) }),
])

function decisionOf({ kept, words }: Sensitive) {
  return z.union([
    z.object({ do: z.array(z.unknown()), hold }),
    z.object({ succeed: kept }),
    z.object({ fail: z.unknown().transform((failure) => siftFailure(failure as Failure, words)) }),
  ])
}

/** None or one: a run kind without `next` ends in the close of its last task. */
function decisionKinds(kind: AnyRunKind): AnyTaskKind[] {
  if (kind.next === undefined) return []
  const { next, save } = kind
  const task: TaskKind = {
    name: `${kind.name}.next`,
    input: z.unknown(),
    output: decided,
    // What it asks for is checked by the kinds it asks for; what it ends with, here.
    ...(kind.sensitive === undefined ? {} : { sensitive: { ...kind.sensitive, kept: decisionOf(kind.sensitive) } }),
    async perform(hand) {
      const decision = await next((await soFar(hand, kind)) as never)
      if ('do' in decision && unlisted(kind, decision.do) !== undefined) throw new TaskFailed(UNLISTED)
      if ('do' in decision) return { ...decision, do: siftSpecs(kind, decision.do) }
      // `succeed: undefined` would vanish in JSON and read as nothing decided.
      return 'succeed' in decision ? { ...decision, succeed: decision.succeed ?? null } : decision
    },
    ...(save === undefined ? {} : { save: (tx, finished) => save(tx, endedOf(finished)) }),
    keep(decision) {
      const { made: _, ...rest } = decision as { made?: unknown }
      return rest
    },
  }
  return [task]
}

/** By name: what run kinds are made of, and what decides about them. */
export function taskKinds(runs: readonly AnyRunKind[]): Map<string, AnyTaskKind> {
  const kinds = new Map<string, AnyTaskKind>()
  for (const kind of runs.flatMap((run) => [...run.tasks, ...decisionKinds(run)])) {
    const known = kinds.get(kind.name)
    if (known !== undefined && known !== kind) throw new Error(`two task kinds are named ${kind.name}`)
    kinds.set(kind.name, kind)
  }
  return kinds
}

function endedOf(finished: readonly Finished<unknown, unknown>[]): EndedRun[] {
  return finished.flatMap(({ run, workspace, output }) => {
    const { made } = output as { made?: unknown }
    return made === undefined ? [] : [{ run, workspace, made }]
  })
}

const UNLISTED: Failure = {
  code: 'UNLISTED_TASK_KIND',
  message: 'The run wanted a task of a kind that it does not list.',
  retryable: false,
  origin: 'task',
}

async function soFar(hand: Hand<unknown>, kind: AnyRunKind): Promise<SoFar<unknown>> {
  const read: Tx['query'] = hand.read
  const counts = await read<{ total: number; succeeded: number; failed: number }>(
    'select total, succeeded, failed from engine.runs where id = $1',
    [hand.run],
  )
  const { total = 0, succeeded = 0, failed = 0 } = counts.rows[0] ?? {}
  return {
    run: hand.run,
    input: kind.input.parse(await hand.runInput()),
    total,
    succeeded,
    failed,
    signal: hand.signal,
    read,
    async count(name, state) {
      const { rows } = await read<{ amount: number }>(
        `select count(*) as amount from engine.tasks t
          where t.run_id = $1 and t.n > 0 and t.state = $3::text::engine.task_state
            and t.lane_id = any(array(select l.id from engine.lanes l where l.run_id = $1 and l.kind = $2))`,
        [hand.run, name, state],
      )
      return rows[0]?.amount ?? 0
    },
    async outputs(of, kept, after = 0, limit = 1_000) {
      const { rows } = await read<{ task: number; output: unknown }>(
        `select o.n as task, o.output from engine.outputs o join engine.tasks t on t.run_id = o.run_id and t.n = o.n
          where o.run_id = $1 and o.n > greatest($2::integer, 0)
            and t.lane_id = any(array(select l.id from engine.lanes l where l.run_id = $1 and l.kind = $3))
          order by o.n limit $4`,
        [hand.run, after, of, limit],
      )
      return rows.map((row) => ({ task: row.task, output: kept.parse(row.output) }))
    },
    async commonestFailure() {
      const { rows } = await read<{ failure: Failure | null }>('select engine.commonest_failure($1) as failure', [
        hand.run,
      ])
      return rows[0]?.failure ?? null
    },
  }
}
