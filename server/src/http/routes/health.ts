/** How everything is: for monitors without signing in, for people with what is behind it. */
import type { Principal } from '@millrace/engine'
import { z } from 'zod'
import { queueHealth } from '../../runs/queue.ts'
import { workersSeen, type WorkerSeen } from '../../runs/workers.ts'
import type { Door } from '../door.ts'
import { who, type Opened } from '../house.ts'

/** What is not as it should be; empty when ready. Closed words, no details. */
export type Health = () => Promise<readonly string[]>

const tags = ['health']
const open = { right: 'open' } as const
const read = { right: 'runs:read' } as const

const alive = z.object({ status: z.literal('ok') })
const readiness = z.object({ status: z.enum(['ok', 'unavailable']), missing: z.array(z.string()) })

const worker = z
  .object({
    id: z.int(),
    name: z.string(),
    kinds: z.array(z.string()),
    slots: z.int(),
    running: z.int().describe('Tasks that it performs now.'),
    registeredAt: z.date(),
    seenAt: z.date(),
    seenAgo: z.number().describe('Seconds, by the database’s clock.'),
    state: z.enum(['alive', 'stale', 'gone']),
    goneWhy: z.enum(['left', 'session', 'lease']).nullable(),
    goneAt: z.date().nullable(),
  })
  .meta({ id: 'Worker' })

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

  const workers = async (principal: Principal) => (await house().engine.as(principal, workersSeen)).map(plain)
  const summary = 'Who performs, and who did so in the last hour.'
  door.route({
    method: 'GET',
    url: '/api/workers',
    config: read,
    schema: { tags, operationId: 'listWorkers', summary, response: { 200: z.object({ workers: z.array(worker) }) } },
    handler: async (request) => ({ workers: await workers(who(request)) }),
  })
  door.route({
    method: 'GET',
    url: '/api/health/workers',
    config: read,
    schema: {
      tags,
      operationId: 'workerHealth',
      summary,
      response: {
        200: z.object({
          alive: z.int(),
          stale: z.int(),
          slots: z.int().describe('Of those alive.'),
          busy: z.int(),
          workers: z.array(worker),
        }),
      },
    },
    async handler(request) {
      const all = await workers(who(request))
      const living = all.filter(({ state }) => state === 'alive')
      const sum = (of: (one: (typeof all)[number]) => number) => living.reduce((total, one) => total + of(one), 0)
      return {
        alive: living.length,
        stale: all.filter(({ state }) => state === 'stale').length,
        slots: sum(({ slots }) => slots),
        busy: sum(({ running }) => running),
        workers: all,
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
          problems: z.array(z.enum(['no_worker', 'stale_worker', 'no_provider'])),
          uptime: z.number().describe('Seconds.'),
          node: z.string(),
          postgres: z.string(),
          database: z.object({ bytes: z.int(), connections: z.int(), waiting: z.int() }),
          readers: z.int().describe('Who follows live.'),
        }),
      },
    },
    async handler(request) {
      const { engine, feeds, providerHealth } = house()
      const [all, { providers }, { rows }] = await Promise.all([
        workers(who(request)),
        providerHealth(),
        engine.as(who(request), (tx) =>
          tx.query<{ version: string; bytes: number }>(
            `select current_setting('server_version') as version, pg_database_size(current_database()) as bytes`,
          ),
        ),
      ])
      const problems = [
        ...(all.some(({ state }) => state === 'alive') ? [] : ['no_worker' as const]),
        ...(all.some(({ state }) => state === 'stale') ? ['stale_worker' as const] : []),
        ...(providers.some(({ connected }) => connected) ? [] : ['no_provider' as const]),
      ]
      const connections = engine.connections()
      return {
        status: problems.length === 0 ? ('ok' as const) : ('degraded' as const),
        problems,
        uptime: process.uptime(),
        node: process.version,
        postgres: rows[0]?.version ?? '',
        database: { bytes: rows[0]?.bytes ?? 0, connections: connections.open, waiting: connections.waiting },
        readers: feeds.readers,
      }
    },
  })
}

function plain(one: WorkerSeen): z.output<typeof worker> {
  return { ...one, kinds: [...one.kinds] }
}
