/** Tokens that somebody else issued, and keys of our own: what each is good for, and what an attacker makes of them. */
import { createServer } from 'node:http'
import { once } from 'node:events'
import { exportJWK, exportSPKI, generateKeyPair, SignJWT, type JWTHeaderParameters } from 'jose'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { openAccess } from '../src/access/access.ts'
import { addWorkspace, disableUser, invite, listKeys, makeKey, setRole } from '../src/access/people.ts'
import { SCOPES, type Scope } from '../src/access/signed-in.ts'
import { operator } from '../src/app.ts'
import { ask, browser, HOST, openPeopleStage, type PeopleStage } from '../testing/people.ts'

/** Long enough for every algorithm that is tried with it. */
const SECRET = 'a secret of at least sixty-four bytes, so that HS512 takes it as well'
const AUDIENCE = 'millrace'
const ISSUER = 'https://issuer.example'

let stage: PeopleStage
let jwks: { url: string; serve(keys: unknown[]): void; asked: number; close(): void }
let rsa: Awaited<ReturnType<typeof generateKeyPair>>
let app: PeopleStage['app']
beforeAll(async () => {
  let keys: unknown[] = []
  const state = { asked: 0 }
  const server = createServer((_, reply) => {
    state.asked += 1
    reply.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  jwks = {
    url: `http://127.0.0.1:${port}/keys`,
    serve: (next) => void (keys = next),
    get asked() {
      return state.asked
    },
    close: () => void server.close(),
  }
  rsa = await generateKeyPair('RS256', { extractable: true })
  jwks.serve([{ ...(await exportJWK(rsa.publicKey)), kid: 'one', alg: 'RS256', use: 'sig' }])
  stage = await openPeopleStage({ jwtSecret: SECRET })
  ;({ app } = await stage.another({ jwtSecret: SECRET, jwksUrl: jwks.url, jwtIssuer: ISSUER, jwtAudience: AUDIENCE }))
})
afterAll(async () => {
  jwks?.close()
  await stage?.close()
})

const me = (token: string, where = app) =>
  ask(where, 'GET', '/api/me', { headers: { host: HOST, authorization: `Bearer ${token}` } })
const key = (secret: string) => new TextEncoder().encode(secret)

function token(claims: Record<string, unknown> = {}, header: Partial<JWTHeaderParameters> = {}) {
  const all = { sub: 'x', iss: ISSUER, aud: AUDIENCE, exp: soon(60), workspaces: { default: 'member' }, ...claims }
  const kept = Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined))
  return new SignJWT(kept).setProtectedHeader({ alg: 'HS256', ...header })
}
const soon = (seconds: number) => Math.floor(Date.now() / 1000) + seconds
const byIssuer = (claims: Record<string, unknown> = {}, header: Partial<JWTHeaderParameters> = {}, pair = rsa) =>
  token({ workspaces: undefined, ...claims }, { alg: 'RS256', kid: 'one', ...header }).sign(pair.privateKey)

