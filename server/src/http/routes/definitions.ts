/** Definitions that are kept: written, forked, edited as versions, found, brought in and out as files. */
import { Refusal } from '@millrace/engine'
import { z } from 'zod'
import {
  definitionHash,
  definitionSchema,
  readDefinition,
  writeDefinition,
} from '../../domains/probe/definition/definition.ts'
import { draftOf } from '../../domains/probe/definition/draft.ts'
import { openExpansion } from '../../domains/probe/definition/expand.ts'
import {
  createDefinition,
  definitionOf,
  editDefinition,
  FIELDS,
  forkDefinition,
  listDefinitions,
  removeDefinition,
  versionsOf,
} from '../../domains/probe/definitions.ts'
import type { FastifyRequest } from 'fastify'
import { content, draft, facts, head, headOf, scenario, shown, stored } from '../definition-shapes.ts'
import type { Door } from '../door.ts'
import { afterOf, cut, given, id, page, pageOf, small, who, workspaceOf, type Opened } from '../house.ts'

const tags = ['definitions']
const read = { right: 'definitions:read' } as const
const write = { right: 'definitions:write' } as const

const params = z.strictObject({ id: id.describe('Number of the definition.') })
const versioned = z.strictObject({ version: small.optional().describe('The newest if left out.') })
const change = z
  .partialRecord(z.enum(FIELDS), z.unknown())
  .default({})
  .describe('Fields and their new values; null for none.')

/** Of a file; a definition has at most 1 MiB. */
const FILES = { yaml: 'application/yaml', markdown: 'text/markdown' } as const
const format = z.enum(['yaml', 'markdown'])

