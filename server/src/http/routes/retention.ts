/** Old runs: how many there are, and throwing them away. */
import { z } from 'zod'
import { oldRuns } from '../../runs/old-runs.ts'
import type { Door } from '../door.ts'
import { given, who, workspaceOf, type Opened } from '../house.ts'

const tags = ['retention']
const admin = { right: 'admin' } as const
const DAY = 86_400_000
/** Milliseconds after which the rest is left for the next request. */
const LONGEST = 15_000

const days = z.number().min(0).max(36_500).describe('That ended so many days ago, or more.')
const kind = z.string().min(1).max(200).optional()
const beforeOf = (olderThanDays: number) => new Date(Date.now() - olderThanDays * DAY)

export function retentionRoutes(door: Door, house: Opened): void {
  door.route({
    method: 'GET',
    url: '/api/retention',
    config: admin,
    schema: {
      tags,
      operationId: 'findOldRuns',
      summary: 'How many runs of the workspace would be pruned.',
      querystring: z.strictObject({ olderThanDays: z.coerce.number().pipe(days), kind }),
      response: {
        200: z.object({
          runs: z.int(),
          oldest: z.object({ id: z.int(), kind: z.string(), at: z.date() }).nullable(),
        }),
      },
    },
    handler: (request) =>
      oldRuns(house().engine, who(request), {
        before: beforeOf(request.query.olderThanDays),
        kind: request.query.kind,
        workspace: workspaceOf(request),
      }),
  })
  door.route({
    method: 'POST',
    url: '/api/retention/prune',
    config: admin,
    schema: {
      tags,
      operationId: 'pruneRuns',
      summary: 'Throw old runs of the workspace away, whole; a line of each stays in the archive.',
      body: z.strictObject({
        olderThanDays: days,
        kind,
        everywhere: z.boolean().default(false).describe('In all workspaces (operators).'),
      }),
      response: {
        200: z.object({ pruned: z.int(), more: z.boolean().describe('There was not enough time for all: ask again.') }),
      },
    },
    async handler(request) {
      const { olderThanDays, kind: only, everywhere } = request.body
      const before = beforeOf(olderThanDays)
      const signal = AbortSignal.timeout(LONGEST)
      const where = everywhere ? {} : { workspace: workspaceOf(request) }
      const pruned = await house().engine.prune(who(request), { before, signal, ...where, ...given({ kind: only }) })
      return { pruned, more: signal.aborted }
    },
  })
}