describe('a token', () => {
  test('signed with the secret gives the roles that it names, by the names of workspaces, and never the operator', async () => {
    const good = await token({
      sub: 'service',
      operator: true,
      workspaces: { default: 'viewer', nowhere: 'admin', '1': 'admin', ['__proto__']: 'admin' },
    }).sign(key(SECRET))
    expect(await me(good)).toMatchObject({
      status: 200,
      body: {
        sub: 'jwt:service',
        by: 'jwt',
        scopes: 'all',
        operator: false,
        user: null,
        workspaces: [{ id: 1, role: 'viewer' }],
      },
    })
    const odd = await token({ workspaces: { default: 'owner' } }).sign(key(SECRET))
    expect((await me(odd)).body).toMatchObject({ workspaces: [] })
  })

  test('is refused when anything about it is wrong, and all wrongs are told alike', async () => {
    const pem = await exportSPKI(rsa.publicKey)
    const own = await generateKeyPair('RS256', { extractable: true })
    const jwk = await exportJWK(own.publicKey)
    const good = await byIssuer({ workspaces: { default: 'member' } })
    expect((await me(good)).status).toBe(200)
    const [head = '', body = '', signature = ''] = good.split('.')
    const encoded = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const wrong: Record<string, string> = {
      'another secret': await token().sign(key(SECRET.replace('a', 'b'))),
      'no algorithm': `${encoded({ alg: 'none' })}.${body}.`,
      'no algorithm, in capitals': `${encoded({ alg: 'NONE' })}.${body}.${signature}`,
      'another algorithm of the same secret': await token({}, { alg: 'HS512' }).sign(key(SECRET)),
      'the public key as a secret': await token({}, { kid: 'one' }).sign(key(pem)),
      'the public key as a secret, trimmed': await token({}, { kid: 'one' }).sign(key(pem.trim())),
      'a key that it brings along': await byIssuer({}, { jwk }, own),
      'a place of keys that it names': await byIssuer({}, { jku: 'http://127.0.0.1:1/keys' }, own),
      'a kid that is a path': await byIssuer({}, { kid: '../../../../dev/null' }, own),
      'a kid that is a query': await byIssuer({}, { kid: "' union select 'x" }, own),
      'somebody else’s key under our kid': await byIssuer({}, {}, own),
      'something critical that we do not know': `${encoded({ alg: 'RS256', kid: 'one', crit: ['x'], x: 1 })}.${body}.${signature}`,
      'a body that was changed': `${head}.${encoded({ ...(JSON.parse(Buffer.from(body, 'base64url').toString()) as object), sub: 'y' })}.${signature}`,
      'no signature': `${head}.${body}.`,
      expired: await token({ exp: soon(-60) }).sign(key(SECRET)),
      'no end': await token({ exp: undefined }).sign(key(SECRET)),
      'an end that is no time': await token({ exp: 1e300 }).sign(key(SECRET)),
      'not yet': await token({ nbf: soon(60) }).sign(key(SECRET)),
      'for somebody else': await token({ aud: 'other' }).sign(key(SECRET)),
      'for nobody': await token({ aud: undefined }).sign(key(SECRET)),
      'from somebody else': await token({ iss: 'https://evil.example' }).sign(key(SECRET)),
      'about nobody': await token({ sub: undefined }).sign(key(SECRET)),
      'roles of a wrong shape': await token({ workspaces: ['default'] }).sign(key(SECRET)),
      'nothing of ours': await token({ workspaces: undefined }).sign(key(SECRET)),
      'too long': await token({ filler: 'x'.repeat(9_000) }).sign(key(SECRET)),
      nonsense: 'a.b.c',
    }
    for (const [what, bad] of Object.entries(wrong)) {
      const { status, body } = await me(bad)
      expect([what, status, body]).toEqual([what, 401, { code: 'NOT_SIGNED_IN' }])
    }
  })

  test('that only asymmetric keys may sign is not taken where there is a secret alone, nor the other way round', async () => {
    const { app: secretOnly } = await stage.another({ jwtSecret: SECRET })
    const { app: none } = await stage.another()
    const roles = { workspaces: { default: 'member' } }
    expect((await me(await byIssuer(roles), secretOnly)).status).toBe(401)
    const { app: keysOnly } = await stage.another({ jwksUrl: jwks.url, jwtIssuer: ISSUER, jwtAudience: AUDIENCE })
    expect((await me(await token().sign(key(SECRET)), keysOnly)).status).toBe(401)
    expect((await me(await token().sign(key(SECRET)), none)).status).toBe(401)
  })

  test('of an issuer is somebody’s by an address that the issuer has seen and the operator vouched for', async () => {
    const person = await stage.somebody({ role: 'member' })
    const says = async (claims: Record<string, unknown>) => (await me(await byIssuer(claims))).body?.['sub']
    expect(await says({ email: person.email.toUpperCase(), email_verified: true })).toBe(`user:${person.id}`)
    for (const claims of [
      { email: person.email },
      { email: person.email, email_verified: false },
      { email: person.email, email_verified: 'yes' },
      { email: 'nobody@example.org', email_verified: true },
    ]) {
      expect([claims, await says(claims)]).toEqual([claims, undefined])
    }
    // Whoever administers a workspace may invite any address, and then hold the account himself.
    const { secret } = await invite(stage.engine, operator, 1, 'boss@example.org', 'viewer')
    await ask(stage.app, 'POST', '/api/sign-in/link', { headers: browser(), payload: { token: secret } })
    expect(await says({ email: 'boss@example.org', email_verified: true })).toBeUndefined()
    await disableUser(stage.engine, operator, person.id, true)
    for (const roles of [{}, { workspaces: { default: 'admin' } }]) {
      const bearer = await byIssuer({ email: person.email, email_verified: true, ...roles })
      await until(
        async () => (await me(bearer)).status,
        (status) => status === 401,
        4,
      )
    }
  })

  test('is narrowed by the scopes that it names, and by OIDC’s own words not', async () => {
    const scopes = async (scope: unknown) => (await me(await token({ scope }).sign(key(SECRET)))).body?.['scopes']
    expect(await scopes('openid email')).toBe('all')
    expect(await scopes('openid runs:read nonsense')).toEqual(['runs:read'])
    expect(await scopes(['runs:read', 'gateway'])).toEqual(['runs:read', 'gateway'])
    expect(await scopes('runs:*')).toEqual([])
  })

  test('of a key that the issuer began to use lately is taken, and one that it took back is not', async () => {
    const next = await generateKeyPair('ES256', { extractable: true })
    const bearer = () => token({}, { alg: 'ES256', kid: 'two' }).sign(next.privateKey)
    expect((await me(await bearer())).status).toBe(401)
    jwks.serve([{ ...(await exportJWK(next.publicKey)), kid: 'two', alg: 'ES256', use: 'sig' }])
    const asked = jwks.asked
    for (let i = 0; i < 5; i += 1) await me(await byIssuer({}, { kid: `unknown ${i}` }))
    // Whoever sends unknown names does not make us ask each time.
    expect(jwks.asked - asked).toBeLessThanOrEqual(1)
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 31_000 })
    try {
      expect((await me(await bearer())).status).toBe(200)
      expect((await me(await byIssuer({ workspaces: { default: 'member' } }))).status).toBe(401)
    } finally {
      vi.useRealTimers()
    }
  })

  test('needs settings that hold: a long secret, https, an issuer and an audience', async () => {
    const { engine } = stage
    for (const [settings, said] of [
      [{ jwtSecret: 'short' }, /JWT_SECRET has 5 bytes; it needs at least 32/],
      [{ jwtSecret: 'ü'.repeat(15) }, /has 30 bytes/],
      [{ jwksUrl: 'http://issuer.example/keys', jwtIssuer: 'x', jwtAudience: 'y' }, /must be an https/],
      [{ jwksUrl: 'file:///etc/keys', jwtIssuer: 'x', jwtAudience: 'y' }, /must be an https/],
      [{ jwksUrl: 'https://issuer.example/keys', jwtIssuer: 'x' }, /JWT_AUDIENCE/],
    ] as const) {
      expect(() => openAccess({ engine, ...settings })).toThrow(said)
    }
  })
})

