/** Signing in with a password or a link: what it gives, and what an attacker gets. */
import { createHash } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { NOBODY } from '../src/access/access.ts'
import { COST, proofOf } from '../src/access/passwords.ts'
import { disableUser, firstLink, invite, listMembers, listUsers, makeLink, withdraw } from '../src/access/people.ts'
import { operator } from '../src/app.ts'
import { ask, browser, cookieIn, GOOD, openPeopleStage, type PeopleStage } from '../testing/people.ts'

let stage: PeopleStage
beforeAll(async () => {
  stage = await openPeopleStage()
})
afterAll(async () => {
  await stage?.close()
})
beforeEach(async () => {
  await stage.db.sql('delete from people.tries')
})
const enter = (email: string, password: string, remoteAddress = '127.0.0.1', app = stage.app) =>
  ask(app, 'POST', '/api/sign-in', { headers: browser(), remoteAddress, payload: { email, password } })
const take = (token: string, cookie?: string) =>
  ask(stage.app, 'POST', '/api/sign-in/link', { headers: browser(cookie), payload: { token } })
const me = (cookie: string) => ask(stage.app, 'GET', '/api/me', { headers: browser(cookie) })

describe('a password', () => {
  test('signs its person in, with a cookie that no page can read', async () => {
    const person = await stage.somebody({ role: 'member', password: true })
    const { status, setCookie } = await enter(person.email.toUpperCase(), GOOD)
    expect(status).toBe(204)
    expect(setCookie).toMatch(/^millrace_3000=[\w-]{43}; Max-Age=2592000; Path=\/; HttpOnly; SameSite=Lax$/)
    expect(await me(cookieIn(setCookie))).toMatchObject({
      status: 200,
      body: {
        sub: `user:${person.id}`,
        by: 'session',
        scopes: 'all',
        operator: false,
        user: { email: person.email },
        workspaces: [{ id: 1, name: 'default', role: 'member' }],
      },
    })
  })

  test('that is wrong, and an account that is not there, has none or is disabled, are told the same', async () => {
    const [person, bare, gone] = [
      await stage.somebody({ password: true }),
      await stage.somebody(),
      await stage.somebody({ role: 'viewer', password: true }),
    ]
    await disableUser(stage.engine, operator, gone.id, true)
    for (const [email, password] of [
      [person.email, 'wrong'],
      [bare.email, GOOD],
      [gone.email, GOOD],
      ['nobody@example.org', GOOD],
      ["' or 1=1 --", GOOD],
      ['a\0b@example.org', GOOD],
    ] as const) {
      const { status, body, setCookie } = await enter(email, password)
      expect([email, status, body, setCookie]).toEqual([email, 401, { code: 'WRONG_SIGN_IN' }, undefined])
    }
  })

  test('of an account that is not there is worked as hard, with a salt that stays the same', async () => {
    const person = await stage.somebody({ password: true })
    const terms = async (email: string) => {
      const { rows } = await stage.engine.as(NOBODY, (tx) =>
        tx.query<{ salt: Buffer }>('select * from people.terms($1, $2, $3, $4, $5)', [
          email,
          'x',
          ...Object.values(COST),
        ]),
      )
      return rows[0]
    }
    const there = await terms(person.email)
    const [once, again, other] = [await terms('no@one'), await terms('No@One'), await terms('no@two')]
    for (const one of [there, once, other]) expect(one).toMatchObject({ ...COST, wait: 0 })
    expect([there?.salt.length, once?.salt.length]).toEqual([16, 16])
    expect(once?.salt).toEqual(again?.salt)
    expect(once?.salt).not.toEqual(other?.salt)
  })

  test('can be guessed ten times and not once more, by however many at once and at whichever program; a link still opens', async () => {
    const person = await stage.somebody({ password: true })
    const second = await stage.another()
    const guesses = await Promise.all(
      Array.from({ length: 16 }, (_, i) =>
        enter(person.email, `guess ${i}`, `192.0.2.${i}`, i % 2 === 0 ? stage.app : second.app),
      ),
    )
    const answers = guesses.map(({ status }) => status).sort((a, b) => a - b)
    expect(answers).toEqual([...Array<number>(10).fill(401), ...Array<number>(6).fill(429)])
    expect(await enter(person.email, GOOD)).toMatchObject({ status: 429, body: { code: 'TOO_MANY_TRIES' } })
    expect((await take(await makeLink(stage.engine, operator, person.id))).status).toBe(204)
    await stage.db.sql("update people.tries set since = since - interval '16 minutes'")
    expect((await enter(person.email, GOOD)).status).toBe(204)
  })

  test('is not guessed from an address that tried too many accounts, and whoever is held back there locks nobody out', async () => {
    const person = await stage.somebody({ password: true })
    const bad = '2001:db8:1:2::7'
    await enter('somebody@else', 'x', bad)
    await stage.db.sql("update people.tries set amount = 50 where who = people.tried_address('2001:db8:1:2::/64')")
    for (let i = 0; i < 12; i += 1) expect((await enter(person.email, 'x', `2001:db8:1:2::${i}`)).status).toBe(429)
    expect((await enter(person.email, GOOD, '2001:db8:1:3::7')).status).toBe(204)
  })

  test('that was worked less hard than today is worked anew when its person signs in', async () => {
    const person = await stage.somebody({ password: true })
    const salt = Buffer.alloc(16, 7)
    const proof = await proofOf(GOOD, { salt, memory: 64, passes: 1, lanes: 1 })
    await stage.db.sql(
      'update people.passwords set salt = $2, memory = 64, passes = 1, verifier = $3 where user_id = $1',
      [person.id, salt, createHash('sha256').update(proof).digest()],
    )
    expect((await enter(person.email, 'wrong')).status).toBe(401)
    const cost = () => stage.db.sql('select memory, passes from people.passwords where user_id = $1', [person.id])
    // Only who knows the present password has it worked anew.
    await stage.engine.as(NOBODY, (tx) =>
      tx.query('select people.renew($1, $2, $3, 64, 3, 1, $4)', [
        person.email,
        Buffer.alloc(32),
        salt,
        createHash('sha256').update('planted').digest(),
      ]),
    )
    expect(await cost()).toEqual([{ memory: 64, passes: 1 }])
    expect((await enter(person.email, GOOD)).status).toBe(204)
    expect(await cost()).toEqual([{ memory: COST.memory, passes: COST.passes }])
    expect((await enter(person.email, GOOD)).status).toBe(204)
  })

  test('is changed by who knows the present one, and all other sessions end', async () => {
    const person = await stage.somebody({ password: true })
    const [here, there] = [await stage.cookieOf(person), await stage.cookieOf(person)]
    const change = (present: string | undefined, next: string) =>
      ask(stage.app, 'PUT', '/api/me/password', { headers: browser(here), payload: { present, next } })
    expect(await change('wrong', 'another fine password')).toMatchObject({
      status: 403,
      body: { code: 'WRONG_PASSWORD' },
    })
    expect(await change(undefined, 'another fine password')).toMatchObject({ status: 403 })
    expect(await change(GOOD, 'short')).toMatchObject({ status: 422, body: { code: 'WEAK_PASSWORD' } })
    expect(await change(GOOD, person.email)).toMatchObject({ body: { code: 'WEAK_PASSWORD' } })
    expect((await me(there)).status).toBe(200)
    expect((await change(GOOD, 'another fine password')).status).toBe(204)
    expect([(await me(here)).status, (await me(there)).status]).toEqual([200, 401])
    expect((await enter(person.email, GOOD)).status).toBe(401)
    expect((await enter(person.email, 'another fine password')).status).toBe(204)
  })

  test('and every other secret is in the database as a digest only', async () => {
    const person = await stage.somebody({ role: 'admin', password: true })
    const cookie = await stage.cookieOf(person)
    const token = await makeLink(stage.engine, operator, person.id)
    const made = await ask(stage.app, 'POST', '/api/me/keys', {
      headers: browser(cookie),
      payload: { name: 'k', scopes: ['runs:read'] },
    })
    const secrets = [cookie.split('=')[1], token, String(made.body?.['key']).slice(14), GOOD]
    const rows = await Promise.all(
      ['users', 'passwords', 'sessions', 'keys', 'links', 'audit'].map((table) =>
        stage.db.sql<{ text: string }>(`select t::text as text from people.${table} t`),
      ),
    )
    const all = rows.flat().map((row) => row.text)
    const written = all.join('\n')
    for (const secret of secrets) {
      expect(secret?.length).toBeGreaterThan(20)
      expect(written).not.toContain(secret)
      expect(written).not.toContain(Buffer.from(secret ?? '').toString('hex'))
    }
    const [row] = await stage.db.sql<{ hash: Buffer }>('select hash from people.sessions order by id desc limit 1')
    expect((await me(`millrace_3000=${row?.hash.toString('base64url')}`)).status).toBe(401)
  })
})

