/** What went on inside a run: what it was asked with, why tasks failed, how it went over time. */
import { z } from 'zod'
import { overridesOf } from '../../domains/probe/results.ts'
import { deedsOf, failureGroups, timelineOf } from '../../runs/facts.ts'
import type { Door } from '../door.ts'
import { runParams, who, type Opened } from '../house.ts'
import { eventSchema, failureAt, failureSchema } from '../shapes.ts'

const tags = ['runs']
const read = { right: 'runs:read' } as const
/** Deeds of one answer. */
const MOST = 1_000

export function runFactRoutes(door: Door, house: Opened): void {
  door.route({
    method: 'GET',
    url: '/api/runs/:id/input',
    config: read,
    schema: {
      tags,
      operationId: 'getInput',
      summary: 'What it was asked with, as it was then.',
      params: runParams,
      response: { 200: z.object({ kind: z.string(), input: z.unknown() }) },
    },
    async handler(request) {
      const { engine } = house()
      const run = await engine.run(who(request), request.params.id)
      const { rows } = await engine.as(who(request), (tx) =>
        tx.query<{ input: unknown }>('select input from engine.run_bodies where run_id = $1', [run.id]),
      )
      return { kind: run.kind, input: rows[0]?.input ?? null }
    },
  })

  door.route({
    method: 'GET',
    url: '/api/runs/:id/failures',
    config: read,
    schema: {
      tags,
      operationId: 'listFailures',
      summary: 'Why tasks failed, by cause, the commonest first; with what was overcome by trying again.',
      params: runParams,
      response: {
        200: z.object({
          groups: z.array(
            z.object({
              failure: failureSchema,
              key: z.string().describe('The limiter key: for models the provider.'),
              tasks: z.int().describe('That ended so.'),
              again: z.int().describe('Attempts that ended so and were given again.'),
              examples: z.array(z.int()).describe('The first five of the tasks.'),
              lastAt: z.date(),
            }),
          ),
        }),
      },
    },
    async handler(request) {
      const { engine } = house()
      const run = await engine.run(who(request), request.params.id)
      const groups = await engine.as(who(request), (tx) => failureGroups(tx, run.id))
      return {
        groups: groups.map((one) => ({ ...one, failure: failureAt(one.failure), examples: [...one.examples] })),
      }
    },
  })

  door.route({
    method: 'GET',
    url: '/api/runs/:id/timeline',
    config: read,
    schema: {
      tags,
      operationId: 'getTimeline',
      summary: 'How it went over time: what happened to it, how far it was when, and attempts that did not succeed.',
      params: runParams,
      response: {
        200: z.object({
          moments: z.array(eventSchema),
          pace: z.array(z.object({ at: z.date(), completed: z.int(), failed: z.int(), cancelled: z.int() })),
          attempts: z
            .array(
              z.object({
                task: z.int(),
                attempt: z.int(),
                worker: z.int().nullable(),
                outcome: z.string(),
                failure: failureSchema.nullable(),
                endedAt: z.date(),
              }),
            )
            .describe('The newest 200.'),
        }),
      },
    },
    async handler(request) {
      const { engine } = house()
      const run = await engine.run(who(request), request.params.id)
      const { moments, pace, attempts } = await engine.as(who(request), (tx) => timelineOf(tx, run.id))
      return {
        moments: moments.map((one) => ({ ...one, data: { ...one.data } })),
        pace: [...pace],
        attempts: attempts.map((one) => ({ ...one, failure: one.failure === null ? null : failureAt(one.failure) })),
      }
    },
  })

  door.route({
    method: 'GET',
    url: '/api/runs/:id/audit',
    config: read,
    schema: {
      tags,
      operationId: 'auditRun',
      summary:
        'Who did what to it: asked for it, paused, resumed, cancelled, put a decision otherwise; the oldest first.',
      params: runParams,
      response: {
        200: z.object({
          items: z
            .array(
              z.object({
                at: z.date(),
                what: z.string().describe('The kind of the event, or decision.overridden.'),
                by: z.string().nullable().describe('A subject, such as user:3; null: it came by itself.'),
                task: z.int().nullable(),
                data: z.record(z.string(), z.unknown()),
              }),
            )
            .describe(`The newest ${MOST} of the run's own, and of its decisions.`),
        }),
      },
    },
    async handler(request) {
      const { engine } = house()
      const run = await engine.run(who(request), request.params.id)
      const items = await engine.as(who(request), async (tx) => [
        ...(await deedsOf(tx, run.id, MOST)).map((one) => ({ ...one, data: { ...one.data } })),
        ...(await overridesOf(tx, run.id, MOST)).map(({ at, by, task, ...data }) => ({
          at,
          what: 'decision.overridden',
          by,
          task,
          data,
        })),
      ])
      return { items: items.toSorted((a, b) => a.at.getTime() - b.at.getTime()) }
    },
  })
}
