/** What is answered about runs, as schemas: the contract, and what keeps other fields from going out. */
import type { Failure, Run } from '@millrace/engine'
import { z } from 'zod'
import type { FoundRun } from '../runs/find-runs.ts'
import { STATUSES, progressAt, statusAt, type Status } from './words.ts'

export const failureSchema = z
  .object({
    code: z.string(),
    message: z.string(),
    retryable: z.boolean(),
    retryAfter: z.number().optional(),
    details: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).optional(),
    origin: z.string(),
  })
  .meta({ id: 'Failure', description: 'What went wrong, safe to store and to show.' })

export const progressSchema = z
  .object({
    total: z.int(),
    completed: z.int(),
    failed: z.int(),
    cancelled: z.int(),
    open: z.int().describe('Still to come.'),
    percentComplete: z.int(),
  })
  .meta({ id: 'Progress', description: 'Counts of tasks.' })

export const runSchema = z
  .object({
    id: z.int(),
    workspace: z.int(),
    kind: z.string(),
    status: z.enum(STATUSES),
    name: z
      .string()
      .nullable()
      .describe(
        'What it is called among others: a probe by its definition, a stage run by card and stage, a call by its tool or model. Runs on sensitive records have no name.',
      ),
    definition: z.object({ id: z.int(), version: z.int() }).nullable().describe('The stored version that it asks.'),
    models: z.array(z.string()).nullable(),
    priority: z.int(),
    round: z.int().describe('1, and one more with each retry.'),
    progress: progressSchema,
    cancelAsked: z.boolean(),
    lastEvent: z.int(),
    parent: z.int().nullable().describe('The run that it repeats.'),
    createdAt: z.date(),
    startedAt: z.date().nullable(),
    finishedAt: z.date().nullable(),
    lastAccessedAt: z.date().nullable(),
    failure: failureSchema.nullable(),
  })
  .meta({ id: 'Run' })

export function runAt(run: FoundRun): z.output<typeof runSchema> {
  const { id, workspace, kind, name, definition, priority, round, cancelAsked, lastEvent, parent } = run
  const { createdAt, startedAt, finishedAt, lastAccessedAt } = run
  return {
    id,
    workspace,
    kind,
    status: restStatus(run),
    name,
    definition,
    models: run.models === null ? null : [...run.models],
    priority,
    round,
    progress: progressAt(run.progress),
    cancelAsked,
    lastEvent,
    parent,
    createdAt,
    startedAt,
    finishedAt,
    lastAccessedAt: lastAccessedAt === null ? null : new Date(lastAccessedAt),
    failure: run.failure === null ? null : failureAt(run.failure),
  }
}

export const restStatus = (run: Pick<Run, 'status'>) => statusAt('rest', run.status as Status)

export function failureAt(failure: Failure): z.output<typeof failureSchema> {
  const { code, message, retryable, retryAfter, details, origin } = failure
  return {
    code,
    message,
    retryable,
    origin,
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(details === undefined ? {} : { details: { ...details } }),
  }
}

export const waitingSchema = z
  .object({
    kind: z.string(),
    key: z.string(),
    ready: z.int(),
    due: z.int(),
    dueAt: z.date().nullable(),
    running: z.int(),
    reason: z.string(),
    heldBy: z.string().nullable(),
    opensAt: z.date().nullable(),
    stopped: z.string().nullable(),
    ahead: z.int().nullable(),
    workers: z.int(),
    sentence: z.string(),
  })
  .meta({ id: 'Waiting', description: 'What waits in one lane of a run, and for what.' })

export const taskSchema = z
  .object({
    n: z.int(),
    kind: z.string(),
    key: z.string(),
    state: z.enum(['ready', 'running', 'succeeded', 'failed', 'cancelled']),
    attempt: z.int(),
    tries: z.int(),
    crashes: z.int(),
    worker: z.int().nullable(),
    dueAt: z.date().nullable(),
    failure: failureSchema.nullable(),
  })
  .meta({ id: 'Task' })

export const eventSchema = z
  .object({
    n: z.int().describe('1, 2, 3 … within the run, without gaps.'),
    at: z.date(),
    kind: z.string(),
    task: z.int().nullable(),
    data: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Event', description: 'A fact about a run; logs are events.' })

export const budgetSchema = z
  .object({
    tokens: z.int().nullable(),
    micros: z.int().nullable().describe('Millionths of a US dollar.'),
    usedTokens: z.int(),
    usedMicros: z.int(),
    reservedTokens: z.int().describe('The most that what is running may use.'),
    reservedMicros: z.int(),
  })
  .meta({ id: 'Budget' })
