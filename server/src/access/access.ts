/** Who asks: from a cookie, a key or a token to a principal whose rights are those of now. */
import type { Engine, Principal, Role, Tx } from '@millrace/engine'
import { readCookie } from './cookie.ts'
import { openTokens, type Issuers } from './jwt.ts'
import { cameFrom, changes, crossOrigin, isLocal } from './origin.ts'
import { digestOf, isSecret, readKey } from './secrets.ts'
import { narrowed, scopesOf, type Asking, type Authenticator, type SignedIn } from './signed-in.ts'

/** Rung when anybody's rights changed; who hears it forgets all that he knew. */
const BELL = 'millrace_people'
export const ringPeople = () => ({ [BELL]: '' })

/** Whoever is not known yet: sees nothing, and may show a secret. */
export const NOBODY: Principal = { sub: 'anonymous', workspaces: {} }

export interface AccessOptions extends Issuers {
  readonly engine: Engine
  /** The installation as browsers see it, when it is behind another name. */
  readonly publicUrl?: URL | undefined
  /** Who is at this machine need not sign in. */
  readonly open?: boolean
}

export interface Access extends Authenticator {
  readonly engine: Engine
  readonly publicUrl: URL | undefined
  /** What was read so far is believed no longer: for who has just changed something and is about to say so. */
  forget(): void
  close(): void
}

/** As the verbs of people.sql tell of somebody. */
interface Known {
  readonly user: number | null
  readonly operator: boolean
  readonly workspaces: Readonly<Record<string, Role>>
  readonly id?: number | string
  readonly expires?: number
  readonly scopes?: readonly string[]
  readonly workspace?: number | null
}

/** Milliseconds for which what was read is believed: the bell may be lost, this may not. */
const BELIEVED = 5_000
const MOST = 10_000

/** @throws Refusal INVALID_SETTING */
export function openAccess(options: AccessOptions): Access {
  const { engine, publicUrl } = options
  const readToken = openTokens(options)
  const believed = new Map<string, { until: number; who: SignedIn }>()
  let round = 0
  const forget = () => {
    round += 1
    believed.clear()
  }
  // Listening begins with the first who is known; until then there is nothing to forget.
  let heard: Promise<() => void> | undefined

  async function believe(secret: string, look: () => Promise<SignedIn | undefined>): Promise<SignedIn | undefined> {
    heard ??= engine.onBell(BELL, forget)
    await heard
    const now = performance.now()
    const there = believed.get(secret)
    if (there !== undefined && there.until > now && (there.who.expiresAt ?? Infinity) > new Date()) return there.who
    const begun = round
    const who = await look()
    believed.delete(secret)
    // What was read before a bell that has rung since is not worth keeping.
    if (who === undefined || begun !== round) return who
    if (believed.size >= MOST) believed.clear()
    believed.set(secret, { until: now + BELIEVED, who })
    return who
  }

  const ask = async (call: string, values: unknown[]): Promise<Known | undefined> => {
    const look = (tx: Tx) => tx.query<{ known: Known | null }>(`select people.${call} as known`, values)
    const { rows } = await engine.as(NOBODY, look)
    return rows[0]?.known ?? undefined
  }

  async function bySession(secret: string): Promise<SignedIn | undefined> {
    if (!isSecret(secret)) return undefined
    const digest = digestOf(secret)
    return believe(`session ${digest.toString('base64')}`, async () => {
      const known = await ask('by_session($1)', [digest])
      if (known === undefined) return undefined
      return {
        principal: principalOf(known),
        by: 'session',
        scopes: 'all',
        id: `session:${known.id}`,
        ...ending(known),
      }
    })
  }

  async function byKey(text: string): Promise<SignedIn | undefined> {
    const key = readKey(text)
    if (key === undefined) return undefined
    return believe(`key ${key.id} ${key.digest.toString('base64')}`, async () => {
      const known = await ask('by_key($1, $2)', [key.id, key.digest])
      if (known === undefined) return undefined
      const scopes = scopesOf(known.scopes ?? [])
      return {
        principal: narrowed(principalOf(known), scopes),
        by: 'api_key',
        scopes,
        id: `key:${key.id}`,
        ...ending(known),
      }
    })
  }

  async function byToken(text: string): Promise<SignedIn | undefined> {
    const word = await readToken(text)
    if (word === undefined) return undefined
    return believe(`token ${digestOf(text).toString('base64')}`, async () => {
      if (word.email === undefined && word.workspaces === undefined) return undefined
      const roles = word.workspaces === undefined ? null : JSON.stringify(word.workspaces)
      const known = await ask('by_word($1, $2)', [word.email ?? null, roles])
      if (known === undefined) return undefined
      const principal =
        known.user === null ? { sub: `jwt:${word.sub}`, workspaces: known.workspaces } : principalOf(known)
      return {
        principal: narrowed(principal, word.scopes),
        by: 'jwt',
        scopes: word.scopes,
        id: `jwt:${word.sub}`,
        expiresAt: word.expiresAt,
      }
    })
  }

  async function byPlace(): Promise<SignedIn | undefined> {
    return believe('place', async () => {
      const known = await ask('by_place()', [])
      if (known === undefined) return undefined
      return { principal: principalOf(known), by: 'open', scopes: 'all', id: 'open' }
    })
  }

  async function authenticate(request: Asking): Promise<SignedIn | undefined> {
    const { authorization } = request.headers
    // Who shows a key means the key: a bad one is not made good by a cookie beside it.
    if (authorization !== undefined) {
      const [, token] = /^Bearer +([\w.~+/=-]{1,8192})$/i.exec(authorization) ?? []
      if (token === undefined) return undefined
      return token.startsWith('mr_') ? byKey(token) : byToken(token)
    }
    const secret = readCookie(request, publicUrl)
    const session = secret === undefined ? undefined : await bySession(secret)
    if (session !== undefined) {
      if (changes(request) && cameFrom(request, publicUrl) !== 'here') throw crossOrigin()
      return session
    }
    if (options.open !== true || !isLocal(request)) return undefined
    // No secret is asked for here, so not even reading is another site's.
    const from = cameFrom(request, publicUrl)
    if (from === 'elsewhere' && request.headers['sec-fetch-mode'] !== 'navigate') throw crossOrigin()
    if (from === 'elsewhere' && changes(request)) throw crossOrigin()
    return byPlace()
  }

  return {
    engine,
    publicUrl,
    authenticate,
    forget,
    close: () => void heard?.then((stop) => stop()).catch(() => {}),
  }
}

function principalOf({ user, operator, workspaces, workspace }: Known): Principal {
  if (typeof workspace === 'number') {
    const role = workspaces[workspace]
    return { sub: `user:${user}`, workspaces: role === undefined ? {} : { [workspace]: role } }
  }
  return { sub: `user:${user}`, workspaces, ...(operator ? { operator } : {}) }
}

const ending = ({ expires }: Known) => (expires === undefined ? {} : { expiresAt: new Date(expires * 1000) })
