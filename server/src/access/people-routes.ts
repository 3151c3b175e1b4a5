/** People over HTTP, for who administers a workspace or the installation. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { z } from 'zod'
import { ADMIN, OPEN, personWhoAsks, whoAsks, type Opened } from './guard.ts'
import {
  addUser,
  addWorkspace,
  disableUser,
  invite,
  listInvitations,
  listMembers,
  listNames,
  listNoted,
  listUsers,
  listWorkspaces,
  makeLink,
  setRole,
  withdraw,
} from './people.ts'

const id = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER)
const role = z.enum(['admin', 'member', 'viewer'])
/** As the table of accounts takes it: an invitation that could not become one is of no use. */
const address = z
  .string()
  .trim()
  .min(3)
  .max(254)
  .regex(/^[^\s\p{Cc}@]+@[^\s\p{Cc}@]+$/u, 'An address has one @, something on both sides of it, and no spaces.')
const label = z.string().trim().min(1).max(100)

const user = z.strictObject({
  id: z.number(),
  email: z.string(),
  name: z.string(),
  operator: z.boolean(),
  disabledAt: z.date().nullable(),
  createdAt: z.date(),
})
const workspace = z.strictObject({ id: z.number(), name: z.string(), role: role.nullable() })
const member = z.strictObject({
  user: z.number(),
  email: z.string(),
  name: z.string(),
  role,
  disabled: z.boolean(),
})
const invitation = z.strictObject({ id: z.number(), email: z.string(), role, expiresAt: z.date() })
const noted = z.strictObject({
  id: z.number(),
  at: z.date(),
  workspace: z.number().nullable(),
  actor: z.string(),
  action: z.string(),
  user: z.number().nullable(),
  target: z.string().nullable(),
  address: z.string().nullable(),
})
const done = { 204: z.null() }

const tags = ['access']

