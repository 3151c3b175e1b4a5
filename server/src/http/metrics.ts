/**
 * Numbers for Prometheus.  They tell how much there is over all workspaces, so who
 * asks must sit on this very machine, or be signed in as an admin.
 */
import type { Worker } from '@millrace/engine'
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'
import { z } from 'zod'
import type { Authenticator } from '../access/signed-in.ts'
import { mustBeSignedIn, type Door } from './door.ts'
import { isLoopback } from '../access/origin.ts'
import type { House, Opened } from './house.ts'

/** What the worker beside the server has done, and does. */
export type Performed = Pick<Worker, 'counts' | 'performing'>

/** A number over all workspaces is nobody's row. */
const NOBODY = { sub: 'metrics', workspaces: {} }

export function metricRoutes(
  door: Door,
  house: Opened,
  authenticate: Authenticator['authenticate'],
  performed: () => Performed | undefined,
): void {
  const register = new Registry()
  const registers = [register]
  collectDefaultMetrics({ register, prefix: 'millrace_' })
  // Gauges with the name of a counter.
  for (const what of ['handles', 'requests', 'resources'])
    register.removeSingleMetric(`millrace_nodejs_active_${what}_total`)
  const duration = new Histogram({
    name: 'millrace_http_request_duration_seconds',
    help: 'Requests by route, as their answers end.',
    labelNames: ['method', 'route', 'status'],
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60],
    registers,
  })
  door.addHook('onResponse', async (request, reply) => {
    const route = request.routeOptions.url ?? 'none'
    duration.observe({ method: request.method, route, status: String(reply.statusCode) }, reply.elapsedTime / 1000)
  })
  const gauge = (name: string, help: string, labelNames: string[] = []) =>
    new Gauge({ name, help, labelNames, registers })
  const runs = gauge('millrace_runs', 'Runs by state.', ['state'])
  const tasks = gauge('millrace_tasks', 'Planned tasks of the runs that are kept, by state.', ['state'])
  const workers = gauge('millrace_workers_alive', 'Workers that are alive.')
  const readers = gauge('millrace_feed_readers', 'Who follows a run live.')
  const pool = gauge(
    'millrace_database_connections',
    'Connections of the server: open, idle, and transactions that wait for one.',
    ['what'],
  )
  const claimed = new Counter({
    name: 'millrace_claims_total',
    help: 'Tasks that the worker beside the server has claimed.',
    registers,
  })
  const closed = new Counter({
    name: 'millrace_closes_total',
    help: 'Attempts that the worker beside the server has closed.',
    registers,
  })

  async function look({ engine, feeds }: House) {
    const { rows } = await engine.as(NOBODY, (tx) =>
      tx.query<{ name: string; label: string; value: number }>('select name, label, value from doors.numbers()'),
    )
    for (const { name, label, value } of rows) {
      if (name === 'workers') workers.set(value)
      else (name === 'runs' ? runs : tasks).set({ state: label }, value)
    }
    readers.set(feeds.readers)
    const { open, idle, waiting } = engine.connections()
    pool.set({ what: 'open' }, open)
    pool.set({ what: 'idle' }, idle)
    pool.set({ what: 'waiting' }, waiting)
    const worker = performed()
    const ended = worker?.counts.closed ?? 0
    // What was claimed was closed, counted no more, or is being performed.
    const begun = ended + (worker?.counts.fenced ?? 0) + (worker?.performing ?? 0)
    for (const [counter, amount] of [
      [claimed, begun],
      [closed, ended],
    ] as const) {
      counter.reset()
      counter.inc(amount)
    }
  }

  door.route({
    method: 'GET',
    url: '/metrics',
    config: { right: 'open' },
    schema: {
      tags: ['health'],
      operationId: 'metrics',
      summary: 'Numbers for Prometheus: to this machine itself, and to admins.',
      response: { 200: { description: 'The text format.', content: { 'text/plain': { schema: z.string() } } } },
    },
    async handler(request, reply) {
      // Who comes through a proxy comes from elsewhere, whatever the connection says.
      const forwarded = request.headers['x-forwarded-for'] ?? request.headers.forwarded
      const local = isLoopback(request.ip) && forwarded === undefined
      if (!local) await mustBeSignedIn(authenticate, request, 'admin')
      await look(house())
      return reply
        .type(register.contentType)
        .serializer((text: unknown) => String(text))
        .send(await register.metrics())
    },
  })
}
