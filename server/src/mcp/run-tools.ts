/**
 * The tools that start, watch and steer runs.  None of them decides about an approval:
 * whoever asks may be a model, and a model must not approve its own work.
 */
import type { Engine } from '@millrace/engine'
import { z } from 'zod'
import type { Scope } from '../access/signed-in.ts'
import { compareRuns } from '../domains/probe/compare/compare.ts'
import { findPage, foundRun, type FoundRun } from '../runs/find-runs.ts'
import { resultsOf } from '../domains/probe/results.ts'
import { comparisonSchema } from '../http/analysis-shapes.ts'
import { afterOf, cursorOf, given } from '../http/house.ts'
import { PRIORITY } from '../runs/priority.ts'
import { eventSchema, failureAt, failureSchema, runAt, runSchema, waitingSchema } from '../http/shapes.ts'
import { startOfKind } from '../http/start-kind.ts'
import { statusAt, statusesOf, STATUSES, type Status } from '../http/words.ts'
import { again } from '../runs/again.ts'
import { pageOfRun, type Asking, type CallHand } from './asking.ts'

export interface RunTool {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly scope: Scope
  readonly input: z.ZodType
  readonly output: z.ZodType
  readonly hints: { readOnlyHint: boolean; destructiveHint?: boolean; idempotentHint?: boolean }
  /** Gives what `output` accepts. */
  readonly perform: (given: never, asking: Asking, hand: CallHand) => Promise<unknown>
}

function runTool<In extends z.ZodType, Out extends z.ZodType>(tool: {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly scope: Scope
  readonly input: In
  readonly output: Out
  readonly hints: RunTool['hints']
  readonly perform: (given: z.output<In>, asking: Asking, hand: CallHand) => Promise<z.input<Out>>
}): RunTool {
  return tool
}

const WORDS = ['working', 'input_required', 'completed', 'failed', 'cancelled'] as const
const number = z.int().min(1).max(Number.MAX_SAFE_INTEGER)
const run = number.describe('Number of the run.')
const READS = { readOnlyHint: true } as const
const CHANGES = { readOnlyHint: false, destructiveHint: false } as const

const runShape = runSchema.omit({ status: true }).extend({
  status: z.enum(WORDS),
  statusMessage: z.enum(STATUSES).describe('The same in the words of Millrace: paused and queued are working.'),
  url: z.string().describe('Where a person looks at it, and decides if it awaits approval.'),
})
const shown = z.object({ run: runShape })

function runIn(asking: Asking, found: FoundRun): z.input<typeof runShape> {
  const { status, ...rest } = runAt(found)
  return { ...rest, status: statusAt('mcp', status), statusMessage: status, url: pageOfRun(asking, found.id) }
}

export async function shownRun(asking: Asking, id: number): Promise<z.input<typeof shown>> {
  return { run: runIn(asking, await foundRun(asking.house.engine, asking.who.principal, id)) }
}

/** Characters of JSON that an answer holds of one output. */
const LARGEST = 256 * 1024
const broughtShape = shown.extend({
  output: z.unknown().describe('Null before the end, and where it is too large; `url` has it then.'),
  tooLarge: z.boolean(),
  failure: failureSchema.nullable(),
  models: z.array(z.record(z.string(), z.unknown())).nullable(),
})

export async function runResults(asking: Asking, id: number): Promise<z.input<typeof broughtShape>> {
  const { engine, probe } = asking.house
  const { principal } = asking.who
  const found = await foundRun(engine, principal, id)
  const models = found.kind === probe.name ? await resultsOf(engine, principal, id) : null
  const output = found.kind === 'tool' ? await outputOfTask(engine, principal, id) : (found.output ?? null)
  const tooLarge = (JSON.stringify(output) ?? '').length > LARGEST
  return {
    run: runIn(asking, found),
    output: tooLarge ? null : output,
    tooLarge,
    failure: found.failure === null ? null : failureAt(found.failure),
    models: models?.map((one) => ({ ...one })) ?? null,
  }
}
const MOST_EVENTS = 200
/** Milliseconds between two looks while it is watched. */
const LOOK = 250

