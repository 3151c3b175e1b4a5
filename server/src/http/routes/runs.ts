/** Runs: looked at, steered. */
import { Refusal } from '@millrace/engine'
import { z } from 'zod'
import { progressByModel } from '../../domains/probe/progress.ts'
import { foundRun } from '../../runs/find-runs.ts'
import { again } from '../../runs/again.ts'
import { refuseUnpriced } from '../../domains/probe/budget.ts'
import { taskOf, tasksOf } from '../../runs/tasks.ts'
import { cardRunFacts, decisionsOn } from '../../domains/stage/approvals.ts'
import { cardRun, decided } from '../board-shapes.ts'
import type { Door } from '../door.ts'
import { afterOf, cut, given, page, pageOf, runParams, small, who, type Opened } from '../house.ts'
import { toProblem } from '../problem.ts'
import { artifactsOf } from '../../domains/stage/artifacts.ts'
import { cardArtifact } from '../recipe-shapes.ts'
import { artifactSchema } from './artifacts.ts'
import {
  budgetSchema,
  eventSchema,
  failureAt,
  failureSchema,
  progressSchema,
  restStatus,
  runAt,
  runSchema,
  taskSchema,
  waitingSchema,
} from '../shapes.ts'
import { progressAt, STATUSES } from '../words.ts'

const read = { right: 'runs:read' } as const
const write = { right: 'runs:write' } as const
const tags = ['runs']
/** Events that come with a run. */
const LATEST = 100
const steered = z.object({ run: runSchema })