describe('a key', () => {
  const made = (user: number, scopes: readonly Scope[], workspace?: number) =>
    makeKey(stage.engine, operator, { user, name: 'k', scopes, workspace, days: 1 })

  test('is shown once, and what it may is what its scopes say, at the doors and in the database', async () => {
    const person = await stage.somebody({ role: 'admin', operator: true })
    const reading = await made(person.id, ['runs:read'])
    expect(reading.text).toMatch(/^mr_[a-z2-7]{10}_[\w-]{43}$/)
    expect(await me(reading.text)).toMatchObject({
      body: { by: 'api_key', scopes: ['runs:read'], operator: false, workspaces: [{ id: 1, role: 'viewer' }] },
    })
    const as = async (text: string) => {
      const who = await stage.access.authenticate({
        method: 'POST',
        headers: { authorization: `Bearer ${text}` },
        address: '192.0.2.1',
      })
      if (who === undefined) throw new Error('nobody')
      const { rows } = await stage.engine.as(who.principal, (tx) =>
        tx.query("select access.may(1, 'run.start') as starts, access.operates() as operates"),
      )
      return rows[0]
    }
    expect(await as(reading.text)).toEqual({ starts: false, operates: false })
    expect(await as((await made(person.id, ['runs:write'])).text)).toEqual({ starts: true, operates: false })
    expect(await as((await made(person.id, ['admin'])).text)).toEqual({ starts: true, operates: true })
    const get = (url: string, text: string) =>
      ask(app, 'GET', url, { headers: { host: HOST, authorization: `Bearer ${text}` } })
    for (const url of ['/api/users', '/api/audit', '/api/workspaces/1/members', '/api/workspaces/1/invitations']) {
      expect([url, (await get(url, reading.text)).body]).toEqual([url, { code: 'MISSING_SCOPE' }])
    }
  })

  test('of one workspace opens no other, though its person is in both', async () => {
    const other = await addWorkspace(stage.engine, operator, 'second')
    const person = await stage.somebody({ role: 'admin' })
    const outside = made(person.id, ['admin'], other)
    await expect(outside).rejects.toMatchObject({ code: 'NOT_A_MEMBER' })
    await setRole(stage.engine, operator, other, person.id, 'admin')
    const { text } = await made(person.id, ['admin', 'runs:write'], other)
    expect((await me(text)).body).toMatchObject({ workspaces: [{ id: other, role: 'admin' }] })
    const members = await ask(app, 'PUT', `/api/workspaces/1/members/${person.id}`, {
      headers: { host: HOST, authorization: `Bearer ${text}` },
      payload: { role: 'viewer' },
    })
    expect(members).toMatchObject({ status: 403, body: { code: 'NOT_ALLOWED' } })
    await setRole(stage.engine, operator, other, person.id, null)
    await until(
      async () => (await me(text)).body?.['workspaces'],
      (seen) => Array.isArray(seen) && seen.length === 0,
      4,
    )
  })

  test('makes no keys, no links and no passwords: who found one can be rid of again', async () => {
    const person = await stage.somebody({ role: 'admin', operator: true })
    const { text } = await made(person.id, SCOPES)
    for (const [method, url, payload] of [
      ['POST', '/api/me/keys', { name: 'x', scopes: ['admin'] }],
      ['GET', '/api/me/keys', undefined],
      ['PUT', '/api/me/password', { next: 'a long password' }],
      ['GET', '/api/me/sessions', undefined],
      ['POST', '/api/users', { email: 'x@example.org' }],
      ['POST', `/api/users/${person.id}/link`, undefined],
      ['POST', '/api/workspaces/1/invitations', { email: 'x@example.org', role: 'admin' }],
    ] as const) {
      const reply = await ask(app, method, url, {
        headers: { host: HOST, authorization: `Bearer ${text}` },
        ...(payload === undefined ? {} : { payload }),
      })
      expect([url, reply.status, reply.body]).toEqual([url, 403, { code: 'IN_PERSON_ONLY' }])
    }
  })

  test('ends when its time comes or its person revokes it, whom nobody else can do it for', async () => {
    const [person, other] = [await stage.somebody(), await stage.somebody()]
    const [late, revoked] = [await made(person.id, ['runs:read']), await made(person.id, ['runs:read'])]
    await stage.db.sql('update people.keys set expires_at = now() where id = $1', [late.id])
    expect((await me(late.text)).status).toBe(401)
    expect((await me(revoked.text)).status).toBe(200)
    const revoke = async (who: typeof person) =>
      ask(app, 'DELETE', `/api/me/keys/${revoked.id}`, { headers: browser(await stage.cookieOf(who)) })
    expect(await revoke(other)).toMatchObject({ status: 404, body: { code: 'NO_SUCH_KEY' } })
    expect((await me(revoked.text)).status).toBe(200)
    expect((await revoke(person)).status).toBe(204)
    expect((await me(revoked.text)).status).toBe(401)
  })

  test('says when it was used last, to the minute, and costs no write a request', async () => {
    const person = await stage.somebody()
    const { id, text } = await made(person.id, ['runs:read'])
    const used = async () => (await listKeys(stage.engine, operator)).find((one) => one.id === id)?.usedAt
    expect(await used()).toBeNull()
    for (const { app } of [await stage.another(), await stage.another()]) await me(text, app)
    const first = await used()
    expect(first).toBeInstanceOf(Date)
    const { app: third } = await stage.another()
    await me(text, third)
    expect(await used()).toEqual(first)
    await stage.db.sql("update people.keys set used_at = used_at - interval '2 minutes' where id = $1", [id])
    const { app: fourth } = await stage.another()
    await me(text, fourth)
    expect((await used())?.getTime()).toBeGreaterThanOrEqual(first?.getTime() ?? Infinity)
  })

  test('that is nearly one opens nothing, not even beside a cookie that does', async () => {
    const person = await stage.somebody()
    const { id, text } = await made(person.id, ['runs:read'])
    const cookie = await stage.cookieOf(person)
    for (const bad of [
      text.slice(0, -1),
      `${text}x`,
      text.replace(id, 'a'.repeat(10)),
      `mr_${id}_${'A'.repeat(43)}`,
      `mr_${id}_`,
      'mr_',
      text.toUpperCase(),
    ]) {
      const headers = { ...browser(cookie), authorization: `Bearer ${bad}` }
      expect([bad, (await ask(app, 'GET', '/api/me', { headers })).status]).toEqual([bad, 401])
    }
    for (const scheme of ['Basic', 'Token']) {
      const headers = { ...browser(cookie), authorization: `${scheme} ${text}` }
      expect((await ask(app, 'GET', '/api/me', { headers })).status).toBe(401)
    }
  })
})