export const RUN_TOOLS: readonly RunTool[] = [
  runTool({
    name: 'runs_start',
    title: 'Start a run',
    description:
      'Starts a run of any kind and answers at once with its number; runs_watch waits for it. The same idempotencyKey with the same input is the same run, so give one. An unknown kind is refused with the kinds that there are.',
    scope: 'runs:write',
    hints: { ...CHANGES, idempotentHint: true },
    input: z.strictObject({
      kind: z.string().min(1).max(200).describe('probe, tool, chat, or another that is served here.'),
      input: z.unknown().optional().describe('As the kind takes it; GET /api/kinds has the schemas.'),
      priority: z.enum(['low', 'normal', 'high']).default('normal'),
      idempotencyKey: z
        .string()
        .regex(/^[\x21-\x7e]{1,200}$/)
        .optional(),
      budget: z
        .strictObject({
          tokens: z.int().min(0).optional(),
          micros: z.int().min(0).optional().describe('Millionths of a US dollar.'),
        })
        .optional()
        .describe('The most that it may use.'),
    }),
    output: shown.extend({ created: z.boolean().describe('False when the key had started it before.') }),
    async perform({ kind, input, priority, idempotencyKey: key, budget }, asking) {
      const { run: id, created } = await startOfKind(
        asking.house,
        asking.who.principal,
        { kind, input },
        {
          workspace: asking.workspace(),
          priority: PRIORITY[priority],
          ...given({ key }),
          ...(budget === undefined ? {} : { budget: given(budget) }),
        },
      )
      return { ...(await shownRun(asking, id)), created }
    },
  }),
  runTool({
    name: 'runs_get',
    title: 'Look at a run',
    description: 'One run: how far it is, and what it failed with.',
    scope: 'runs:read',
    hints: READS,
    input: z.strictObject({ run }),
    output: shown,
    async perform({ run: id }, asking) {
      asking.house.accesses.saw(asking.who.principal, { run: id })
      return shownRun(asking, id)
    },
  }),
  runTool({
    name: 'runs_list',
    title: 'List runs',
    description: 'The newest runs first, page by page.',
    scope: 'runs:read',
    hints: READS,
    input: z.strictObject({
      kind: z.string().max(200).optional(),
      status: z.enum(WORDS).optional(),
      search: z.string().min(1).max(200).optional().describe('In names and kinds; or a run’s number.'),
      limit: z.int().min(1).max(100).default(20),
      cursor: z.string().max(200).optional().describe('`next` of the page before.'),
    }),
    output: z.object({ runs: z.array(runShape), next: z.string().nullable() }),
    async perform({ limit, cursor, status, ...filter }, asking) {
      const { items, next } = await findPage(asking.house.engine, asking.who.principal, {
        ...given({ ...filter, before: afterOf(cursor) }),
        ...(status === undefined ? {} : { status: statusesOf('mcp', status) }),
        limit,
      })
      return { runs: items.map((one) => runIn(asking, one)), next: next === null ? null : cursorOf(next) }
    },
  }),
  runTool({
    name: 'runs_watch',
    title: 'Watch a run',
    description:
      'Waits until the run has ended, at most so many seconds, and tells its progress meanwhile. Answers with the run and its events after a number; call it again with `lastEvent` to go on.',
    scope: 'runs:read',
    hints: READS,
    input: z.strictObject({
      run,
      after: z.int().min(0).max(Number.MAX_SAFE_INTEGER).default(0).describe('Events up to this number are known.'),
      seconds: z.number().min(0).max(300).default(20),
    }),
    output: shown.extend({
      events: z.array(eventSchema),
      lastEvent: z.int().describe('Of these; what was before the newest 200 is left out.'),
    }),
    async perform({ run: id, after, seconds }, asking, { signal, progress }) {
      const { engine, feeds } = asking.house
      const { principal } = asking.who
      const events: z.input<typeof eventSchema>[] = []
      let lastEvent = after
      let looked = -LOOK
      const until = AbortSignal.any([signal, AbortSignal.timeout(seconds * 1_000)])
      // Where he may not see it, it is refused here.
      await engine.run(principal, id)
      for await (const batch of feeds.read(principal, id, after, until)) {
        events.push(...batch.events.map((event) => ({ ...event })))
        events.splice(0, Math.max(0, events.length - MOST_EVENTS))
        lastEvent = batch.events.at(-1)?.n ?? lastEvent
        if (performance.now() - looked < LOOK) continue
        looked = performance.now()
        await tellProgress(engine, principal, id, progress)
      }
      await tellProgress(engine, principal, id, progress)
      return { ...(await shownRun(asking, id)), events, lastEvent }
    },
  }),
  runTool({
    name: 'runs_results',
    title: 'Read what a run brought',
    description:
      'The output or the failure of a run that has ended; of a probe the decisions, tokens and cost of each model, also while it goes on.',
    scope: 'runs:read',
    hints: READS,
    input: z.strictObject({ run }),
    output: broughtShape,
    perform: ({ run: id }, asking) => runResults(asking, id),
  }),
  runTool({
    name: 'runs_cancel',
    title: 'Cancel a run',
    description: 'Ends a run; its results so far stay.',
    scope: 'runs:write',
    hints: { readOnlyHint: false, destructiveHint: true, idempotentHint: true },
    input: z.strictObject({ run }),
    output: shown,
    async perform({ run: id }, asking) {
      await asking.house.engine.cancel(asking.who.principal, id)
      return shownRun(asking, id)
    },
  }),
  runTool({
    name: 'runs_retry',
    title: 'Do again what failed',
    description: 'Does once more what failed or was cancelled, in a new round of the same run.',
    scope: 'runs:write',
    hints: CHANGES,
    input: z.strictObject({ run, what: z.enum(['failed', 'all']).default('failed') }),
    output: shown.extend({ round: z.int(), tasks: z.int() }),
    async perform({ run: id, what }, asking) {
      const { engine } = asking.house
      const { principal } = asking.who
      const made = await again(engine, principal, await engine.run(principal, id), what === 'all')
      return { ...(await shownRun(asking, id)), ...made }
    },
  }),
  runTool({
    name: 'runs_why',
    title: 'Why does it not go on?',
    description:
      'A sentence for each part of a run that waits: for a worker, a limit, a budget, an approval, its turn.',
    scope: 'runs:read',
    hints: READS,
    input: z.strictObject({ run }),
    output: shown.extend({ waiting: z.array(waitingSchema) }),
    async perform({ run: id }, asking) {
      const waiting = await asking.house.engine.why(asking.who.principal, id)
      return { ...(await shownRun(asking, id)), waiting }
    },
  }),
  runTool({
    name: 'runs_compare',
    title: 'Compare runs',
    description:
      'Probe runs of one definition beside one another, or the models of one run, with what can be told apart.',
    scope: 'runs:read',
    hints: READS,
    input: z.strictObject({
      runs: z.array(number).min(1).max(20),
      seed: z.int().min(0).max(2_147_483_647).default(1).describe('Of what is drawn.'),
    }),
    output: comparisonSchema,
    perform: ({ runs, seed }, { house, who }) => compareRuns(house.engine, who.principal, runs, seed),
  }),
]

type Who = Asking['who']['principal']

async function tellProgress(engine: Engine, who: Who, id: number, tell: CallHand['progress']): Promise<void> {
  const { progress } = await engine.run(who, id)
  tell(progress.succeeded + progress.failed + progress.cancelled, progress.total)
}

/** A call's one task has it; the run itself keeps none. */
async function outputOfTask(engine: Engine, who: Who, id: number): Promise<unknown> {
  const { rows } = await engine.as(who, (tx) =>
    tx.query<{ output: { output?: unknown } | null }>('select output from engine.outputs where run_id = $1 and n = 1', [
      id,
    ]),
  )
  return rows[0]?.output?.output ?? null
}

/** The run that an answer shows, if a person must decide about it first. */
export function awaitsApproval(answer: unknown): number | undefined {
  const seen = (answer as { run?: { id?: unknown; statusMessage?: Status } }).run
  const waits: Status = 'awaiting_approval'
  return seen?.statusMessage === waits && typeof seen.id === 'number' ? seen.id : undefined
}