export function runRoutes(door: Door, house: Opened): void {
  door.route({
    method: 'GET',
    url: '/api/runs/:id',
    config: read,
    schema: {
      tags,
      operationId: 'getRun',
      summary: 'One run: how far it is, and what it ended with.',
      params: runParams,
      response: {
        200: runSchema.extend({
          output: z.unknown(),
          card: cardRun
            .extend({ decisions: z.array(decided), artifacts: z.array(cardArtifact) })
            .nullable()
            .describe('Of a stage run.'),
          logs: z.array(eventSchema).describe(`Its newest events, at most ${LATEST}, oldest first.`),
          artifacts: z.array(artifactSchema),
        }),
      },
    },
    async handler(request) {
      const { engine, accesses } = house()
      const run = await foundRun(engine, who(request), request.params.id)
      accesses.saw(who(request), { run: run.id })
      const card = (await cardRunFacts(engine, who(request), [run.id])).get(run.id)
      const { rows: logs } = await engine.as(who(request), (tx) =>
        tx.query('select n, at, kind, task, data from engine.events_after($1, $2, $3)', [
          run.id,
          Math.max(0, run.lastEvent - LATEST),
          LATEST,
        ]),
      )
      return {
        ...runAt(run),
        output: run.output ?? null,
        card:
          card === undefined
            ? null
            : {
                ...card,
                decisions: await decisionsOn(engine, who(request), run.id),
                artifacts: await engine.as(who(request), (tx) => artifactsOf(tx, { run: run.id })),
              },
        logs: logs as unknown as z.output<typeof eventSchema>[],
        artifacts: await engine.artifacts(who(request), run.id),
      }
    },
  })

  door.route({
    method: 'GET',
    url: '/api/runs/:id/progress',
    config: read,
    schema: {
      tags,
      operationId: 'getProgress',
      summary: 'How far it is, how fast, and how long it takes.',
      description: 'Costs the same for ten tasks and a hundred thousand; with `by=model` it costs by their number.',
      params: runParams,
      querystring: z.strictObject({ by: z.enum(['model']).optional() }),
      response: {
        200: progressSchema.extend({
          status: z.enum(STATUSES),
          inFlight: z.int(),
          retries: z.int(),
          rate: z.number().nullable().describe('Tasks that end a second, by the last minute.'),
          secondsLeft: z.number().nullable(),
          byModel: z
            .array(
              z.object({ model: z.string(), total: z.int(), completed: z.int(), failed: z.int(), cancelled: z.int() }),
            )
            .optional(),
        }),
      },
    },
    async handler(request) {
      const { engine } = house()
      const run = await engine.run(who(request), request.params.id)
      const activity = await engine.activity(who(request), run.id)
      const models = request.query.by === undefined ? undefined : await progressByModel(engine, who(request), run.id)
      return {
        status: restStatus(run),
        ...progressAt(run.progress),
        ...activity,
        ...(models === undefined
          ? {}
          : { byModel: models.map(({ succeeded, ...rest }) => ({ ...rest, completed: succeeded })) }),
      }
    },
  })

  door.route({
    method: 'GET',
    url: '/api/runs/:id/tasks',
    config: read,
    schema: {
      tags,
      operationId: 'listTasks',
      summary: 'The tasks of a run by number, page by page.',
      params: runParams,
      querystring: z.strictObject({
        ...page,
        state: z.enum(['ready', 'running', 'succeeded', 'failed', 'cancelled']).optional(),
      }),
      response: { 200: pageOf(taskSchema) },
    },
    async handler(request) {
      const { limit, cursor, state } = request.query
      const { engine } = house()
      await engine.run(who(request), request.params.id)
      const found = await engine.as(who(request), (tx) =>
        tasksOf(tx, request.params.id, { after: afterOf(cursor) ?? 0, limit: limit + 1, state }),
      )
      const { items, next } = cut(found, limit, ({ n }) => n)
      return {
        items: items.map((task) => ({ ...task, failure: task.failure === null ? null : failureAt(task.failure) })),
        next,
      }
    },
  })

  door.route({
    method: 'GET',
    url: '/api/runs/:id/tasks/:n',
    config: read,
    schema: {
      tags,
      operationId: 'getTask',
      summary: 'One task: what it is given, what it ended with, and its attempts.',
      params: runParams.extend({ n: small }),
      response: {
        200: taskSchema.extend({
          input: z.unknown(),
          output: z.unknown(),
          attempts: z.array(
            z.object({
              attempt: z.int(),
              worker: z.int().nullable(),
              outcome: z.string(),
              failure: failureSchema.nullable(),
              endedAt: z.date(),
            }),
          ),
        }),
      },
    },
    async handler(request) {
      const { id: run, n } = request.params
      const found = await house().engine.as(who(request), (tx) => taskOf(tx, run, n))
      if (found === undefined) throw new Refusal('NO_SUCH_TASK', `Run ${run} has no task ${n}.`)
      const failure = found.failure === null ? null : failureAt(found.failure)
      const attempts = found.attempts.map((one) => ({
        ...one,
        failure: one.failure === null ? null : failureAt(one.failure),
      }))
      return { ...found, failure, attempts }
    },
  })

  door.route({
    method: 'GET',
    url: '/api/runs/:id/why',
    config: read,
    schema: {
      tags,
      operationId: 'whyNot',
      summary: 'Why does it not go on?  A sentence for each part that waits.',
      params: runParams,
      response: { 200: z.object({ status: z.enum(STATUSES), waiting: z.array(waitingSchema) }) },
    },
    async handler(request) {
      const { engine } = house()
      const run = await engine.run(who(request), request.params.id)
      return { status: restStatus(run), waiting: await engine.why(who(request), run.id) }
    },
  })

  const verbs = [
    ['pause', 'hold', 'Let nobody claim from it; what is under way is finished.'],
    ['resume', 'release', 'Let a paused run go on.'],
    ['cancel', 'cancel', 'End it; its results so far stay.'],
  ] as const
  for (const [word, verb, summary] of verbs) {
    door.route({
      method: 'POST',
      url: `/api/runs/:id/${word}`,
      config: write,
      schema: { tags, operationId: `${word}Run`, summary, params: runParams, response: { 200: steered } },
      async handler(request) {
        await house().engine[verb](who(request), request.params.id)
        return { run: runAt(await foundRun(house().engine, who(request), request.params.id)) }
      },
    })
    door.route({
      method: 'POST',
      url: `/api/runs/${word}`,
      config: write,
      schema: {
        tags,
        operationId: `${word}Runs`,
        summary: `The same for many at once, each for itself: ${summary}`,
        body: z.strictObject({ runs: z.array(z.int().min(1)).min(1).max(100) }),
        response: {
          200: z.object({
            results: z.array(
              z.object({ run: z.int(), status: z.enum(STATUSES).nullable(), code: z.string().nullable() }),
            ),
          }),
        },
      },
      async handler(request) {
        const { engine } = house()
        const results = []
        for (const run of new Set(request.body.runs)) {
          try {
            await engine[verb](who(request), run)
            results.push({ run, status: restStatus(await engine.run(who(request), run)), code: null })
          } catch (error) {
            const { code, status } = toProblem(error, request.id)
            if (status >= 500) throw error
            results.push({ run, status: null, code })
          }
        }
        return { results }
      },
    })
  }

  door.route({
    method: 'POST',
    url: '/api/runs/:id/retry',
    config: write,
    schema: {
      tags,
      operationId: 'retryRun',
      summary: 'Do once more what failed or was cancelled, in a new round of the same run.',
      params: runParams,
      body: z
        .strictObject({
          what: z
            .enum(['failed', 'all'])
            .default('failed')
            .describe('`all` is not for probes: a slot keeps its transcript.'),
        })
        .nullish(),
      response: { 200: steered.extend({ round: z.int(), tasks: z.int() }) },
    },
    async handler(request) {
      const { engine } = house()
      const before = await engine.run(who(request), request.params.id)
      const { round, tasks } = await again(engine, who(request), before, request.body?.what === 'all')
      return { run: runAt(await foundRun(engine, who(request), before.id)), round, tasks }
    },
  })

  const budget = z.object({ budget: budgetSchema.nullable() })
  door.route({
    method: 'GET',
    url: '/api/runs/:id/budget',
    config: read,
    schema: {
      tags,
      operationId: 'getBudget',
      summary: 'What it may use in all, and has used.',
      params: runParams,
      response: { 200: budget },
    },
    async handler(request) {
      await house().engine.run(who(request), request.params.id)
      return { budget: (await house().engine.budgets.find(who(request), { run: request.params.id })) ?? null }
    },
  })
  door.route({
    method: 'PUT',
    url: '/api/runs/:id/budget',
    config: write,
    schema: {
      tags,
      operationId: 'setBudget',
      summary: 'What it may use from now on, what was used included; an empty one is none.',
      params: runParams,
      body: z.strictObject({
        tokens: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
        micros: z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional(),
      }),
      response: { 200: budget },
    },
    async handler(request) {
      const { engine, probe } = house()
      const of = { run: (await engine.run(who(request), request.params.id)).id }
      const wanted = given(request.body)
      await engine.budgets.set(who(request), of, wanted, async (tx) => {
        if (wanted.micros !== undefined && wanted.tokens === undefined) await refuseUnpriced(tx, of, probe.priced)
      })
      return { budget: (await engine.budgets.find(who(request), of)) ?? null }
    },
  })
}
