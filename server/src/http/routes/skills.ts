/** Skills: which there are, bringing them, what is thought of them, and the marketplace. */
import { Refusal } from '@millrace/engine'
import type { FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { LARGEST_ARCHIVE, skillInArchive } from '../../skills/archive.ts'
import { createSkill, importSkill, type Imported } from '../../skills/import.ts'
import { SOURCES } from '../../skills/skill.ts'
import { fileOf, listSkills, pinSkill, removeSkill, skillOf, trustSkill } from '../../skills/store.ts'
import { syncSkills } from '../../skills/sync.ts'
import type { Door } from '../door.ts'
import { afterOf, cursorOf, cut, given, id, page, pageOf, small, who, workspaceAsked, type Opened } from '../house.ts'
import {
  brought,
  diagnosticsOf,
  headOf,
  listing,
  reportOf,
  shownSkill,
  skillHead,
  storedSkill,
  syncReport,
  trustLevel,
} from '../skill-shapes.ts'

const tags = ['skills']
const read = { right: 'skills:read' } as const
const write = { right: 'skills:write' } as const
/** Base64 is a third longer, and something stands beside it. */
const BODY = Math.ceil(LARGEST_ARCHIVE * 1.4)

const params = z.strictObject({ id: id.describe('Number of the skill.') })
const versioned = z.strictObject({ version: small.optional().describe('The one that is used if left out.') })
const workspaceId = z.int().min(1).max(Number.MAX_SAFE_INTEGER).optional()
const jsonSchema = z.record(z.string(), z.unknown()).optional()

const sync = z.strictObject({ action: z.literal('sync'), workspaceId })
const importing = z.strictObject({
  action: z.literal('import'),
  workspaceId,
  archive: z.base64().optional().describe('A .zip, .tar or .tar.gz with the files, at most 16 MiB.'),
  within: z.string().max(300).optional().describe('The folder of the skill in the archive, where it holds several.'),
  skillsmpId: z.string().min(1).max(300).optional().describe('What SkillsMP says of it is kept beside it.'),
  trustLevel: trustLevel.optional().describe('Whatever is said here, it begins as community.'),
  pinVersion: z.boolean().optional().describe('It stays at this version, whatever is imported later.'),
})
const creating = z.strictObject({
  action: z.literal('create'),
  workspaceId,
  name: z.string().min(1).max(200),
  description: z.string().min(1).max(4_000),
  promptTemplate: z
    .string()
    .min(1)
    .max(256 * 1024),
  inputSchema: jsonSchema,
  outputSchema: jsonSchema,
  tags: z.array(z.string().min(1).max(50)).max(50).optional(),
  version: z.string().min(1).max(40).optional(),
})

export function skillRoutes(door: Door, house: Opened): void {
  const headAt = async (request: FastifyRequest, wanted: number) =>
    headOf(await house().engine.as(who(request), (tx) => skillOf(tx, wanted)))
  const shown = async (request: FastifyRequest, wanted: number, version?: number) =>
    shownSkill(await house().engine.as(who(request), (tx) => skillOf(tx, wanted, version)))
  const tell = async (request: FastifyRequest, reply: FastifyReply, { skill, outcome, diagnostics }: Imported) => {
    const head = await headAt(request, skill)
    if (outcome === 'added') reply.code(201).header('location', `/api/skills/${skill}`)
    return { skill: head, outcome, diagnostics: diagnosticsOf(diagnostics) }
  }

  door.route({
    method: 'GET',
    url: '/api/skills',
    config: read,
    schema: {
      tags,
      operationId: 'listSkills',
      summary: 'Skills, the newest first; with `source=skillsmp` and `q` those that the marketplace finds.',
      querystring: z.strictObject({
        ...page,
        workspaceId: id.optional(),
        q: z.string().min(1).max(200).optional().describe('In names, descriptions and tags.'),
        source: z.enum(SOURCES).optional(),
        trustLevel: trustLevel.optional(),
        tag: z.string().min(1).max(50).optional(),
      }),
      response: { 200: pageOf(z.union([skillHead, listing])) },
    },
    async handler(request) {
      const { limit, cursor, workspaceId, q, source, trustLevel, tag } = request.query
      const after = afterOf(cursor)
      if (source === 'skillsmp' && q !== undefined) {
        const { items, page, more } = await house().skills.marketplace.search({
          q,
          page: Math.max(0, after ?? 0) + 1,
          limit,
        })
        return { items: items.map((one) => ({ ...one, source })), next: more ? cursorOf(page) : null }
      }
      const filter = given({ workspace: workspaceId, search: q, source, trust: trustLevel, tag, before: after })
      const found = await house().engine.as(who(request), (tx) => listSkills(tx, { ...filter, limit: limit + 1 }))
      const { items, next } = cut(found, limit, (one) => one.id)
      return { items: items.map(headOf), next }
    },
  })

  door.route({
    method: 'GET',
    url: '/api/skills/:id',
    config: read,
    schema: {
      tags,
      operationId: 'getSkill',
      summary: 'A version of it, with its schemas, what was said of its files, all versions and who trusted which.',
      params,
      querystring: versioned,
      response: { 200: storedSkill },
    },
    handler: (request) => shown(request, request.params.id, request.query.version),
  })

  door.route({
    method: 'GET',
    url: '/api/skills/:id/file',
    config: read,
    schema: {
      tags,
      operationId: 'getSkillFile',
      summary: 'A file of it as a text: what is vetted can be read.',
      params,
      querystring: versioned.extend({ path: z.string().min(1).max(300) }),
      response: {
        200: z.object({
          path: z.string(),
          size: z.int(),
          digest: z.string(),
          text: z.string().nullable().describe('Null where it is no text.'),
        }),
      },
    },
    handler: (request) =>
      house().engine.as(who(request), (tx) => fileOf(tx, request.params.id, request.query.path, request.query.version)),
  })

  door.route({
    method: 'POST',
    url: '/api/skills',
    config: write,
    bodyLimit: BODY,
    schema: {
      tags,
      operationId: 'bringSkills',
      summary: 'sync: read the folder of skills; import: bring one as an archive; create: write one.',
      description:
        'A sync reads the folder that the installation set, and what Millrace ships. What is wrong with a skill is said with its line.',
      body: z.discriminatedUnion('action', [sync, importing, creating]),
      response: { 200: z.union([syncReport, brought]), 201: brought },
    },
    async handler(request, reply) {
      const { engine, skills } = house()
      const workspace = workspaceAsked(request, request.body.workspaceId)
      if (request.body.action === 'sync')
        return reportOf(await syncSkills(engine, who(request), workspace, skills.place))
      if (request.body.action === 'create') {
        return tell(request, reply, await createSkill(engine, who(request), workspace, request.body))
      }
      const { archive, within, skillsmpId, pinVersion } = request.body
      const listing = skillsmpId === undefined ? undefined : await skills.marketplace.fetch(skillsmpId)
      if (archive === undefined) {
        throw new Refusal('SKILL_CONTENT_NEEDED', 'A marketplace lists a skill and does not have its files.', {
          causes: listing?.repository === null || listing === undefined ? [] : [listing.repository],
          remedy: 'Fetch its folder, and send it as `archive`.',
        })
      }
      const found = await skillInArchive(Buffer.from(archive, 'base64'), within)
      const bring = { ...found, ...given({ listing, pin: pinVersion }) }
      return tell(request, reply, await importSkill(engine, who(request), workspace, bring))
    },
  })

  door.route({
    method: 'PATCH',
    url: '/api/skills/:id',
    // Who trusts is a person: a key that may bring skills does not say that they are good.
    config: { right: 'admin' },
    schema: {
      tags,
      operationId: 'judgeSkill',
      summary: 'Say what is thought of one content of it; or that it stays at its version.',
      params,
      body: z
        .strictObject({
          trustLevel: trustLevel.optional(),
          note: z.string().max(2_000).optional(),
          version: z.int().min(1).max(2_147_483_647).optional().describe('The one that is used if left out.'),
          digest: z.string().max(80).optional().describe('Of the content that was looked at; other content is a 409.'),
          pinVersion: z.boolean().optional(),
        })
        .refine(
          (body) => body.trustLevel !== undefined || body.pinVersion !== undefined,
          'give `trustLevel` or `pinVersion`',
        ),
      response: { 200: storedSkill },
    },
    async handler(request) {
      const { trustLevel: level, note, version, digest, pinVersion } = request.body
      const { engine } = house()
      if (level !== undefined)
        await trustSkill(engine, who(request), request.params.id, { level, ...given({ note, version, digest }) })
      if (pinVersion !== undefined) await pinSkill(engine, who(request), request.params.id, pinVersion)
      return shown(request, request.params.id)
    },
  })

  door.route({
    method: 'DELETE',
    url: '/api/skills/:id',
    config: write,
    schema: {
      tags,
      operationId: 'removeSkill',
      summary: 'Show it no more; runs that stand on a version of it keep that. One that a recipe uses stays.',
      params,
      response: { 204: z.undefined().describe('It is gone.') },
    },
    async handler(request, reply) {
      await removeSkill(house().engine, who(request), request.params.id)
      return reply.code(204).send()
    },
  })
}
