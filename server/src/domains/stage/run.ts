/**
 * The run kind `stage`: the steps of a stage's recipe one after the other, then its
 * gates.  SQL starts it (a move, `stage.begin_run`) with one task, `stage.begin`;
 * `next` decides everything else from what stands in the tables, so the code may
 * change while runs are under way.  Its end acts in SQL (`stage.follow`).
 */
import { z } from 'zod'
import {
  defineRun,
  defineTask,
  TaskFailed,
  type AnyRunKind,
  type Failure,
  type Next,
  type SoFar,
  type TaskSpec,
} from '@millrace/engine'
import { heldByMoney } from '../../prices/held.ts'
import type { UsesOfStep } from './steps/uses.ts'

const stepInput = z.looseObject({
  order: z.int(),
  skill: z.looseObject({ id: z.string(), name: z.string(), digest: z.string() }),
  provider: z.string(),
  /** `provider:model`. */
  model: z.string().optional(),
})

/** The snapshot that a stage run works by; what the recipe's room adds passes through. */
export const stageInput = z.looseObject({
  workspace: z.int(),
  stage: z.string(),
  transition: z.int(),
  actor: z.string(),
  level: z.enum(['fully_auto', 'auto_notify', 'human_approval', 'manual']),
  card: z.looseObject({
    id: z.int(),
    title: z.string(),
    description: z.string(),
    stage: z.string(),
    priority: z.string(),
    metadata: z.record(z.string(), z.unknown()),
    version: z.int(),
  }),
  steps: z.array(stepInput),
  gates: z.array(z.looseObject({ id: z.string(), required: z.boolean() })),
  onFailBehavior: z.enum(['stay', 'revert', 'create_questions', 'review_required']).default('stay'),
})
export type StageInput = z.output<typeof stageInput>

/**
 * What a task of kind `stage.step.<provider>` is given: which of the snapshot's steps, from
 * 0; `model` is for whoever adds up what models cost.
 */
export const stepTaskInput = z.strictObject({ step: z.int().min(0), model: z.string().optional() })
/** What `stage.gates` is given: the round that asks. */
export const gatesTaskInput = z.strictObject({ round: z.int() })
/** What `stage.gates` gives; `blocked`: a required gate did not pass. */
export const gatesTaskOutput = z.object({
  results: z.array(z.looseObject({ id: z.string(), required: z.boolean(), passed: z.boolean() })),
  blocked: z.boolean(),
})

export const stageOutput = z.object({
  steps: z.int(),
  gates: z.object({
    passed: z.int(),
    /** Those that are not required and did not pass. */
    warned: z.array(z.string()),
    /** Those that a person passed. */
    waived: z.array(z.string()),
  }),
})

/**
 * All tasks of a workspace's stage runs stand under one key: how many at a time is its setting.
 * Steps have it as their bound, beside the key of the provider that they ask.
 */
export const keyOf = (workspace: number) => `stage:${workspace}`
export const stepKind = (provider: string) => `stage.step.${provider}`
export const GATES = 'stage.gates'

const begin = defineTask({
  name: 'stage.begin',
  input: z.object({}),
  output: z.object({ steps: z.int(), gates: z.int() }),
  async perform(hand) {
    const { rows } = await hand.read<{ is: boolean }>('select stage.is_of_a_card($1) as is', [hand.run])
    if (rows[0]?.is !== true) throw new TaskFailed(NOT_OF_A_CARD)
    const input = stageInput.parse(await hand.runInput())
    hand.log('stage begun', { stage: input.stage, steps: input.steps.length, gates: input.gates.length })
    return { steps: input.steps.length, gates: input.gates.length }
  },
})

const NOT_OF_A_CARD: Failure = {
  code: 'NOT_OF_A_CARD',
  message: 'A stage run begins with a card: move one, or ask for the run of its stage.',
  retryable: false,
  origin: 'input',
}

type AnyTaskKind = AnyRunKind['tasks'][number]

/** `steps`: a task kind for each provider; `gates`: the one that looks at gates; `uses`: what a step may use. */
export function stageRun(given: {
  readonly steps: readonly AnyTaskKind[]
  readonly gates: readonly AnyTaskKind[]
  readonly uses: UsesOfStep
}) {
  return defineRun({
    name: 'stage',
    input: stageInput,
    tasks: [begin, ...given.steps, ...given.gates],
    plan: ({ workspace }) => [{ kind: begin.name, key: keyOf(workspace), input: {} }],
    next: (soFar) => decide(soFar, given.uses),
  })
}
export type StageRun = ReturnType<typeof stageRun>

