/** What hangs on a card: documents in versions, artifacts, metrics, and what its gates found. */
import { z } from 'zod'
import {
  artifactsOf,
  artifactText,
  gateResultsOf,
  linkArtifact,
  measure,
  metricsOf,
  mustSeeCard,
} from '../../domains/stage/artifacts.ts'
import {
  differenceOf,
  documentAt,
  documentsOf,
  versionsOf,
  writeDocument,
} from '../../domains/stage/documents/documents.ts'
import type { Door } from '../door.ts'
import type { Tx } from '@millrace/engine'
import type { FastifyRequest } from 'fastify'
import { id, small, who, type Opened } from '../house.ts'
import { cardArtifact, documentHead, documentVersion, keptGateResult, metric, wholeDocument } from '../recipe-shapes.ts'

const tags = ['cards']
const read = { right: 'board:read' } as const
const write = { right: 'board:write' } as const

const params = z.strictObject({ id: id.describe('Number of the card.') })
const named = params.extend({
  path: z.string().min(1).max(200).describe('Name of the document; a slash in it is written `%2F`.'),
})
const label = z.string().trim().min(1).max(200)

export function cardWorkRoutes(door: Door, house: Opened): void {
  /** Asks about a card that whoever asks may see. */
  const about = <T>(request: FastifyRequest, card: number, ask: (tx: Tx) => Promise<T>): Promise<T> =>
    house().engine.as(who(request), async (tx) => {
      await mustSeeCard(tx, card)
      return ask(tx)
    })

  door.route({
    method: 'GET',
    url: '/api/cards/:id/documents',
    config: read,
    schema: {
      tags,
      operationId: 'listDocuments',
      summary: 'Its documents, by name.',
      params,
      response: { 200: z.object({ documents: z.array(documentHead) }) },
    },
    async handler(request) {
      const documents = await about(request, request.params.id, (tx) => documentsOf(tx, request.params.id))
      return { documents }
    },
  })

  door.route({
    method: 'GET',
    url: '/api/cards/:id/documents/:path',
    config: read,
    schema: {
      tags,
      operationId: 'getDocument',
      summary: 'A version of a document, with its text.',
      params: named,
      querystring: z.strictObject({ version: small.optional().describe('The newest if left out.') }),
      response: { 200: wholeDocument },
    },
    handler: (request) =>
      about(request, request.params.id, (tx) =>
        documentAt(tx, request.params.id, request.params.path, request.query.version),
      ),
  })

  door.route({
    method: 'PUT',
    url: '/api/cards/:id/documents/:path',
    config: write,
    schema: {
      tags,
      operationId: 'writeDocument',
      summary: 'Write a document, as its next version with your name.',
      description: 'The same text again is no version. Whoever was faster wins: the other is told DOCUMENT_CHANGED.',
      params: named,
      body: z.strictObject({
        content: z.string().max(1024 * 1024),
        baseVersion: z
          .int()
          .min(0)
          .max(2_147_483_647)
          .describe('The version that was read; 0 for a document that is not there yet.'),
      }),
      response: { 200: wholeDocument },
    },
    handler: (request) =>
      about(request, request.params.id, async (tx) => {
        const { id: card, path } = request.params
        const { content, baseVersion } = request.body
        const version = await writeDocument(tx, card, path, content, baseVersion)
        return documentAt(tx, card, path, version)
      }),
  })

  door.route({
    method: 'GET',
    url: '/api/cards/:id/documents/:path/versions',
    config: read,
    schema: {
      tags,
      operationId: 'listDocumentVersions',
      summary: 'Its versions, the newest first: who made each, and when.',
      params: named,
      response: { 200: z.object({ versions: z.array(documentVersion) }) },
    },
    async handler(request) {
      const { id: card, path } = request.params
      return { versions: await about(request, request.params.id, (tx) => versionsOf(tx, card, path)) }
    },
  })

  door.route({
    method: 'GET',
    url: '/api/cards/:id/documents/:path/diff',
    config: read,
    schema: {
      tags,
      operationId: 'diffDocument',
      summary: 'What is different between two versions, as a unified diff.',
      params: named,
      querystring: z.strictObject({ from: small, to: small }),
      response: {
        200: z.object({ from: z.int(), to: z.int(), diff: z.string().describe('Empty: both say the same.') }),
      },
    },
    async handler(request) {
      const { id: card, path } = request.params
      const { from, to } = request.query
      return { from, to, diff: await about(request, request.params.id, (tx) => differenceOf(tx, card, path, from, to)) }
    },
  })

  door.route({
    method: 'GET',
    url: '/api/cards/:id/artifacts',
    config: read,
    schema: {
      tags,
      operationId: 'listCardArtifacts',
      summary: 'Files, links and tickets of a card: the newest of each type and label.',
      params,
      response: { 200: z.object({ artifacts: z.array(cardArtifact) }) },
    },
    async handler(request) {
      const found = await about(request, request.params.id, (tx) => artifactsOf(tx, { card: request.params.id }))
      return { artifacts: found }
    },
  })

  door.route({
    method: 'POST',
    url: '/api/cards/:id/artifacts',
    config: write,
    schema: {
      tags,
      operationId: 'linkArtifact',
      summary: 'Hang a link on a card: a pull request, a ticket, a Chromatic build, any page.',
      params,
      body: z.strictObject({
        type: z.enum(['url', 'pr', 'ticket', 'chromatic']),
        label,
        uri: z.string().min(1).max(2_000).describe('http or https.'),
      }),
      response: { 201: z.object({ id: z.int() }) },
    },
    async handler(request, reply) {
      const made = await about(request, request.params.id, (tx) => linkArtifact(tx, request.params.id, request.body))
      return reply.code(201).send({ id: made })
    },
  })

  door.route({
    method: 'GET',
    url: '/api/cards/:id/artifacts/:artifact',
    exposeHeadRoute: false,
    config: read,
    schema: {
      tags,
      operationId: 'getCardArtifact',
      summary: 'A file of a card, as it was when it was made.',
      description: 'Whatever it is, it comes as a download: a browser runs nothing of it.',
      params: params.extend({ artifact: id }),
      response: {
        200: { description: 'The file.', content: { 'application/octet-stream': { schema: z.string() } } },
      },
    },
    async handler(request, reply) {
      const { id: card, artifact } = request.params
      const found = await about(request, request.params.id, (tx) => artifactText(tx, card, artifact))
      return reply
        .type('application/octet-stream')
        .header('content-disposition', `attachment; filename*=UTF-8''${encodeURIComponent(found.name)}`)
        .serializer((text: unknown) => String(text))
        .send(found.content)
    },
  })

  door.route({
    method: 'GET',
    url: '/api/cards/:id/metrics',
    config: read,
    schema: {
      tags,
      operationId: 'listMetrics',
      summary: 'The newest value of each metric; with a name, all its values.',
      params,
      querystring: z.strictObject({ name: z.string().min(1).max(64).optional() }),
      response: { 200: z.object({ metrics: z.array(metric) }) },
    },
    async handler(request) {
      const found = await about(request, request.params.id, (tx) =>
        metricsOf(tx, request.params.id, request.query.name),
      )
      return { metrics: found }
    },
  })

  door.route({
    method: 'POST',
    url: '/api/cards/:id/metrics',
    config: write,
    schema: {
      tags,
      operationId: 'measure',
      summary: 'Write down what was measured.',
      params,
      body: z.strictObject({
        name: z.string().min(1).max(64).describe('In lower_snake.'),
        value: z.number(),
        unit: z.string().min(1).max(32).optional().describe('Such as ms, percent, people; jury_score has its own.'),
      }),
      response: { 201: z.object({ id: z.int() }) },
    },
    async handler(request, reply) {
      const made = await about(request, request.params.id, (tx) => measure(tx, request.params.id, request.body))
      return reply.code(201).send({ id: made })
    },
  })

  door.route({
    method: 'GET',
    url: '/api/cards/:id/gates',
    config: read,
    schema: {
      tags,
      operationId: 'listGateResults',
      summary: 'What its gates found, the newest first, with the evidence.',
      params,
      querystring: z.strictObject({
        run: id.optional(),
        limit: z.coerce.number().int().min(1).max(500).default(50),
      }),
      response: { 200: z.object({ results: z.array(keptGateResult) }) },
    },
    async handler(request) {
      const found = await about(request, request.params.id, (tx) => gateResultsOf(tx, request.params.id, request.query))
      return { results: found }
    },
  })
}