export async function peopleRoutes(plain: FastifyInstance, { access }: Opened): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>()
  const one = z.strictObject({ id })
  const inOne = z.strictObject({ id, user: id })

  app.route({
    method: 'GET',
    url: '/api/workspaces',
    config: OPEN,
    schema: {
      tags,
      operationId: 'listWorkspaces',
      summary: 'The workspaces that one may see.',
      response: { 200: z.strictObject({ workspaces: z.array(workspace) }) },
    },
    handler: async (request) => ({
      workspaces: await listWorkspaces(access().engine, (await whoAsks(access, request)).principal),
    }),
  })

  app.route({
    method: 'POST',
    url: '/api/workspaces',
    config: ADMIN,
    schema: {
      tags,
      operationId: 'createWorkspace',
      summary: 'Make a workspace (operators).',
      body: z.strictObject({ name: z.string().regex(/^[a-z0-9][a-z0-9-]{0,62}$/) }),
      response: { 201: z.strictObject({ id: z.number() }) },
    },
    handler: async (request, reply) => {
      const { principal } = await whoAsks(access, request, 'admin')
      return reply.code(201).send({ id: await addWorkspace(access().engine, principal, request.body.name) })
    },
  })

  app.route({
    method: 'GET',
    url: '/api/workspaces/:id/members',
    config: ADMIN,
    schema: {
      tags,
      operationId: 'listMembers',
      summary: 'Who is in a workspace.',
      params: one,
      response: { 200: z.strictObject({ members: z.array(member) }) },
    },
    handler: async (request) => ({
      members: await listMembers(
        access().engine,
        (await whoAsks(access, request, 'admin')).principal,
        request.params.id,
      ),
    }),
  })

  app.route({
    method: 'GET',
    url: '/api/workspaces/:id/people',
    config: { right: 'runs:read' },
    schema: {
      tags,
      operationId: 'listNames',
      summary: 'What those are called who work in a workspace: its admins and members, not those who only look.',
      params: one,
      response: { 200: z.strictObject({ people: z.array(z.strictObject({ user: z.number(), name: z.string() })) }) },
    },
    handler: async (request) => ({
      people: await listNames(
        access().engine,
        (await whoAsks(access, request, 'runs:read')).principal,
        request.params.id,
      ),
    }),
  })

  app.route({
    method: 'PUT',
    url: '/api/workspaces/:id/members/:user',
    config: ADMIN,
    schema: {
      tags,
      operationId: 'setRole',
      summary: 'Change a member’s role.',
      params: inOne,
      body: z.strictObject({ role }),
      response: done,
    },
    handler: async (request, reply) => {
      const { principal } = await whoAsks(access, request, 'admin')
      await setRole(access().engine, principal, request.params.id, request.params.user, request.body.role)
      return reply.code(204).send(null)
    },
  })

  app.route({
    method: 'DELETE',
    url: '/api/workspaces/:id/members/:user',
    config: ADMIN,
    schema: {
      tags,
      operationId: 'removeMember',
      summary: 'Take a member out of a workspace.',
      params: inOne,
      response: done,
    },
    handler: async (request, reply) => {
      const { principal } = await whoAsks(access, request, 'admin')
      await setRole(access().engine, principal, request.params.id, request.params.user, null)
      return reply.code(204).send(null)
    },
  })

  app.route({
    method: 'GET',
    url: '/api/workspaces/:id/invitations',
    config: ADMIN,
    schema: {
      tags,
      operationId: 'listInvitations',
      summary: 'Invitations that wait.',
      params: one,
      response: { 200: z.strictObject({ invitations: z.array(invitation) }) },
    },
    handler: async (request) => ({
      invitations: await listInvitations(
        access().engine,
        (await whoAsks(access, request, 'admin')).principal,
        request.params.id,
      ),
    }),
  })

  app.route({
    method: 'POST',
    url: '/api/workspaces/:id/invitations',
    config: OPEN,
    schema: {
      tags,
      operationId: 'invite',
      summary: 'Invite somebody. The token for the link is in this answer and never shown again.',
      params: one,
      body: z.strictObject({ email: address, role }),
      response: { 201: z.strictObject({ id: z.number(), token: z.string() }) },
    },
    handler: async (request, reply) => {
      const { principal } = await personWhoAsks(access, request)
      const made = await invite(access().engine, principal, request.params.id, request.body.email, request.body.role)
      return reply.code(201).header('cache-control', 'no-store').send({ id: made.id, token: made.secret })
    },
  })

  app.route({
    method: 'DELETE',
    url: '/api/invitations/:id',
    config: ADMIN,
    schema: {
      tags,
      operationId: 'withdrawInvitation',
      summary: 'Withdraw an invitation.',
      params: one,
      response: done,
    },
    handler: async (request, reply) => {
      const { principal } = await whoAsks(access, request, 'admin')
      await withdraw(access().engine, principal, request.params.id)
      return reply.code(204).send(null)
    },
  })

  app.route({
    method: 'GET',
    url: '/api/users',
    config: ADMIN,
    schema: {
      tags,
      operationId: 'listUsers',
      summary: 'The accounts that one may see.',
      response: { 200: z.strictObject({ users: z.array(user) }) },
    },
    handler: async (request) => ({
      users: await listUsers(access().engine, (await whoAsks(access, request, 'admin')).principal),
    }),
  })

  app.route({
    method: 'POST',
    url: '/api/users',
    config: ADMIN,
    schema: {
      tags,
      operationId: 'createUser',
      summary: 'Make an account and vouch for its address (operators).',
      body: z.strictObject({ email: address, name: label.optional(), operator: z.boolean().default(false) }),
      response: { 201: z.strictObject({ id: z.number() }) },
    },
    handler: async (request, reply) => {
      const { principal } = await personWhoAsks(access, request)
      const { email, name, operator } = request.body
      const made = await addUser(access().engine, principal, {
        email,
        operator,
        ...(name === undefined ? {} : { name }),
      })
      return reply.code(201).send({ id: made })
    },
  })

  app.route({
    method: 'POST',
    url: '/api/users/:id/link',
    config: OPEN,
    schema: {
      tags,
      operationId: 'createSignInLink',
      summary: 'Make a one-time link for signing in as this account (operators).',
      params: one,
      response: { 201: z.strictObject({ token: z.string() }) },
    },
    handler: async (request, reply) => {
      const { principal } = await personWhoAsks(access, request)
      const token = await makeLink(access().engine, principal, request.params.id)
      return reply.code(201).header('cache-control', 'no-store').send({ token })
    },
  })

  app.route({
    method: 'PUT',
    url: '/api/users/:id/disabled',
    config: ADMIN,
    schema: {
      tags,
      operationId: 'disableUser',
      summary: 'Disable or enable an account (operators). Its sessions, keys and links end at once, for good.',
      params: one,
      body: z.strictObject({ disabled: z.boolean() }),
      response: done,
    },
    handler: async (request, reply) => {
      const { principal } = await whoAsks(access, request, 'admin')
      await disableUser(access().engine, principal, request.params.id, request.body.disabled)
      return reply.code(204).send(null)
    },
  })

  app.route({
    method: 'GET',
    url: '/api/audit',
    config: ADMIN,
    schema: {
      tags,
      operationId: 'listAudit',
      summary: 'Who did what, newest first.',
      querystring: z.strictObject({
        before: id.optional(),
        limit: z.coerce.number().int().min(1).max(200).default(50),
      }),
      response: {
        200: z.strictObject({
          items: z.array(noted),
          next: z.number().nullable().describe('`before` of the next page.'),
        }),
      },
    },
    handler: async (request) => {
      const { principal } = await whoAsks(access, request, 'admin')
      const { limit } = request.query
      const items = await listNoted(access().engine, principal, request.query.before ?? null, limit)
      return { items, next: items.length < limit ? null : (items.at(-1)?.id ?? null) }
    },
  })
}