describe('a link', () => {
  test('signs in once, whoever is first; to look at its page uses nothing up', async () => {
    const person = await stage.somebody()
    const token = await makeLink(stage.engine, operator, person.id)
    for (let i = 0; i < 2; i += 1) {
      const page = await stage.app.inject({ url: `/sign-in?token=${token}` })
      expect(page.body).toContain(`name="token" value="${token}"`)
      expect(page.headers).toMatchObject({ 'referrer-policy': 'no-referrer', 'cache-control': 'no-store' })
    }
    const takers = await Promise.all(Array.from({ length: 5 }, () => take(token)))
    expect(takers.map(({ status }) => status).sort((a, b) => a - b)).toEqual([204, 410, 410, 410, 410])
    expect(await take(token)).toMatchObject({ status: 410, body: { code: 'LINK_GONE' }, setCookie: undefined })
    const winner = takers.find(({ status }) => status === 204)
    expect((await me(cookieIn(winner?.setCookie))).body).toMatchObject({ sub: `user:${person.id}` })
  })

  test('works from its page’s own form, which shows nothing of what was sent to it', async () => {
    const person = await stage.somebody({ password: true })
    const token = await makeLink(stage.engine, operator, person.id)
    const post = (payload: string) =>
      stage.app.inject({
        method: 'POST',
        url: '/sign-in',
        headers: { ...browser(), 'content-type': 'application/x-www-form-urlencoded' },
        payload,
      })
    const done = await post(`token=${token}`)
    expect([done.statusCode, done.headers.location]).toEqual([303, '/'])
    expect((await me(cookieIn(String(done.headers['set-cookie'])))).status).toBe(200)
    const again = await post(`token=${token}`)
    expect([again.statusCode, again.headers['set-cookie']]).toEqual([401, undefined])
    expect(again.body).toContain('used already')
    const byPassword = await post(new URLSearchParams({ email: person.email, password: GOOD }).toString())
    expect(byPassword.statusCode).toBe(303)
    const script = '"><script>alert(1)</script>'
    const looked = await stage.app.inject({ url: `/sign-in?token=${encodeURIComponent(script)}` })
    const failed = await post(new URLSearchParams({ email: script, password: script }).toString())
    for (const { body } of [looked, failed]) expect(body).not.toContain('<script>')
  })

  test('that has expired, was never made, or is a disabled person’s opens nothing', async () => {
    const person = await stage.somebody()
    const late = await makeLink(stage.engine, operator, person.id)
    await stage.db.sql('update people.links set expires_at = now() where user_id = $1', [person.id])
    const ofDisabled = await makeLink(stage.engine, operator, person.id)
    await disableUser(stage.engine, operator, person.id, true)
    await disableUser(stage.engine, operator, person.id, false)
    for (const token of [late, ofDisabled, 'x', 'A'.repeat(43), '']) {
      expect([token, (await take(token)).status]).toEqual([token, 410])
    }
  })

  test('of the first start makes an admin; shown again it replaces the one before, and after it was used there is none', async () => {
    const fresh = await openPeopleStage()
    try {
      const first = await firstLink(fresh.engine, operator)
      const second = await firstLink(fresh.engine, operator)
      const taking = (token = '') =>
        ask(fresh.app, 'POST', '/api/sign-in/link', { headers: browser(), payload: { token } })
      expect((await taking(first)).status).toBe(410)
      const { setCookie } = await taking(second)
      const seen = await ask(fresh.app, 'GET', '/api/me', { headers: browser(cookieIn(setCookie)) })
      expect(seen.body).toMatchObject({ operator: true, workspaces: [{ name: 'default', role: 'admin' }] })
      expect(await firstLink(fresh.engine, operator)).toBeUndefined()
      expect(await listUsers(fresh.engine, operator)).toHaveLength(1)
    } finally {
      await fresh.close()
    }
  })
})