export function definitionRoutes(door: Door, house: Opened): void {
  door.addContentTypeParser(Object.values(FILES), { parseAs: 'string' }, (_request, text, done) => done(null, text))

  const show = async (request: FastifyRequest, wanted: number, version?: number): Promise<z.output<typeof stored>> => {
    const found = await house().engine.as(who(request), (tx) => definitionOf(tx, wanted, version))
    house().accesses.saw(who(request), { definition: wanted })
    return shown(found)
  }

  door.route({
    method: 'GET',
    url: '/api/definitions',
    config: read,
    schema: {
      tags,
      operationId: 'listDefinitions',
      summary: 'The newest first, page by page.',
      querystring: z.strictObject({
        ...page,
        search: z.string().min(1).max(200).optional().describe('In names.'),
        tag: z.string().min(1).max(50).optional(),
        parent: id.optional().describe('Forks of this one.'),
      }),
      response: { 200: pageOf(head) },
    },
    async handler(request) {
      const { limit, cursor, ...filter } = request.query
      const found = await house().engine.as(who(request), (tx) =>
        listDefinitions(tx, { ...given({ ...filter, before: afterOf(cursor) }), limit: limit + 1 }),
      )
      const { items, next } = cut(found, limit, (one) => one.id)
      return { items: items.map(headOf), next }
    },
  })

  door.route({
    method: 'POST',
    url: '/api/definitions',
    config: write,
    schema: {
      tags,
      operationId: 'createDefinition',
      summary: 'Keep a definition, as its first version.',
      body: definitionSchema,
      response: { 201: stored },
    },
    async handler(request, reply) {
      const made = await createDefinition(house().engine, who(request), workspaceOf(request), request.body)
      return reply
        .code(201)
        .header('location', `/api/definitions/${made}`)
        .send(await show(request, made))
    },
  })

  door.route({
    method: 'POST',
    url: '/api/definitions/import',
    config: write,
    schema: {
      tags,
      operationId: 'importDefinition',
      summary:
        'Keep a definition from a file: YAML (`application/yaml`), or Markdown with front matter (`text/markdown`).',
      consumes: Object.values(FILES),
      body: z.string().max(2 * 1024 * 1024),
      response: { 201: stored },
    },
    async handler(request, reply) {
      const markdown = request.headers['content-type']?.startsWith(FILES.markdown) === true
      const definition = readDefinition(request.body, { file: markdown ? 'body.md' : 'body.yaml' })
      const made = await createDefinition(house().engine, who(request), workspaceOf(request), definition)
      return reply
        .code(201)
        .header('location', `/api/definitions/${made}`)
        .send(await show(request, made))
    },
  })

  door.route({
    method: 'GET',
    url: '/api/definitions/:id',
    config: read,
    schema: {
      tags,
      operationId: 'getDefinition',
      summary: 'A version of it, whole, with what is inherited.',
      params,
      querystring: versioned,
      response: { 200: stored },
    },
    handler: (request) => show(request, request.params.id, request.query.version),
  })

  door.route({
    method: 'PATCH',
    url: '/api/definitions/:id',
    config: write,
    schema: {
      tags,
      operationId: 'editDefinition',
      summary: 'Make a new version of it; those before stay.',
      params,
      body: z.strictObject({
        baseVersion: z
          .int()
          .min(1)
          .optional()
          .describe('The version that was looked at; another one meanwhile is a 409.'),
        set: change,
        inherit: z
          .array(z.enum(FIELDS))
          .max(FIELDS.length)
          .default([])
          .describe('Fields of a fork that are the parent’s again.'),
        parentVersion: z
          .int()
          .min(1)
          .max(2_147_483_647)
          .optional()
          .describe('Stand on this version of the parent from now on.'),
      }),
      response: { 200: stored },
    },
    async handler(request) {
      const { set, inherit, ...versions } = request.body
      await editDefinition(house().engine, who(request), request.params.id, { set, inherit, ...given(versions) })
      return show(request, request.params.id)
    },
  })

  door.route({
    method: 'DELETE',
    url: '/api/definitions/:id',
    config: write,
    schema: {
      tags,
      operationId: 'deleteDefinition',
      summary: 'Show it no more; runs and forks that stand on it keep what they have.',
      params,
      response: { 204: z.undefined().describe('It is gone.') },
    },
    async handler(request, reply) {
      await removeDefinition(house().engine, who(request), request.params.id)
      return reply.code(204).send()
    },
  })

  door.route({
    method: 'POST',
    url: '/api/definitions/:id/fork',
    config: write,
    schema: {
      tags,
      operationId: 'forkDefinition',
      summary: 'A child that inherits every field which it does not set.',
      params,
      body: z.strictObject({ version: z.int().min(1).max(2_147_483_647).optional(), set: change }).nullish(),
      response: { 201: stored },
    },
    async handler(request, reply) {
      const { version, set = {} } = request.body ?? {}
      const made = await forkDefinition(house().engine, who(request), request.params.id, { set, ...given({ version }) })
      return reply
        .code(201)
        .header('location', `/api/definitions/${made}`)
        .send(await show(request, made))
    },
  })

  door.route({
    method: 'GET',
    url: '/api/definitions/:id/versions',
    config: read,
    schema: {
      tags,
      operationId: 'listVersions',
      summary: 'Its versions, the newest first, page by page.',
      params,
      querystring: z.strictObject(page),
      response: {
        200: pageOf(
          z.object({
            version: z.int(),
            hash: z.string(),
            parentVersion: z.int().nullable(),
            createdAt: z.date(),
            createdBy: z.string(),
          }),
        ),
      },
    },
    async handler(request) {
      const { limit, cursor } = request.query
      const before = afterOf(cursor)
      if (before !== undefined && Math.abs(before) > 2_147_483_647)
        throw new Refusal('INVALID_CURSOR', 'There is no such version.')
      const found = await house().engine.as(who(request), (tx) =>
        versionsOf(tx, request.params.id, { ...given({ before }), limit: limit + 1 }),
      )
      return cut(found, limit, ({ version }) => version)
    },
  })

  door.route({
    method: 'GET',
    url: '/api/definitions/:id/export',
    config: read,
    schema: {
      tags,
      operationId: 'exportDefinition',
      summary: 'As a file that can live in git; brought in again it is the same.',
      params,
      querystring: versioned.extend({ format: format.default('yaml') }),
      response: {
        200: {
          description: 'The file.',
          content: { [FILES.yaml]: { schema: z.string() }, [FILES.markdown]: { schema: z.string() } },
        },
      },
    },
    async handler(request, reply) {
      const { version, format } = request.query
      const found = await house().engine.as(who(request), (tx) => definitionOf(tx, request.params.id, version))
      house().accesses.saw(who(request), { definition: found.id })
      const name = `definition_${found.id}_v${found.shown}.${format === 'yaml' ? 'yaml' : 'md'}`
      return reply
        .type(`${FILES[format]}; charset=utf-8`)
        .header('content-disposition', `attachment; filename="${name}"`)
        .serializer((text: unknown) => String(text))
        .send(writeDefinition(found.content, format))
    },
  })

  door.route({
    method: 'GET',
    url: '/api/definitions/:id/scenarios',
    config: read,
    schema: {
      tags,
      operationId: 'expandDefinition',
      summary: 'Its scenarios in order, page by page, with their full prompts; nothing is created.',
      params,
      querystring: versioned.extend({
        ...page,
        seed: z
          .string()
          .regex(/^-?\d{1,40}$/, 'must be a whole number, at most 40 digits')
          .default('0')
          .describe('Chooses the wordings.'),
      }),
      response: { 200: pageOf(scenario).extend({ count: z.int(), warnings: z.array(z.string()) }) },
    },
    async handler(request) {
      const { version, limit, cursor, seed } = request.query
      const found = await house().engine.as(who(request), (tx) => definitionOf(tx, request.params.id, version))
      const expansion = openExpansion(found.content, { seed: BigInt(seed) })
      const from = Math.max(0, (afterOf(cursor) ?? -1) + 1)
      const indexes = Array.from(
        { length: Math.max(0, Math.min(limit + 1, expansion.count - from)) },
        (_, i) => from + i,
      )
      const { items, next } = cut(
        indexes.map((index) => expansion.at(index)),
        limit,
        ({ index }) => index,
      )
      return {
        items: items.map((one) => ({ ...one, dimensions: { ...one.dimensions } })),
        next,
        count: expansion.count,
        warnings: [...expansion.warnings],
      }
    },
  })

  door.route({
    method: 'POST',
    url: '/api/definitions/check',
    config: read,
    schema: {
      tags,
      operationId: 'checkDefinition',
      summary: 'Is it valid, and how many scenarios has it?  Nothing is kept.',
      body: definitionSchema,
      response: { 200: z.object({ content, hash: z.string(), scenarios: z.string(), warnings: z.array(z.string()) }) },
    },
    async handler(request) {
      const { content, scenarios, warnings } = facts(request.body)
      return { content, hash: definitionHash(request.body), scenarios, warnings }
    },
  })

  door.route({
    method: 'POST',
    url: '/api/definitions/draft',
    config: read,
    schema: {
      tags,
      operationId: 'draftDefinition',
      summary: 'A definition while it is written, as fields or as YAML: each as the other, what is wrong, and where.',
      description: 'Nothing is kept. What is not valid is an answer here, not a refusal.',
      body: z.union([
        z.strictObject({ definition: content }),
        z.strictObject({ yaml: z.string().max(2 * 1024 * 1024) }),
      ]),
      response: { 200: draft },
    },
    async handler(request) {
      const { draft, problems, first, ...rest } = draftOf(request.body as Parameters<typeof draftOf>[0])
      return {
        ...rest,
        draft: draft === null ? null : (structuredClone(draft) as unknown as z.output<typeof content>),
        problems: [...problems],
        warnings: [...rest.warnings],
        first: first.map((one) => ({ ...one, dimensions: { ...one.dimensions } })),
      }
    },
  })
}
