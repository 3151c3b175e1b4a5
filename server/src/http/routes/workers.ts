/** Who performs; and what a person may do where nobody does. */
import { Refusal } from '@millrace/engine'
import type { FastifyRequest } from 'fastify'
import { z } from 'zod'
import { queueHealth } from '../../runs/queue.ts'
import { forgetWorkers, rescue, workersSeen, type WorkerSeen } from '../../runs/workers.ts'
import type { Door } from '../door.ts'
import { id, who, type Opened } from '../house.ts'

const tags = ['health']

export const worker = z
  .object({
    id: z.int(),
    name: z.string(),
    kinds: z.array(z.string()),
    slots: z.int(),
    running: z.int().describe('Tasks that it performs now.'),
    activeRuns: z.array(z.int()).describe('Runs whose tasks these are.'),
    processed: z.int().describe('Attempts that its process has closed since it began, up to its last beat.'),
    failed: z.int().describe('Those of them that failed.'),
    registeredAt: z.date(),
    seenAt: z.date(),
    seenAgo: z.number().describe('Seconds, by the database’s clock.'),
    state: z.enum(['alive', 'stale', 'gone']),
    goneWhy: z.enum(['left', 'session', 'lease']).nullable(),
    goneAt: z.date().nullable(),
  })
  .meta({ id: 'Worker' })

export function plain(one: WorkerSeen): z.output<typeof worker> {
  return { ...one, kinds: [...one.kinds], activeRuns: [...one.activeRuns] }
}

const health = z
  .object({
    workersActive: z.int().describe('Alive; none: runs are created all the same, and wait.'),
    activeRuns: z.int(),
    queuedRuns: z.int().describe('Asked for and not begun, or waiting between two tasks.'),
    queueLength: z.int().describe('Tasks that are ready, or due later.'),
    failureRate: z.number().nullable().describe('0 to 1, of the tasks that ended in the last day; null: none did.'),
  })
  .meta({ id: 'WorkersHealth' })

const ACTIONS = ['health_check', 'rescue', 'cleanup'] as const

const answer = z.discriminatedUnion('action', [
  z.object({
    action: z.literal('health_check'),
    healthy: z.boolean().describe('A worker is alive, or nothing waits for one.'),
    workersActive: z.int(),
    queuedRunsWaiting: z.int(),
    message: z.string(),
  }),
  z.object({
    action: z.literal('rescue'),
    gone: z.int().describe('Workers that were given up.'),
    rescued: z.int().describe('Tasks of theirs that are ready again, or ended.'),
    message: z.string(),
  }),
  z.object({ action: z.literal('cleanup'), cleanedUp: z.int(), message: z.string() }),
])

export function workerRoutes(door: Door, house: Opened): void {
  const look = async (request: FastifyRequest, workspace: number | undefined) => {
    const [workers, queue] = await house().engine.as(who(request), async (tx) => [
      await workersSeen(tx, workspace),
      await queueHealth(tx, workspace),
    ])
    const ended = queue.completedLastDay + queue.failedLastDay
    return {
      workers: workers.map(plain),
      health: {
        workersActive: workers.filter(({ state }) => state === 'alive').length,
        activeRuns: queue.runs['running'] ?? 0,
        queuedRuns: queue.runs['queued'] ?? 0,
        queueLength: queue.pending,
        failureRate: ended === 0 ? null : queue.failedLastDay / ended,
      },
    }
  }

  door.route({
    method: 'GET',
    url: '/api/workers',
    config: { right: 'runs:read' },
    schema: {
      tags,
      operationId: 'listWorkers',
      summary: 'Who performs, who did so in the last hour, and what waits for them.',
      querystring: z.strictObject({
        workspaceId: id.optional().describe('Those that serve it, and what waits in it.'),
      }),
      response: { 200: z.object({ workers: z.array(worker), health }) },
    },
    handler: (request) => look(request, ofMine(request, request.query.workspaceId)),
  })

  door.route({
    method: 'POST',
    url: '/api/workers',
    config: { right: 'admin' },
    schema: {
      tags,
      operationId: 'tendWorkers',
      summary: 'Look whether anybody performs, take back what the gone held, or forget who is gone.',
      body: z.strictObject({ action: z.enum(ACTIONS), workspaceId: id.optional() }),
      response: { 200: answer },
    },
    async handler(request): Promise<z.output<typeof answer>> {
      const { action, workspaceId } = request.body
      const workspace = ofMine(request, workspaceId)
      const asAdmin = who(request).operator === true ? null : (workspace ?? adminOf(request))
      if (action === 'rescue') {
        const { gone, tasks } = await rescue(house().engine, who(request), asAdmin)
        const message = `${counted(gone, 'worker was', 'workers were')} given up, ${counted(tasks, 'task', 'tasks')} taken back.`
        return { action, gone, rescued: tasks, message }
      }
      if (action === 'cleanup') {
        const cleanedUp = await house().engine.as(who(request), (tx) => forgetWorkers(tx, asAdmin))
        return { action, cleanedUp, message: `${counted(cleanedUp, 'worker', 'workers')} forgotten.` }
      }
      const { workersActive, queuedRuns } = (await look(request, workspace)).health
      const waiting = counted(queuedRuns, 'run waits', 'runs wait')
      return {
        action,
        healthy: workersActive > 0 || queuedRuns === 0,
        workersActive,
        queuedRunsWaiting: queuedRuns,
        message:
          workersActive > 0
            ? `${counted(workersActive, 'worker is', 'workers are')} alive, ${waiting}.`
            : `No worker is available, ${waiting}. \`millrace worker\` starts one.`,
      }
    },
  })
}

/** @throws Refusal INVALID_WORKSPACE for one that the caller is not in */
function ofMine(request: FastifyRequest, workspace: number | undefined): number | undefined {
  if (workspace === undefined || who(request).workspaces[workspace] !== undefined) return workspace
  throw new Refusal('INVALID_WORKSPACE', 'You are not in that workspace.')
}

/** A workspace of which the caller is an admin; the verbs look again. */
function adminOf(request: FastifyRequest): number | null {
  const mine = Object.entries(who(request).workspaces).find(([, role]) => role === 'admin')
  return mine === undefined ? null : Number(mine[0])
}

function counted(amount: number, one: string, many: string): string {
  return `${amount} ${amount === 1 ? one : many}`
}
