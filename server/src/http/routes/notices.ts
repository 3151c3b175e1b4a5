/** What people are told, and what waits for them. */
import { Refusal } from '@millrace/engine'
import { z } from 'zod'
import { waitingRuns } from '../../domains/stage/approvals.ts'
import { listNotices, markRead, unreadCount } from '../../domains/stage/notices.ts'
import { notice, waiting } from '../board-shapes.ts'
import type { Door } from '../door.ts'
import { afterOf, cut, flag, given, id, page, pageOf, who, workspaceAsked, type Opened } from '../house.ts'
import type { Lines } from '../lines.ts'

const tags = ['board']
const read = { right: 'board:read' } as const
const workspaceId = id.optional().describe('Number of the workspace; the first of yours if left out.')
const unreadShape = z.int().describe('How many of the newest thousand you have not read.')

export function noticeRoutes(door: Door, house: Opened, lines: Lines): void {
  door.route({
    method: 'GET',
    url: '/api/notifications',
    exposeHeadRoute: false,
    config: read,
    schema: {
      tags,
      operationId: 'listNotifications',
      summary: 'What people are told about their cards, newest first; with `stream=true` as it comes.',
      description:
        'The stream has an event `notification` for each, beginning with the newest 200, and after each batch an event `unread` with `{count}`.',
      querystring: z.strictObject({ ...page, workspaceId, unread: flag, stream: flag }),
      response: {
        200: {
          description: 'A page, or the stream.',
          content: {
            'application/json': { schema: pageOf(notice).extend({ unread: unreadShape }) },
            'text/event-stream': { schema: z.string() },
          },
        },
      },
    },
    async handler(request, reply) {
      const { engine, feeds, notices } = house()
      const { limit, cursor, unread, stream, workspaceId: named } = request.query
      const workspace = workspaceAsked(request, named)
      if (!stream) {
        const found = await listNotices(engine, who(request), {
          workspace,
          unread,
          limit: limit + 1,
          ...given({ before: afterOf(cursor) }),
        })
        const { items, next } = cut(found, limit, (one) => one.id)
        const shown = items.map((one) => ({ ...one, data: { ...one.data } }))
        return await reply.send({ items: shown, next, unread: await unreadCount(engine, who(request), workspace) })
      }
      if (feeds.full) throw new Refusal('TOO_MANY_READERS', 'As many readers as this server serves are following.')
      const line = lines.open(request, reply, 'board:read')
      try {
        for await (const all of notices.read(who(request), line.signal)) {
          const mine = all.filter((one) => one.workspace === workspace).toReversed()
          const lines = mine.map(({ id: n, workspace: of, kind, card, run, stage, data, sentence, at }) => {
            const shown = { id: n, workspace: of, kind, card, run, stage, data, sentence, at }
            return `event: notification\ndata: ${JSON.stringify(shown)}\n\n`
          })
          const count = await unreadCount(engine, who(request), workspace)
          await line.send(`${lines.join('')}event: unread\ndata: ${JSON.stringify({ count })}\n\n`)
        }
      } catch (error) {
        request.log.warn({ reqId: request.id, err: error })
        reply.raw.destroy()
      }
      return await reply
    },
  })

  door.route({
    method: 'POST',
    url: '/api/notifications/read',
    // One's own marks: also for who may only look.
    config: read,
    schema: {
      tags,
      operationId: 'readNotifications',
      summary: 'You have read these, or all up to one.',
      querystring: z.strictObject({ workspaceId }),
      body: z.strictObject({
        ids: z.array(z.int().min(1)).max(500).optional(),
        upTo: z.int().min(1).optional().describe('This one and all before it.'),
      }),
      response: { 200: z.object({ unread: unreadShape }) },
    },
    async handler(request) {
      const { engine } = house()
      const workspace = workspaceAsked(request, request.query.workspaceId)
      await markRead(engine, who(request), workspace, given(request.body))
      return { unread: await unreadCount(engine, who(request), workspace) }
    },
  })

  door.route({
    method: 'GET',
    url: '/api/approvals',
    config: read,
    schema: {
      tags,
      operationId: 'listApprovals',
      summary: 'Runs that wait for a person, longest first: for approval, for answers, for a review of their gates.',
      description: '`POST /api/runs/{id}` with `approve`, `retry` or `cancel` is the answer.',
      querystring: z.strictObject({ ...page, workspaceId }),
      response: { 200: pageOf(waiting) },
    },
    async handler(request) {
      const { limit, cursor, workspaceId: named } = request.query
      const found = await waitingRuns(house().engine, who(request), {
        workspace: workspaceAsked(request, named),
        limit: limit + 1,
        ...given({ after: afterOf(cursor) }),
      })
      const { items, next } = cut(found, limit, (one) => one.run)
      return { items: items.map((one) => ({ ...one, gates: [...one.gates] })), next }
    },
  })
}