interface Done {
  readonly n: number
  readonly kind: string
  readonly state: 'ready' | 'running' | 'succeeded' | 'failed' | 'cancelled'
  readonly input: unknown
  /** Of gates alone: those of steps may be long. */
  readonly output: unknown
  readonly failure: Failure | null
}

const DONE = `
  select t.n, l.kind, t.state, i.input, case when l.kind = '${GATES}' then o.output end as output, a.failure
    from engine.tasks t
    join engine.lanes l on l.id = t.lane_id
    join engine.inputs i on i.run_id = t.run_id and i.n = t.n
    left join engine.outputs o on o.run_id = t.run_id and o.n = t.n
    left join engine.attempts a on a.run_id = t.run_id and a.n = t.n and a.attempt = t.attempt
   where t.run_id = $1 and t.n > 0 order by t.n`

async function decide(
  { run, input, read }: SoFar<StageInput>,
  usesOf: UsesOfStep,
): Promise<Next<z.output<typeof stageOutput>>> {
  const { rows: done } = await read<Record<keyof Done, never>>(DONE, [run])
  const tasks = done as readonly Done[]
  const broken = tasks.find((task) => task.state === 'failed')
  if (broken !== undefined) return { fail: broken.failure ?? STEP_FAILED }

  const finished = new Set(
    tasks.flatMap((task) =>
      task.state === 'succeeded' && task.kind.startsWith(stepKind('')) ? [stepTaskInput.parse(task.input).step] : [],
    ),
  )
  const step = input.steps.findIndex((_, place) => !finished.has(place))
  const key = keyOf(input.workspace)
  if (step >= 0) {
    const { provider, model } = input.steps[step] as StageInput['steps'][number]
    const { micros, ...uses } = await usesOf({ read, workspace: input.workspace, run, input, step })
    if (micros === null && (await heldByMoney({ query: read }, run))?.moneyAlone === true) return { fail: NO_PRICE }
    return {
      do: [
        {
          kind: stepKind(provider),
          key: provider,
          bound: key,
          input: { step, ...(model === undefined ? {} : { model }) },
          uses: { ...uses, micros: micros ?? 0 },
        },
      ],
    }
  }
  if (input.gates.length === 0) return { succeed: ended(input, { results: [], blocked: false }, false) }

  const facts = await read<{ round: number; passed: number | null }>(
    `select r.round, (select max(a.task) from stage.approvals a
                       where a.run_id = r.id and a.what = 'review' and a.decision = 'approved') as passed
       from engine.runs r where r.id = $1`,
    [run],
  )
  const { round = 1, passed = null } = facts.rows[0] ?? {}
  const look: TaskSpec = { kind: GATES, key, input: { round } }
  const last = tasks.findLast((task) => task.kind === GATES)
  // Looked at in this round, and not before it.
  if (last?.state !== 'succeeded' || gatesTaskInput.parse(last.input).round !== round) return { do: [look] }
  const seen = gatesTaskOutput.parse(last.output)
  const waived = seen.blocked && passed === last.n
  if (!seen.blocked || waived) return { succeed: ended(input, seen, waived) }
  if (input.onFailBehavior === 'stay' || input.onFailBehavior === 'revert') return { fail: gateFailed(input, seen) }
  // The same look once more, when somebody has answered or has passed them.
  return { do: [look], hold: 'awaiting_approval' }
}

type Seen = z.output<typeof gatesTaskOutput>

function ended(input: StageInput, seen: Seen, waived: boolean): z.output<typeof stageOutput> {
  const failed = seen.results.filter((gate) => !gate.passed)
  return {
    steps: input.steps.length,
    gates: {
      passed: seen.results.length - failed.length,
      warned: failed.filter((gate) => !gate.required).map((gate) => gate.id),
      waived: waived ? failed.filter((gate) => gate.required).map((gate) => gate.id) : [],
    },
  }
}

function gateFailed(input: StageInput, seen: Seen): Failure {
  const gates = seen.results.filter((gate) => gate.required && !gate.passed).map((gate) => gate.id)
  return {
    code: 'GATE_FAILED',
    message: 'A gate that is required did not pass.',
    retryable: false,
    origin: 'task',
    details: { gates: gates.join(', '), onFail: input.onFailBehavior },
  }
}

/** It would pass unseen. */
const NO_PRICE: Failure = {
  code: 'BUDGET_CANNOT_HOLD',
  message:
    'A budget of money could not hold the next step: no price is known of its model. A price in the file of MILLRACE_PRICES, or a budget of tokens beside it, helps; then retry.',
  retryable: false,
  origin: 'task',
}

const STEP_FAILED: Failure = {
  code: 'STEP_FAILED',
  message: 'A step of the stage failed.',
  retryable: false,
  origin: 'task',
}
