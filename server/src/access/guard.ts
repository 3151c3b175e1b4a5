/** What every route of this room begins with: who asks, as a request tells it, and whether he may. */
import type { FastifyRequest } from 'fastify'
import { Refusal } from '@millrace/engine'
import type { Access } from './access.ts'
import { readCookie } from './cookie.ts'
import { cameFrom, crossOrigin } from './origin.ts'
import { mustAllow, type Asking, type Scope, type SignedIn } from './signed-in.ts'
import type { Visit } from './sign-in.ts'

export interface Opened {
  /** Throws STARTING until it is: the routes are there before the database. */
  readonly access: () => Access
}

/**
 * The handlers look for themselves: a person without any scope may ask who he is.
 * Whatever takes or gives a secret is open for the door, which then keeps nothing
 * of it to be given once more.
 */
export const OPEN = { right: 'open' } as const
export const ADMIN = { right: 'admin' } as const

export const askingOf = ({ method, headers, ip }: FastifyRequest): Asking => ({ method, headers, address: ip })

/** @throws Refusal NOT_SIGNED_IN, MISSING_SCOPE, CROSS_ORIGIN */
export async function whoAsks(access: Opened['access'], request: FastifyRequest, right?: Scope): Promise<SignedIn> {
  const who = await access().authenticate(askingOf(request))
  if (who === undefined) throw new Refusal('NOT_SIGNED_IN', 'This needs somebody who is signed in.')
  if (right !== undefined) mustAllow(who, right)
  return who
}

/**
 * A key must not make keys: who found one would never be rid of it.
 * @throws Refusal IN_PERSON_ONLY, and those of `whoAsks`
 */
export async function personWhoAsks(access: Opened['access'], request: FastifyRequest): Promise<SignedIn> {
  const who = await whoAsks(access, request)
  if (who.by === 'session' || who.by === 'open') return who
  throw new Refusal('IN_PERSON_ONLY', 'This is done by a person who has signed in, not with a key or a token.')
}

/** @throws Refusal CROSS_ORIGIN, when another site would sign its visitor in as somebody else */
export function visitOf(access: Opened['access'], request: FastifyRequest): Visit {
  const asking = askingOf(request)
  if (cameFrom(asking, access().publicUrl) === 'elsewhere') throw crossOrigin()
  return {
    address: asking.address,
    agent: asking.headers['user-agent'],
    before: readCookie(asking, access().publicUrl),
  }
}