describe('an invitation', () => {
  test('makes an account with that role and no other right', async () => {
    const { secret } = await invite(stage.engine, operator, 1, 'New@Example.org', 'viewer')
    const { setCookie } = await take(secret)
    const seen = await me(cookieIn(setCookie))
    expect(seen.body).toMatchObject({
      operator: false,
      user: { email: 'new@example.org' },
      workspaces: [{ id: 1, role: 'viewer' }],
    })
    expect((await take(secret)).status).toBe(410)
  })

  test('for somebody who has an account is taken by him alone, and makes nobody him', async () => {
    const [person, other] = [await stage.somebody(), await stage.somebody()]
    const { secret } = await invite(stage.engine, operator, 1, person.email, 'member')
    for (const cookie of [undefined, await stage.cookieOf(other)]) {
      expect(await take(secret, cookie)).toMatchObject({
        status: 401,
        body: { code: 'SIGN_IN_FIRST' },
        setCookie: undefined,
      })
    }
    const own = await stage.cookieOf(person)
    expect(await take(secret, own)).toMatchObject({ status: 204, setCookie: undefined })
    expect((await me(own)).body).toMatchObject({ workspaces: [{ id: 1, role: 'member' }] })
    expect((await listMembers(stage.engine, operator, 1)).some((one) => one.user === other.id)).toBe(false)
  })

  test('that was withdrawn, or whose maker lost the right to make it, is worth nothing', async () => {
    const admin = await stage.somebody({ role: 'admin' })
    const cookie = await stage.cookieOf(admin)
    const inviting = (email: string) =>
      ask(stage.app, 'POST', '/api/workspaces/1/invitations', {
        headers: browser(cookie),
        payload: { email, role: 'member' },
      })
    const [one, two] = [await inviting('one@example.org'), await inviting('two@example.org')]
    expect([one.status, two.status]).toEqual([201, 201])
    await withdraw(stage.engine, operator, Number(one.body?.['id']))
    const demoted = await ask(stage.app, 'PUT', `/api/workspaces/1/members/${admin.id}`, {
      headers: browser(await stage.cookieOf(await stage.somebody({ operator: true }))),
      payload: { role: 'member' },
    })
    expect(demoted.status).toBe(204)
    for (const { body } of [one, two]) expect((await take(String(body?.['token']))).status).toBe(410)
    expect((await inviting('three@example.org')).status).toBe(403)
  })
})
