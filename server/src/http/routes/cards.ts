/** Cards: found, made, written on, moved; how each came where it is, and what is asked about it. */
import { z } from 'zod'
import {
  addCard,
  answerQuestion,
  askQuestion,
  cardOf,
  CARD_STATUSES,
  changeCard,
  listCards,
  moveCard,
  PRIORITIES,
  questionsOf,
  removeCard,
  transitionsOf,
} from '../../domains/stage/cards.ts'
import { card, cardHead, question, transition } from '../board-shapes.ts'
import type { Door } from '../door.ts'
import { afterOf, cut, given, id, page, pageOf, who, workspaceAsked, type Opened } from '../house.ts'

const tags = ['cards']
const read = { right: 'board:read' } as const
const write = { right: 'board:write' } as const

const params = z.strictObject({ id: id.describe('Number of the card.') })
const stage = z.string().min(1).max(40).describe('Key of a stage.')
const title = z.string().min(1).max(300)
const description = z.string().max(100_000)
const metadata = z.record(z.string(), z.unknown())
const version = z.int().min(1).describe('The one that was read; another is refused with CARD_CHANGED.')
const cancelActiveRun = z
  .boolean()
  .default(false)
  .describe('End the run that is under way with this; without it such a card is refused with RUN_UNDER_WAY.')

