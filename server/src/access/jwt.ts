/**
 * Bearer tokens that somebody else issued.  The secret signs with HS256 and
 * nothing else, the issuer's keys with what is asymmetric and nothing else, so
 * that no key is ever taken for the other sort; of the header, only the
 * algorithm and the name of a key of that issuer are used.
 */
import { createRemoteJWKSet, decodeProtectedHeader, jwtVerify, type JWTPayload, type JWTVerifyOptions } from 'jose'
import { Refusal } from '@millrace/engine'
import { z } from 'zod'
import { isLoopback } from './origin.ts'
import { scopesOf, type Scope } from './signed-in.ts'

export interface Issuers {
  /** Shared with who issues; at least 32 bytes. */
  readonly jwtSecret?: string | undefined
  /** Where an OIDC provider shows its public keys. */
  readonly jwksUrl?: string | undefined
  readonly jwtIssuer?: string | undefined
  readonly jwtAudience?: string | undefined
}

/** What a good token says. */
export interface Word {
  readonly sub: string
  /** An address that the issuer has seen to be this person's. */
  readonly email?: string
  /** Roles by the names of workspaces, where the issuer keeps them. */
  readonly workspaces?: Readonly<Record<string, string>>
  readonly scopes: ReadonlySet<Scope> | 'all'
  readonly expiresAt: Date
}

const SHORTEST_SECRET = 32
const ASYMMETRIC = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
/** What OIDC itself asks for: says nothing about us. */
const OF_OIDC = new Set(['openid', 'profile', 'email', 'address', 'phone', 'offline_access'])
/** Seconds that clocks may differ. */
const TOLERANCE = 5
const LONGEST = 8_192

const claims = z.object({
  sub: z.string().min(1).max(255),
  exp: z.number().max(253_402_300_799),
  email: z.string().max(254).optional(),
  email_verified: z.union([z.boolean(), z.literal('true').transform(() => true)]).optional(),
  workspaces: z.record(z.string().max(63), z.string().max(20)).optional(),
  scope: z.union([z.string().transform((text) => text.split(' ')), z.array(z.string())]).optional(),
})

export type ReadToken = (token: string) => Promise<Word | undefined>

/** @throws Refusal INVALID_SETTING */
export function openTokens({ jwtSecret, jwksUrl, jwtIssuer, jwtAudience }: Issuers): ReadToken {
  const secret = jwtSecret === undefined ? undefined : new TextEncoder().encode(jwtSecret)
  if (secret !== undefined && secret.length < SHORTEST_SECRET) {
    throw badSetting('JWT_SECRET', `has ${secret.length} bytes; it needs at least ${SHORTEST_SECRET}.`)
  }
  if (jwksUrl !== undefined && (jwtIssuer === undefined || jwtAudience === undefined)) {
    throw badSetting(
      'JWKS_URL',
      'needs JWT_ISSUER and JWT_AUDIENCE beside it: a token for somebody else is not for us.',
    )
  }
  // Fetched when first needed, kept ten minutes, and once more when a token names a key that is new.
  const keys = jwksUrl === undefined ? undefined : createRemoteJWKSet(jwksAt(jwksUrl), { timeoutDuration: 5_000 })
  const wanted: JWTVerifyOptions = {
    clockTolerance: TOLERANCE,
    requiredClaims: ['sub', 'exp'],
    ...(jwtIssuer === undefined ? {} : { issuer: jwtIssuer }),
    ...(jwtAudience === undefined ? {} : { audience: jwtAudience }),
  }
  return async (token) => {
    if (token.length > LONGEST) return undefined
    try {
      if (decodeProtectedHeader(token).alg === 'HS256') {
        if (secret === undefined) return undefined
        return wordOf((await jwtVerify(token, secret, { ...wanted, algorithms: ['HS256'] })).payload, false)
      }
      if (keys === undefined) return undefined
      return wordOf((await jwtVerify(token, keys, { ...wanted, algorithms: ASYMMETRIC })).payload, true)
    } catch {
      // Why a token is not good is nobody's business who holds a bad one.
      return undefined
    }
  }
}

function wordOf(payload: JWTPayload, mustBeVerified: boolean): Word | undefined {
  const read = claims.safeParse(payload)
  if (!read.success) return undefined
  const { sub, exp, email, email_verified: verified, workspaces, scope } = read.data
  const ours = scope?.filter((word) => !OF_OIDC.has(word)) ?? []
  const counts = email !== undefined && (mustBeVerified ? verified === true : verified !== false)
  return {
    sub,
    expiresAt: new Date(exp * 1000),
    scopes: ours.length === 0 ? 'all' : scopesOf(ours),
    ...(counts ? { email } : {}),
    ...(workspaces === undefined ? {} : { workspaces }),
  }
}

function jwksAt(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))) return url
  throw badSetting('JWKS_URL', 'must be an https:// address.')
}

function badSetting(name: string, what: string): Refusal {
  return new Refusal('INVALID_SETTING', `${name} ${what}`, { remedy: `Set ${name} right, or leave it out.` })
}
