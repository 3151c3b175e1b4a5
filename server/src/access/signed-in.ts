/** The port of this room: who asks, what he may, and how he said so.  Everything that serves HTTP stands on it. */
import type { IncomingHttpHeaders } from 'node:http'
import { Refusal, type Principal, type Role } from '@millrace/engine'

/** What a key or a token may be limited to; a session may everything that its person may. */
export const SCOPES = [
  'runs:read',
  'runs:write',
  'definitions:read',
  'definitions:write',
  'board:read',
  'board:write',
  'exports:read',
  'gateway',
  'workers',
  'tools',
  'skills:read',
  'skills:write',
  'admin',
] as const
export type Scope = (typeof SCOPES)[number]

export interface SignedIn {
  /** For `engine.as`; already narrowed to what the scopes leave of his roles. */
  readonly principal: Principal
  readonly by: 'session' | 'jwt' | 'api_key' | 'open'
  readonly scopes: ReadonlySet<Scope> | 'all'
  /** Of the session, the key or the token: for logs and limits, no secret. */
  readonly id: string
  /** When it ends at the latest. */
  readonly expiresAt?: Date
}

/** What is looked at of a request; a Fastify request's `raw` part and `ip` give it. */
export interface Asking {
  readonly method: string
  readonly headers: IncomingHttpHeaders
  /** Of the other end of the connection. */
  readonly address: string
}

export interface Authenticator {
  /**
   * Who asks; undefined: nobody who may be known.  Memberships are at most five
   * seconds old, so whoever serves something long asks again with the same request.
   * @throws Refusal CROSS_ORIGIN, when another site's page asks with our cookie
   */
  authenticate(request: Asking): Promise<SignedIn | undefined>
}

export function allows(who: SignedIn, scope: Scope): boolean {
  return who.scopes === 'all' || who.scopes.has(scope)
}

/** @throws Refusal MISSING_SCOPE */
export function mustAllow(who: SignedIn, scope: Scope): void {
  if (allows(who, scope)) return
  throw new Refusal('MISSING_SCOPE', `This key or token has no scope ${scope}.`, {
    remedy: `Make one with it: millrace tokens create --scope ${scope}.`,
  })
}

const WRITING = new Set<Scope>([
  'runs:write',
  'definitions:write',
  'board:write',
  'gateway',
  'workers',
  'tools',
  'skills:write',
])

/** The roles that scopes leave, so that the database's own walls hold even where a route forgot to ask. */
export function narrowed(principal: Principal, scopes: ReadonlySet<Scope> | 'all'): Principal {
  if (scopes === 'all' || scopes.has('admin')) return principal
  const writes = [...scopes].some((scope) => WRITING.has(scope))
  const lower = (role: Role): Role => (writes && role !== 'viewer' ? 'member' : 'viewer')
  const workspaces = Object.entries(principal.workspaces).map(([id, role]) => [id, lower(role)])
  return { sub: principal.sub, workspaces: scopes.size === 0 ? {} : Object.fromEntries(workspaces) }
}

/** Scopes that were written down somewhere; words that are none are left out. */
export function scopesOf(words: readonly string[]): ReadonlySet<Scope> {
  return new Set(SCOPES.filter((scope) => words.includes(scope)))
}
