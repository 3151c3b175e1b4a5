/** Signing in over HTTP, and what a person has: himself, his sessions, his keys. */
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { Refusal } from '@millrace/engine'
import { z } from 'zod'
import { readCookie, writeCookie } from './cookie.ts'
import { askingOf, OPEN, personWhoAsks, visitOf, whoAsks, type Opened } from './guard.ts'
import { changes } from './origin.ts'
import { page } from './page.ts'
import { mustBeGood } from './passwords.ts'
import { endSessions, listKeys, listSessions, listUsers, listWorkspaces, makeKey, rename, revokeKey } from './people.ts'
import { peopleRoutes } from './people-routes.ts'
import { setPassword, signIn, signOut, takeLink } from './sign-in.ts'
import { SCOPES } from './signed-in.ts'

const email = z.string().trim().min(3).max(254)
const password = z.string().min(1).max(1_000)
const id = z.coerce.number().int().min(1).max(Number.MAX_SAFE_INTEGER)
export const role = z.enum(['admin', 'member', 'viewer'])

const me = z.strictObject({
  sub: z.string().describe('Who asks, as runs and decisions name him.'),
  by: z.enum(['session', 'jwt', 'api_key', 'open']),
  scopes: z.union([z.literal('all'), z.array(z.enum(SCOPES))]),
  operator: z.boolean(),
  expiresAt: z.date().nullable(),
  user: z.strictObject({ id: z.number(), email: z.string(), name: z.string() }).nullable(),
  workspaces: z.array(z.strictObject({ id: z.number(), name: z.string(), role: role.nullable() })),
})

const session = z.strictObject({
  id: z.number(),
  agent: z.string(),
  createdAt: z.date(),
  seenAt: z.date(),
  expiresAt: z.date(),
  current: z.boolean(),
})

const key = z.strictObject({
  id: z.string(),
  user: z.number(),
  workspace: z.number().nullable(),
  name: z.string(),
  scopes: z.array(z.string()),
  createdAt: z.date(),
  expiresAt: z.date(),
  usedAt: z.date().nullable(),
  revokedAt: z.date().nullable(),
})

const tags = ['access']

