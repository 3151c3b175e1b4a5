/** How much at a time and a minute, by key, for everybody; changed while all goes on. */
import { z } from 'zod'
import type { Door } from '../door.ts'
import { given, who, type Opened } from '../house.ts'

const tags = ['limits']
const admin = { right: 'admin' } as const

const limit = z
  .object({
    key: z.string().describe('For probes the provider.'),
    concurrency: z.int().nullable(),
    requestsPerMinute: z.number().nullable(),
    tokensPerMinute: z.number().nullable(),
    running: z.int(),
    waiting: z.int(),
    until: z.date().nullable().describe('The other side asked for a pause.'),
    stopped: z.string().nullable().describe('Why nothing begins until it is released.'),
    stoppedAt: z.date().nullable(),
  })
  .meta({ id: 'Limit' })

const params = z.strictObject({ key: z.string().min(1).max(200) })
const rate = z.number().positive().max(1e12).nullable().optional()

export function limitRoutes(door: Door, house: Opened): void {
  door.route({
    method: 'GET',
    url: '/api/limits',
    config: admin,
    schema: {
      tags,
      operationId: 'listLimits',
      summary: 'All keys, and who waits there.',
      response: { 200: z.object({ limits: z.array(limit) }) },
    },
    handler: async (request) => ({ limits: [...(await house().engine.limits.list(who(request)))] }),
  })
  door.route({
    method: 'PUT',
    url: '/api/limits/:key',
    config: admin,
    schema: {
      tags,
      operationId: 'setLimit',
      summary: 'Limit a key for all workers and runs; what is not named stays, null does not limit.',
      params,
      body: z.strictObject({
        concurrency: z.int().min(0).max(1_000_000).nullable().optional(),
        requestsPerMinute: rate,
        tokensPerMinute: rate,
      }),
      response: { 200: limit },
    },
    handler: (request) => house().engine.limits.set(who(request), request.params.key, given(request.body)),
  })
  for (const [word, summary] of [
    ['stop', 'Begin nothing under this key until it is released.'],
    ['release', 'Let it go on.'],
  ] as const) {
    door.route({
      method: 'POST',
      url: `/api/limits/:key/${word}`,
      config: admin,
      schema: { tags, operationId: `${word}Limit`, summary, params, response: { 200: limit } },
      handler: (request) => house().engine.limits[word](who(request), request.params.key),
    })
  }
}