export function cardRoutes(door: Door, house: Opened): void {
  door.route({
    method: 'GET',
    url: '/api/cards',
    config: read,
    schema: {
      tags,
      operationId: 'listCards',
      summary: 'Cards of a workspace, newest first; those of one stage in their order on the board.',
      querystring: z.strictObject({
        ...page,
        workspaceId: id.optional(),
        stage: stage.optional(),
        status: z.enum(CARD_STATUSES).optional().describe('Archived ones only when they are asked for.'),
        search: z.string().min(1).max(200).optional().describe('In titles.'),
      }),
      response: { 200: pageOf(cardHead) },
    },
    async handler(request) {
      const { limit, cursor, workspaceId, ...filter } = request.query
      const found = await listCards(house().engine, who(request), {
        ...given({ ...filter, after: afterOf(cursor) }),
        workspace: workspaceAsked(request, workspaceId),
        limit: limit + 1,
      })
      return cut(found, limit, (one) => one.id)
    },
  })

  door.route({
    method: 'POST',
    url: '/api/cards',
    config: write,
    schema: {
      tags,
      operationId: 'addCard',
      summary: 'Put a card on the board; its stage may begin a run at once.',
      body: z.strictObject({
        title,
        description: description.optional(),
        stage: stage.optional().describe('Key of a stage; the first one if left out.'),
        priority: z.enum(PRIORITIES).default('medium'),
        metadata: metadata.optional(),
        workspaceId: z.int().min(1).optional(),
      }),
      response: { 201: z.object({ card, run: z.int().nullable() }) },
    },
    async handler(request, reply) {
      const { workspaceId, title: named, ...asked } = request.body
      const { engine } = house()
      const made = await addCard(engine, who(request), workspaceAsked(request, workspaceId), {
        title: named,
        ...given(asked),
      })
      return reply
        .code(201)
        .header('location', `/api/cards/${made.card}`)
        .send({ card: await cardOf(engine, who(request), made.card), run: made.run })
    },
  })

  door.route({
    method: 'GET',
    url: '/api/cards/:id',
    config: read,
    schema: {
      tags,
      operationId: 'getCard',
      summary: 'One card, with its questions.',
      params,
      response: { 200: card.extend({ questions: z.array(question) }) },
    },
    async handler(request) {
      const { engine } = house()
      const found = await cardOf(engine, who(request), request.params.id)
      const questions = await questionsOf(engine, who(request), found.id)
      return { ...found, metadata: { ...found.metadata }, questions }
    },
  })

  door.route({
    method: 'PATCH',
    url: '/api/cards/:id',
    config: write,
    schema: {
      tags,
      operationId: 'editCard',
      summary: 'Change what stands on a card, or its status; what is not named stays.',
      params,
      body: z.strictObject({
        version,
        title: title.optional(),
        description: description.optional(),
        priority: z.enum(PRIORITIES).optional(),
        status: z.enum(CARD_STATUSES).optional(),
        metadata: metadata.optional(),
        cancelActiveRun,
      }),
      response: { 200: card },
    },
    async handler(request) {
      const { version: read, cancelActiveRun: cancel, ...changes } = request.body
      const how = { version: read, cancelActiveRun: cancel }
      return await changeCard(house().engine, who(request), request.params.id, changes, how)
    },
  })

  door.route({
    method: 'DELETE',
    url: '/api/cards/:id',
    config: write,
    schema: {
      tags,
      operationId: 'removeCard',
      summary: 'Throw an archived card away, with all that hangs on it.',
      params,
      response: { 204: z.undefined() },
    },
    async handler(request, reply) {
      await removeCard(house().engine, who(request), request.params.id)
      return reply.code(204).send()
    },
  })

  door.route({
    method: 'POST',
    url: '/api/cards/:id/move',
    config: write,
    schema: {
      tags,
      operationId: 'moveCard',
      summary: 'Move a card into a stage, or to another place in its column.',
      description:
        'One transaction: the card, a line about how it came there, and the run that the stage asks for. Of two who move it at once one is told CARD_CHANGED.',
      params,
      body: z.strictObject({
        to: stage,
        version,
        reason: z.string().min(1).max(2_000).optional(),
        before: z.int().min(1).optional().describe('The card before which it is to stand; at the end if left out.'),
        cancelActiveRun,
      }),
      response: { 200: z.object({ card, transition: transition.nullable() }) },
    },
    async handler(request) {
      const { engine } = house()
      const { id: moved } = request.params
      const { to, version: read, cancelActiveRun: cancel, ...rest } = request.body
      const how = { to, version: read, cancelActiveRun: cancel, ...given(rest) }
      const made = await moveCard(engine, who(request), moved, how)
      return { card: await cardOf(engine, who(request), moved), transition: made }
    },
  })

  door.route({
    method: 'GET',
    url: '/api/cards/:id/transitions',
    config: read,
    schema: {
      tags,
      operationId: 'listTransitions',
      summary: 'How it came where it is, newest first.',
      params,
      querystring: z.strictObject(page),
      response: { 200: pageOf(transition) },
    },
    async handler(request) {
      const { limit, cursor } = request.query
      const found = await transitionsOf(house().engine, who(request), request.params.id, {
        limit: limit + 1,
        ...given({ before: afterOf(cursor) }),
      })
      return cut(found, limit, (one) => one.id)
    },
  })

  door.route({
    method: 'GET',
    url: '/api/cards/:id/questions',
    config: read,
    schema: {
      tags,
      operationId: 'listQuestions',
      summary: 'What is asked about it; those without an answer first.',
      params,
      response: { 200: z.object({ questions: z.array(question) }) },
    },
    async handler(request) {
      return { questions: await questionsOf(house().engine, who(request), request.params.id) }
    },
  })

  door.route({
    method: 'POST',
    url: '/api/cards/:id/questions',
    config: write,
    schema: {
      tags,
      operationId: 'askQuestion',
      summary: 'Ask something about a card; no run waits for it.',
      params,
      body: z.strictObject({ question: z.string().min(1).max(4_000) }),
      response: { 201: question },
    },
    async handler(request, reply) {
      const asked = await askQuestion(house().engine, who(request), request.params.id, request.body.question)
      return reply.code(201).send(asked)
    },
  })

  door.route({
    method: 'POST',
    url: '/api/cards/:id/questions/:q',
    config: write,
    schema: {
      tags,
      operationId: 'answerQuestion',
      summary: 'Answer it, or put another answer in its place. When all are answered the run that waits is retried.',
      params: params.extend({ q: id.describe('Number of the question.') }),
      body: z.strictObject({ answer: z.string().min(1).max(20_000) }),
      response: { 200: question },
    },
    async handler(request) {
      const { id: of, q } = request.params
      const answer = { card: of, question: q, answer: request.body.answer }
      return answerQuestion(house().engine, who(request), answer)
    },
  })
}