/** `form`: sign-in is a plain form here, because there is no console with a page for it. */
export async function accessRoutes(
  plain: FastifyInstance,
  { access, form = true }: Opened & { readonly form?: boolean },
): Promise<void> {
  const app = plain.withTypeProvider<ZodTypeProvider>()

  // The bell reaches other programs in a moment; here the answer must not come before what it says.
  app.addHook('onSend', async (request) => {
    if (changes(askingOf(request))) access().forget()
  })

  app.route({
    method: 'POST',
    url: '/api/sign-in',
    config: OPEN,
    schema: {
      tags,
      operationId: 'signIn',
      summary: 'Sign in with a password; the session comes as a cookie.',
      body: z.strictObject({ email, password }),
      response: { 204: z.null() },
    },
    handler: async (request, reply) => {
      const secret = await signIn(access(), request.body.email, request.body.password, visitOf(access, request))
      return reply
        .code(204)
        .header('set-cookie', writeCookie(askingOf(request), access().publicUrl, secret))
        .send(null)
    },
  })

  app.route({
    method: 'POST',
    url: '/api/sign-in/link',
    config: OPEN,
    schema: {
      tags,
      operationId: 'useLink',
      summary: 'Use a one-time link: for signing in, or an invitation. It works once.',
      body: z.strictObject({ token: z.string().max(100) }),
      response: { 204: z.null() },
    },
    handler: async (request, reply) => {
      const visit = visitOf(access, request)
      const who = await access().authenticate(askingOf(request))
      const secret = await takeLink(
        access(),
        request.body.token,
        visit,
        who?.by === 'session' ? who.principal : undefined,
      )
      if (secret !== undefined) reply.header('set-cookie', writeCookie(askingOf(request), access().publicUrl, secret))
      return reply.code(204).send(null)
    },
  })

  app.route({
    method: 'POST',
    url: '/api/sign-out',
    config: OPEN,
    schema: {
      tags,
      operationId: 'signOut',
      summary: 'End this session.',
      response: { 204: z.null() },
    },
    handler: async (request, reply) => {
      const { before } = visitOf(access, request)
      if (before !== undefined) await signOut(access(), before)
      return reply
        .code(204)
        .header('set-cookie', writeCookie(askingOf(request), access().publicUrl))
        .send(null)
    },
  })

  app.route({
    method: 'GET',
    url: '/api/me',
    config: OPEN,
    schema: {
      tags,
      operationId: 'whoAmI',
      summary: 'Who am I, and what may I?',
      response: { 200: me },
    },
    handler: async (request) => {
      const who = await whoAsks(access, request)
      const { sub, operator } = who.principal
      const [users, workspaces] = await Promise.all([
        listUsers(access().engine, who.principal),
        listWorkspaces(access().engine, who.principal),
      ])
      const user = users.find((one) => `user:${one.id}` === sub)
      return {
        sub,
        by: who.by,
        scopes: who.scopes === 'all' ? ('all' as const) : [...who.scopes],
        operator: operator === true,
        expiresAt: who.expiresAt ?? null,
        user: user === undefined ? null : { id: user.id, email: user.email, name: user.name },
        workspaces,
      }
    },
  })

  app.route({
    method: 'PUT',
    url: '/api/me',
    config: OPEN,
    schema: {
      tags,
      operationId: 'rename',
      summary: 'Say what one is called.',
      body: z.strictObject({
        name: z
          .string()
          .trim()
          .regex(/^\P{Cc}{1,100}$/u, 'must be 1 to 100 letters, without line breaks'),
      }),
      response: { 204: z.null() },
    },
    handler: async (request, reply) => {
      const { principal } = await personWhoAsks(access, request)
      await rename(access().engine, principal, request.body.name)
      return reply.code(204).send(null)
    },
  })

  app.route({
    method: 'PUT',
    url: '/api/me/password',
    config: OPEN,
    schema: {
      tags,
      operationId: 'setPassword',
      summary: 'Set one’s own password; every other session ends.',
      body: z.strictObject({ present: password.optional(), next: z.string().max(1_000) }),
      response: { 204: z.null() },
    },
    handler: async (request, reply) => {
      const { principal } = await personWhoAsks(access, request)
      const own = (await listUsers(access().engine, principal)).find((one) => `user:${one.id}` === principal.sub)
      mustBeGood(request.body.next, own)
      await setPassword(access(), principal, {
        ...request.body,
        session: readCookie(askingOf(request), access().publicUrl),
      })
      return reply.code(204).send(null)
    },
  })

  app.route({
    method: 'GET',
    url: '/api/me/sessions',
    config: OPEN,
    schema: {
      tags,
      operationId: 'listSessions',
      summary: 'Where one is signed in.',
      response: { 200: z.strictObject({ sessions: z.array(session) }) },
    },
    handler: async (request) => {
      const who = await personWhoAsks(access, request)
      const sessions = await listSessions(access().engine, who.principal)
      return { sessions: sessions.map((one) => ({ ...one, current: who.id === `session:${one.id}` })) }
    },
  })

  app.route({
    method: 'DELETE',
    url: '/api/me/sessions',
    config: OPEN,
    schema: {
      tags,
      operationId: 'endOtherSessions',
      summary: 'End all sessions but this one.',
      response: { 200: z.strictObject({ ended: z.number() }) },
    },
    handler: async (request) => {
      const { principal } = await personWhoAsks(access, request)
      return {
        ended: await endSessions(access().engine, principal, null, readCookie(askingOf(request), access().publicUrl)),
      }
    },
  })

  app.route({
    method: 'DELETE',
    url: '/api/me/sessions/:id',
    config: OPEN,
    schema: {
      tags,
      operationId: 'endSession',
      summary: 'End one session.',
      params: z.strictObject({ id }),
      response: { 204: z.null() },
    },
    handler: async (request, reply) => {
      const { principal } = await personWhoAsks(access, request)
      if ((await endSessions(access().engine, principal, request.params.id)) === 0) {
        throw new Refusal('NO_SUCH_SESSION', 'There is no such session.')
      }
      return reply.code(204).send(null)
    },
  })

  app.route({
    method: 'GET',
    url: '/api/me/keys',
    config: OPEN,
    schema: {
      tags,
      operationId: 'listKeys',
      summary: 'One’s API keys; the secrets are nowhere.',
      response: { 200: z.strictObject({ keys: z.array(key) }) },
    },
    handler: async (request) => {
      const { principal } = await personWhoAsks(access, request)
      const keys = await listKeys(access().engine, principal)
      return { keys: keys.filter((one) => `user:${one.user}` === principal.sub) }
    },
  })

  app.route({
    method: 'POST',
    url: '/api/me/keys',
    config: OPEN,
    schema: {
      tags,
      operationId: 'createKey',
      summary: 'Make an API key. It is in this answer and never shown again.',
      body: z.strictObject({
        name: z.string().trim().min(1).max(100),
        scopes: z.array(z.enum(SCOPES)).min(1).max(SCOPES.length),
        workspace: id.optional(),
        days: z.int().min(1).max(730).default(90),
      }),
      response: { 201: z.strictObject({ id: z.string(), key: z.string() }) },
    },
    handler: async (request, reply) => {
      const { principal } = await personWhoAsks(access, request)
      const user = Number(principal.sub.slice('user:'.length))
      const made = await makeKey(access().engine, principal, { user, ...request.body })
      return reply.code(201).header('cache-control', 'no-store').send({ id: made.id, key: made.text })
    },
  })

  app.route({
    method: 'DELETE',
    url: '/api/me/keys/:id',
    config: OPEN,
    schema: {
      tags,
      operationId: 'revokeKey',
      summary: 'Revoke an API key.',
      params: z.strictObject({ id: z.string().max(20) }),
      response: { 204: z.null() },
    },
    handler: async (request, reply) => {
      const { principal } = await personWhoAsks(access, request)
      await revokeKey(access().engine, principal, request.params.id)
      return reply.code(204).send(null)
    },
  })

  await app.register(peopleRoutes, { access })
  if (form) await app.register(page, { access })
}
