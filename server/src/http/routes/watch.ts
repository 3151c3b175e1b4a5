/** Watching: the log of a run, page by page or live, and what moves in a workspace. */
import { Refusal } from '@millrace/engine'
import { z } from 'zod'
import { findRuns } from '../../runs/find-runs.ts'
import { NEWEST } from '../boards.ts'
import type { Door } from '../door.ts'
import { follow, FOLLOWED, followedOf } from '../followed.ts'
import { eventsLike, LEVELS } from '../../runs/facts.ts'
import { afterOf, cursorOf, flag, given, page, runParams, who, type Opened } from '../house.ts'
import type { Lines } from '../lines.ts'
import { eventSchema, runAt, runSchema } from '../shapes.ts'

const tags = ['watching']
const right = 'runs:read' as const
const eventStream = z.string().describe('Server-sent events.')

export function watchRoutes(door: Door, house: Opened, lines: Lines): void {
  door.route({
    method: 'GET',
    url: '/api/runs/:id/logs',
    exposeHeadRoute: false,
    config: { right },
    schema: {
      tags,
      operationId: 'getLogs',
      summary: 'What happened in a run, event by event; with `stream=true` live until its end.',
      description:
        'The stream gives each event with its number as `id:`; a reader that comes again with `Last-Event-ID` (or `after=`) goes on exactly there. It ends with an event `end`. An event `cut` says that the reader may not read any more. Who has the end already gets 204.',
      params: runParams,
      querystring: z.strictObject({
        limit: page.limit,
        cursor: page.cursor,
        after: z.coerce
          .number()
          .int()
          .min(0)
          .max(Number.MAX_SAFE_INTEGER)
          .optional()
          .describe('Only events after this number.'),
        level: z.enum(LEVELS).optional().describe('Only what matters as much; of a page, not of the stream.'),
        search: z.string().min(1).max(200).optional().describe('Only what says this; of a page, not of the stream.'),
        stream: flag,
      }),
      response: {
        200: {
          description: 'A page of events, or the stream of them.',
          content: {
            'application/json': {
              schema: z.object({ items: z.array(eventSchema), next: z.string().nullable(), last: z.int() }),
            },
            'text/event-stream': { schema: eventStream },
          },
        },
        204: z.undefined().describe('There is nothing more to come.'),
      },
    },
    async handler(request, reply) {
      const { engine, feeds } = house()
      const { limit, cursor, stream } = request.query
      const run = await engine.run(who(request), request.params.id)
      house().accesses.saw(who(request), { run: run.id })
      const after = afterOf(cursor) ?? lastSeen(request.headers['last-event-id']) ?? request.query.after ?? 0
      if (!stream) {
        const { level, search } = request.query
        const items = await engine.as(who(request), (tx) =>
          eventsLike(tx, run.id, { after, limit, ...given({ level, search }) }),
        )
        // A page that is not full was looked for up to the end.
        const last = items.length < limit ? run.lastEvent : (items.at(-1)?.n ?? after)
        return await reply.send({
          items: items.map((event) => ({ ...event, data: { ...event.data } })),
          next: last < run.lastEvent ? cursorOf(last) : null,
          last: run.lastEvent,
        })
      }
      if (run.finishedAt !== null && after >= run.lastEvent && after > 0) return await reply.code(204).send()
      if (feeds.full) throw new Refusal('TOO_MANY_READERS', 'As many readers as this server serves are following.')
      const line = lines.open(request, reply, right)
      try {
        for await (const { events, ended } of feeds.read(who(request), run.id, after, line.signal)) {
          await line.send(events.map((event) => `id: ${event.n}\ndata: ${JSON.stringify(event)}\n\n`).join(''))
          if (ended) line.end('end', { run: run.id })
        }
      } catch (error) {
        // The reader comes again by the number of his last event.
        request.log.warn({ reqId: request.id, run: run.id, err: error })
        reply.raw.destroy()
      }
      return await reply
    },
  })

  door.route({
    method: 'GET',
    url: '/api/feed',
    exposeHeadRoute: false,
    config: { right },
    schema: {
      tags,
      operationId: 'getFeed',
      summary:
        'The newest runs of your workspaces; with `stream=true` each again whenever something in it has changed.',
      description: `It speaks of the ${NEWEST} newest runs and begins with all of them. Every message is a whole run, so nothing is lost that the next one does not say: there is no number to go on from. With \`runs=12:345,13\` the stream gives the events of those runs too, \`events\` after the number that each has, and \`gone\` for one that nobody may see; its \`id:\` says how far each is.`,
      querystring: z.strictObject({
        stream: flag,
        runs: z.string().max(1_600).regex(FOLLOWED).optional().describe('Runs whose events come too: `12:345,13`.'),
      }),
      response: {
        200: {
          description: 'The runs, or the stream of them.',
          content: {
            'application/json': { schema: z.object({ items: z.array(runSchema) }) },
            'text/event-stream': { schema: eventStream },
          },
        },
      },
    },
    async handler(request, reply) {
      const { engine, feeds, boards } = house()
      if (!request.query.stream) {
        return await reply.send({ items: (await findRuns(engine, who(request), { limit: NEWEST })).map(runAt) })
      }
      if (feeds.full) throw new Refusal('TOO_MANY_READERS', 'As many readers as this server serves are following.')
      const places = followedOf(request.query.runs, request.headers['last-event-id'])
      const line = lines.open(request, reply, right)
      const newest = async () => {
        for await (const runs of boards.read(who(request), line.signal)) {
          await line.send(runs.map((run) => `event: run\ndata: ${JSON.stringify(runAt(run))}\n\n`).join(''))
        }
      }
      try {
        await Promise.all([newest(), follow({ engine, feeds }, who(request), places, line)])
      } catch (error) {
        request.log.warn({ reqId: request.id, err: error })
        reply.raw.destroy()
      }
      return await reply
    },
  })
}

/** What a browser says when it comes again; what is no number is nothing. */
function lastSeen(header: unknown): number | undefined {
  return typeof header === 'string' && /^\d{1,15}$/.test(header) ? Number(header) : undefined
}
