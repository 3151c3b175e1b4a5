/** How everything is: for monitors without signing in, for people with what is behind it. */
import { Refusal } from '@millrace/engine'
import { z } from 'zod'
import { queueHealth } from '../../runs/queue.ts'
import type { Door } from '../door.ts'
import { SYSTEM_PROBLEMS, systemHealth, workerHealth } from '../health-facts.ts'
import { who, type Opened } from '../house.ts'
import { plain, worker } from './workers.ts'

/** What is not as it should be; empty when ready. Closed words, no details. */
export type Health = () => Promise<readonly string[]>

const tags = ['health']
const open = { right: 'open' } as const
const read = { right: 'runs:read' } as const

const alive = z.object({ status: z.literal('ok') })
const readiness = z.object({ status: z.enum(['ok', 'unavailable']), missing: z.array(z.string()) })

const queue = z
  .object({
    running: z.boolean().describe('A worker is alive.'),
    pending: z.int().describe('Tasks that are ready, or due later.'),
    active: z.int(),
    held: z.int(),
    due: z.int(),
    completedLastHour: z.int(),
    failedLastHour: z.int(),
    completedLastDay: z.int(),
    failedLastDay: z.int(),
    successRate: z.number().nullable().describe('0 to 1, of what ended in the last day.'),
    oldestWaiting: z.number().nullable().describe('Seconds.'),
    runs: z.record(z.string(), z.int()).describe('Runs that have not ended, by status.'),
  })
  .meta({ id: 'QueueHealth' })

const provider = z
  .object({
    id: z.string(),
    name: z.string(),
    configured: z.boolean(),
    connected: z.boolean(),
    error: z.object({ code: z.string(), message: z.string() }).optional(),
    latencyMs: z.int().nullable().describe('Milliseconds of its free answer; null where none was asked for.'),
    checkedAt: z.string(),
  })
  .meta({ id: 'ProviderHealth' })

export function healthRoutes(door: Door, house: Opened, health: Health): void {
  door.route({
    method: 'GET',
    url: '/health/live',
    config: open,
    schema: { tags, operationId: 'isAlive', summary: 'The program is alive: always 200.', response: { 200: alive } },
    handler: async () => ({ status: 'ok' as const }),
  })
  for (const [url, operationId] of [
    ['/health/ready', 'isReady'],
    ['/health', 'health'],
  ] as const) {
    door.route({
      method: 'GET',
      url,
      config: open,
      schema: {
        tags,
        operationId,
        summary: 'It can serve: 200, or 503 with what is missing.',
        response: { 200: readiness, 503: readiness },
      },
      async handler(_request, reply) {
        const missing = [...(await health().catch(() => ['database']))]
        const status = missing.length === 0 ? 'ok' : 'unavailable'
        return reply.code(missing.length === 0 ? 200 : 503).send({ status, missing })
      },
    })
  }

  door.route({
    method: 'GET',
    url: '/api/health/workers',
    config: read,
    schema: {
      tags,
      operationId: 'workerHealth',
      summary: 'Who performs, and who did so in the last hour.',
      response: {
        200: z.object({
          alive: z.int(),
          stale: z.int(),
          slots: z.int().describe('Of those alive.'),
          busy: z.int(),
          workers: z.array(worker),
          python: z
            .object({
              healthy: z.boolean(),
              version: z.string().nullable(),
              missing: z.array(z.string()),
              warnings: z.array(z.string()),
            })
            .describe('The Python that this program would use; a worker elsewhere has its own.'),
        }),
      },
    },
    async handler(request) {
      const { workers, python, ...counts } = await workerHealth(house(), who(request))
      return {
        ...counts,
        workers: workers.map(plain),
        python: { ...python, missing: [...python.missing], warnings: [...python.warnings] },
      }
    },
  })

  door.route({
    method: 'GET',
    url: '/api/health/queue',
    config: read,
    schema: {
      tags,
      operationId: 'queueHealth',
      summary: 'What runs and waits now, and what ended lately.',
      response: { 200: queue },
    },
    async handler(request) {
      const found = await house().engine.as(who(request), queueHealth)
      return { ...found, runs: { ...found.runs } }
    },
  })

  door.route({
    method: 'GET',
    url: '/api/health/providers',
    config: read,
    schema: {
      tags,
      operationId: 'providerHealth',
      summary: 'Are the providers of models there?  Asked without paid calls; kept for five minutes.',
      response: { 200: z.object({ providers: z.array(provider) }) },
    },
    async handler() {
      const { providers } = await house().providerHealth()
      return { providers: [...providers] }
    },
  })

  door.route({
    method: 'POST',
    url: '/api/health/providers',
    config: { right: 'admin' },
    schema: {
      tags,
      operationId: 'lookAtProviders',
      summary: 'The same, asked again now.',
      response: { 200: z.object({ providers: z.array(provider) }) },
    },
    async handler(request) {
      const { operator, workspaces } = who(request)
      // It asks others in our name: nobody makes it do so who administers nothing.
      if (operator !== true && !Object.values(workspaces).includes('admin')) {
        throw new Refusal('NOT_ALLOWED', 'You may not have the providers looked at.')
      }
      const { providers } = await house().providerHealth(true)
      return { providers: [...providers] }
    },
  })

  door.route({
    method: 'GET',
    url: '/api/health/system',
    config: read,
    schema: {
      tags,
      operationId: 'systemHealth',
      summary: 'The whole at a glance.',
      response: {
        200: z.object({
          status: z.enum(['ok', 'degraded']),
          problems: z.array(z.enum(SYSTEM_PROBLEMS)),
          uptime: z.number().describe('Seconds.'),
          version: z.string().describe('Of Millrace.'),
          node: z.string(),
          postgres: z.string(),
          database: z.object({ bytes: z.int(), connections: z.int(), waiting: z.int() }),
          readers: z.int().describe('Who follows live.'),
        }),
      },
    },
    async handler(request) {
      const found = await systemHealth(house(), who(request))
      return { ...found, problems: [...found.problems] }
    },
  })
}
