/** The board of a workspace: stages with their cards, what automation may do, and who is called. */
import { z } from 'zod'
import {
  boardOf,
  boardSettings,
  setSettings,
  settingsSchema,
  setStages,
  stageSchema,
} from '../../domains/stage/board.ts'
import { NOTICES } from '../../domains/stage/notices.ts'
import { takeInSettings } from '../../domains/stage/settings-file.ts'
import { addWebhook, changeWebhook, deliveriesOf, listWebhooks, removeWebhook } from '../../domains/stage/webhooks.ts'
import type { FastifyRequest } from 'fastify'
import { column, delivery, storedSettings, webhook } from '../board-shapes.ts'
import type { Door } from '../door.ts'
import {
  afterOf,
  cursorOf,
  cut,
  flag,
  given,
  id,
  page,
  pageOf,
  who,
  workspaceAsked,
  workspaceOf,
  type Opened,
} from '../house.ts'
import type { Lines } from '../lines.ts'

const tags = ['board']
const read = { right: 'board:read' } as const
const admin = { right: 'admin' } as const
const workspaceId = id.optional().describe('Number of the workspace; the first of yours if left out.')
const asked = z.strictObject({ workspaceId })

export function boardRoutes(door: Door, house: Opened, lines: Lines): void {
  door.route({
    method: 'GET',
    url: '/api/board',
    exposeHeadRoute: false,
    config: read,
    schema: {
      tags,
      operationId: 'getBoard',
      summary:
        'Stages in their order with their cards, and what runs on each; with `stream=true` cards as they change.',
      description:
        'The stream has an event `card` for each card, whole, again whenever it or its run has changed; it begins with the 200 that were changed last.',
      querystring: z.strictObject({
        workspaceId,
        limit: z.coerce.number().int().min(1).max(200).default(50).describe('Cards of each stage.'),
        archived: flag,
        stream: flag,
      }),
      response: {
        200: {
          description: 'The board, or the stream of its cards.',
          content: {
            'application/json': { schema: z.object({ workspace: z.int(), columns: z.array(column) }) },
            'text/event-stream': { schema: z.string() },
          },
        },
      },
    },
    async handler(request, reply) {
      const { limit, archived, stream, workspaceId: named } = request.query
      const workspace = workspaceAsked(request, named)
      if (stream) {
        const line = lines.open(request, reply, 'board:read')
        try {
          for await (const cards of house().cards.read(who(request), line.signal)) {
            const mine = cards.filter((card) => card.workspace === workspace)
            await line.send(mine.map((card) => `event: card\ndata: ${JSON.stringify(card)}\n\n`).join(''))
          }
        } catch (error) {
          request.log.warn({ reqId: request.id, err: error })
          reply.raw.destroy()
        }
        return await reply
      }
      const board = await boardOf(house().engine, who(request), workspace, { limit, archived })
      const columns = board.columns.map((one) => {
        const last = one.cards.at(-1)
        const more = one.count > one.cards.length && last !== undefined
        return { ...one, cards: [...one.cards], next: more ? cursorOf(last.id) : null }
      })
      return await reply.send({ workspace, columns })
    },
  })

  door.route({
    method: 'PUT',
    url: '/api/board/stages',
    config: admin,
    schema: {
      tags,
      operationId: 'setStages',
      summary: 'All stages in their order: named anew, added, and removed where no card is.',
      querystring: asked,
      body: z.strictObject({ stages: z.array(stageSchema).min(1).max(50) }),
      response: { 200: z.object({ stages: z.array(stageSchema) }) },
    },
    async handler(request) {
      const workspace = workspaceAsked(request, request.query.workspaceId)
      return { stages: await setStages(house().engine, who(request), workspace, request.body.stages) }
    },
  })

  const settingsOf = async (request: FastifyRequest, workspace: number): Promise<z.output<typeof storedSettings>> => {
    const { engine, home } = house()
    if (workspace === home.workspace) {
      // The file speaks for whoever runs the installation, whoever looks.
      const { settings, file } = await takeInSettings(engine, home)
      const { fileDigest: _, ...shown } = settings
      return { ...shown, file: { ...file, problems: [...file.problems], ignored: [...file.ignored] } }
    }
    const { fileDigest: _, ...shown } = await boardSettings(engine, who(request), workspace)
    return { ...shown, file: null }
  }

  door.route({
    method: 'GET',
    url: '/api/board/settings',
    config: read,
    schema: {
      tags,
      operationId: 'getBoardSettings',
      summary: 'What automation may do in a workspace. A settings.json that has changed is taken in first.',
      querystring: asked,
      response: { 200: storedSettings },
    },
    handler: (request) => settingsOf(request, workspaceAsked(request, request.query.workspaceId)),
  })

  door.route({
    method: 'PATCH',
    url: '/api/board/settings',
    config: admin,
    schema: {
      tags,
      operationId: 'setBoardSettings',
      summary: 'Change settings; what is not named stays.',
      querystring: asked,
      body: settingsSchema.partial().extend({
        version: z.int().optional().describe('The one that was read; another is refused. Left out: whichever.'),
      }),
      response: { 200: storedSettings },
    },
    async handler(request) {
      const workspace = workspaceAsked(request, request.query.workspaceId)
      const { version, ...changes } = request.body
      await setSettings(house().engine, who(request), workspace, changes, given({ version }))
      return settingsOf(request, workspace)
    },
  })

  const webhookParams = z.strictObject({ id: id.describe('Number of the webhook.') })
  const kinds = z.array(z.enum(NOTICES)).max(NOTICES.length).describe('Of notifications; empty: all.')
  const url = z.url({ protocol: /^https?$/ }).max(2_000)

  door.route({
    method: 'GET',
    url: '/api/webhooks',
    config: admin,
    schema: {
      tags,
      operationId: 'listWebhooks',
      summary: 'Who is called when people are told something.',
      querystring: asked,
      response: { 200: z.object({ webhooks: z.array(webhook) }) },
    },
    async handler(request) {
      const workspace = workspaceAsked(request, request.query.workspaceId)
      const found = await listWebhooks(house().engine, who(request), workspace)
      return { webhooks: found.map((one) => ({ ...one, kinds: [...one.kinds] })) }
    },
  })

  door.route({
    method: 'POST',
    url: '/api/webhooks',
    // The answer holds a secret.
    config: { ...admin, replays: false },
    schema: {
      tags,
      operationId: 'addWebhook',
      summary: 'Call this address with every notification.',
      description:
        'Each call has `millrace-signature: t=<seconds>,v1=<HMAC-SHA256 of "<seconds>.<body>" in hexadecimal>` and `millrace-delivery`, the same for every try. Addresses that are not public are refused, redirects are not followed. The secret is told once, here.',
      body: z.strictObject({ url, kinds: kinds.default([]) }),
      response: { 201: z.object({ id: z.int(), secret: z.string() }) },
    },
    async handler(request, reply) {
      const { engine, keys } = house()
      const made = await addWebhook(engine, who(request), keys, { workspace: workspaceOf(request), ...request.body })
      return reply.code(201).send({ id: made.webhook, secret: made.secret })
    },
  })

  door.route({
    method: 'PATCH',
    url: '/api/webhooks/:id',
    config: admin,
    schema: {
      tags,
      operationId: 'changeWebhook',
      summary: 'Switch it off or on, or send it elsewhere.',
      params: webhookParams,
      body: z.strictObject({ enabled: z.boolean().optional(), url: url.optional(), kinds: kinds.optional() }),
      response: { 204: z.undefined() },
    },
    async handler(request, reply) {
      await changeWebhook(house().engine, who(request), request.params.id, given(request.body))
      return reply.code(204).send()
    },
  })

  door.route({
    method: 'DELETE',
    url: '/api/webhooks/:id',
    config: admin,
    schema: {
      tags,
      operationId: 'removeWebhook',
      summary: 'Call it no more.',
      params: webhookParams,
      response: { 204: z.undefined() },
    },
    async handler(request, reply) {
      await removeWebhook(house().engine, who(request), request.params.id)
      return reply.code(204).send()
    },
  })

  door.route({
    method: 'GET',
    url: '/api/webhooks/:id/deliveries',
    config: admin,
    schema: {
      tags,
      operationId: 'listDeliveries',
      summary: 'What was sent and what was answered, newest first.',
      params: webhookParams,
      querystring: z.strictObject(page),
      response: { 200: pageOf(delivery) },
    },
    async handler(request) {
      const { limit, cursor } = request.query
      const found = await deliveriesOf(house().engine, who(request), request.params.id, {
        limit: limit + 1,
        ...given({ before: afterOf(cursor) }),
      })
      return cut(found, limit, (one) => one.id)
    },
  })
}
