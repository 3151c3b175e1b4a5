/** What a browser's session is good for, how long, and what another site's page can do with it. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { disableUser, listNoted, makeKey, makeLink, setRole } from '../src/access/people.ts'
import { operator } from '../src/app.ts'
import { ask, browser, cookieIn, HOST, openPeopleStage, type PeopleStage } from '../testing/people.ts'

let stage: PeopleStage
beforeAll(async () => {
  stage = await openPeopleStage()
})
afterAll(async () => {
  await stage?.close()
})
const me = (headers: Record<string, string>, app = stage.app) => ask(app, 'GET', '/api/me', { headers })
const statusOf = async (cookie: string, app = stage.app) => (await me(browser(cookie), app)).status

describe('a session', () => {
  test('is never one that the browser brought along, and the one that it had ends', async () => {
    const person = await stage.somebody()
    const planted = `millrace_3000=${'A'.repeat(43)}`
    const mine = await stage.cookieOf(person)
    for (const before of [planted, mine]) {
      const token = await makeLink(stage.engine, operator, (await stage.somebody()).id)
      const { setCookie } = await ask(stage.app, 'POST', '/api/sign-in/link', {
        headers: browser(before),
        payload: { token },
      })
      expect(cookieIn(setCookie)).toMatch(/^millrace_3000=[\w-]{43}$/)
      expect(cookieIn(setCookie)).not.toBe(before)
      expect(await statusOf(before)).toBe(401)
    }
  })

  test('is listed for its person, ended one by one or all but this one, and gone after signing out', async () => {
    const person = await stage.somebody()
    const [here, second, third] = [
      await stage.cookieOf(person),
      await stage.cookieOf(person),
      await stage.cookieOf(person),
    ]
    const other = await stage.cookieOf(await stage.somebody())
    const list = async (cookie: string) =>
      (await ask(stage.app, 'GET', '/api/me/sessions', { headers: browser(cookie) })).body?.['sessions'] as {
        id: number
        current: boolean
      }[]
    const sessions = await list(here)
    expect(sessions.filter(({ current }) => current)).toHaveLength(1)
    expect(sessions).toHaveLength(3)
    const ofSecond = (await list(second)).find(({ current }) => current)?.id ?? 0
    const end = (cookie: string, path: string) =>
      ask(stage.app, 'DELETE', `/api/me/sessions${path}`, { headers: browser(cookie) })
    expect((await end(other, `/${ofSecond}`)).status).toBe(404)
    expect(await statusOf(second)).toBe(200)
    expect((await end(here, `/${ofSecond}`)).status).toBe(204)
    await until(
      () => statusOf(second),
      (status) => status === 401,
    )
    expect((await end(here, '')).body).toEqual({ ended: 1 })
    await until(
      () => statusOf(third),
      (status) => status === 401,
    )
    expect([await statusOf(here), await statusOf(other)]).toEqual([200, 200])
    const out = await ask(stage.app, 'POST', '/api/sign-out', { headers: browser(here) })
    expect(out.setCookie).toMatch(/^millrace_3000=; Max-Age=0;/)
    await until(
      () => statusOf(here),
      (status) => status === 401,
    )
  })

  test('ends when nobody came for a week and in any case after a month; who comes moves the first on and not the second', async () => {
    const person = await stage.somebody()
    const fresh = async () => {
      const cookie = await stage.cookieOf(person)
      const [row] = await stage.db.sql<{ id: number }>('select max(id) as id from people.sessions')
      return { cookie, id: row?.id ?? 0 }
    }
    const back = (id: number, by: string) =>
      stage.db.sql(
        `update people.sessions set created_at = created_at - $2::interval, seen_at = seen_at - $2::interval,
           expires_at = expires_at - $2::interval, ends_at = ends_at - $2::interval where id = $1`,
        [id, by],
      )
    const days = async (id: number) => {
      const [row] = await stage.db.sql<{ idle: number; end: number }>(
        `select round(extract(epoch from expires_at - now()) / 86400)::int as idle,
                round(extract(epoch from ends_at - now()) / 86400)::int as end from people.sessions where id = $1`,
        [id],
      )
      return row
    }
    const [idle, old, alive] = [await fresh(), await fresh(), await fresh()]
    await back(idle.id, '8 days')
    await stage.db.sql('update people.sessions set expires_at = now(), ends_at = now() where id = $1', [old.id])
    await back(alive.id, '6 days')
    expect([await statusOf(idle.cookie), await statusOf(old.cookie), await statusOf(alive.cookie)]).toEqual([
      401, 401, 200,
    ])
    expect(await days(alive.id)).toEqual({ idle: 7, end: 24 })
    await stage.db.sql(
      "update people.sessions set ends_at = now() + interval '1 day', expires_at = now() + interval '1 hour', seen_at = now() - interval '1 hour' where id = $1",
      [alive.id],
    )
    const { app } = await stage.another()
    expect(await statusOf(alive.cookie, app)).toBe(200)
    expect(await days(alive.id)).toEqual({ idle: 1, end: 1 })
  })

  test('and a key of somebody who is disabled end in every program at once, and do not come back with him', async () => {
    const person = await stage.somebody({ role: 'admin' })
    const cookie = await stage.cookieOf(person)
    const key = await makeKey(stage.engine, operator, { user: person.id, name: 'k', scopes: ['runs:read'], days: 1 })
    const { app } = await stage.another()
    const bearer = { host: HOST, authorization: `Bearer ${key.text}` }
    const all = async () => [
      await statusOf(cookie),
      await statusOf(cookie, app),
      (await me(bearer)).status,
      (await me(bearer, app)).status,
    ]
    expect(await all()).toEqual([200, 200, 200, 200])
    await disableUser(stage.engine, operator, person.id, true)
    await until(all, (seen) => seen.every((status) => status === 401), 4)
    await disableUser(stage.engine, operator, person.id, false)
    expect(await all()).toEqual([401, 401, 401, 401])
  })

  test('knows of a role that was taken away, in every program', async () => {
    const person = await stage.somebody({ role: 'admin' })
    const cookie = await stage.cookieOf(person)
    const { app } = await stage.another()
    const roles = async () =>
      (await Promise.all([me(browser(cookie)), me(browser(cookie), app)])).map(
        ({ body }) => (body?.['workspaces'] as { role: string }[] | undefined)?.[0]?.role,
      )
    expect(await roles()).toEqual(['admin', 'admin'])
    await setRole(stage.engine, operator, 1, person.id, 'viewer')
    await until(roles, (seen) => seen.every((role) => role === 'viewer'), 4)
    await setRole(stage.engine, operator, 1, person.id, null)
    await until(roles, (seen) => seen.every((role) => role === undefined), 4)
  })

  test('is believed for five seconds at most, even where no bell is heard', async () => {
    const person = await stage.somebody()
    const cookie = await stage.cookieOf(person)
    const ended = (end: boolean) =>
      stage.db.sql('update people.sessions set ended_at = case when $2 then now() end where user_id = $1', [
        person.id,
        end,
      ])
    // Behind the back of the verbs, so that nothing rings; once more if an earlier bell was still on its way.
    await until(
      async () => {
        await ended(false)
        await statusOf(cookie)
        await ended(true)
        return statusOf(cookie)
      },
      (status) => status === 200,
    )
    const now = performance.now.bind(performance)
    const later = vi.spyOn(performance, 'now').mockImplementation(() => now() + 5_000)
    expect(await statusOf(cookie)).toBe(401)
    later.mockRestore()
  })

  test('of which two stand in one request is nobody’s', async () => {
    const cookie = await stage.cookieOf(await stage.somebody())
    expect(await statusOf(`millrace_3000=${'A'.repeat(43)}; ${cookie}`)).toBe(401)
    expect(await statusOf(`other=1; ${cookie}; millrace_4000=x`)).toBe(200)
  })

  test('is told to the browser as secure where the installation is reached by https', async () => {
    const { app } = await stage.another({ publicUrl: new URL('https://millrace.example.org') })
    const token = await makeLink(stage.engine, operator, (await stage.somebody()).id)
    const from = { host: 'millrace.example.org', origin: 'https://millrace.example.org' }
    const { setCookie } = await ask(app, 'POST', '/api/sign-in/link', { headers: from, payload: { token } })
    expect(setCookie).toMatch(/^__Host-millrace=[\w-]{43}; .*; Path=\/; HttpOnly; SameSite=Lax; Secure$/)
  })
})

describe('another site’s page', () => {
  const FOREIGN: Record<string, string>[] = [
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: 'http://127.0.0.1:4000' },
    { origin: 'not a url' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'cross-site', origin: `http://${HOST}` },
    {},
  ]

  test('changes nothing with the cookie of its visitor', async () => {
    const person = await stage.somebody()
    const cookie = await stage.cookieOf(person)
    for (const from of FOREIGN) {
      const headers = { host: HOST, cookie, ...from }
      const made = await ask(stage.app, 'POST', '/api/me/keys', { headers, payload: { name: 'x', scopes: ['admin'] } })
      expect([from, made.status, made.body]).toEqual([from, 403, { code: 'CROSS_ORIGIN' }])
    }
    expect(await stage.db.sql('select 1 from people.keys where user_id = $1', [person.id])).toEqual([])
    const own = { host: HOST, cookie, origin: `http://${HOST}` }
    expect(
      (await ask(stage.app, 'POST', '/api/me/keys', { headers: own, payload: { name: 'x', scopes: ['admin'] } }))
        .status,
    ).toBe(201)
  })

  test('signs its visitor neither in as somebody else nor out', async () => {
    const token = await makeLink(stage.engine, operator, (await stage.somebody()).id)
    const cookie = await stage.cookieOf(await stage.somebody())
    for (const from of FOREIGN.filter((one) => Object.keys(one).length > 0)) {
      const headers = { host: HOST, cookie, ...from }
      for (const [url, payload] of [
        ['/api/sign-in', { email: 'a@b', password: 'x' }],
        ['/api/sign-in/link', { token }],
        ['/api/sign-out', undefined],
      ] as const) {
        const { status, setCookie } = await ask(stage.app, 'POST', url, {
          headers,
          ...(payload === undefined ? {} : { payload }),
        })
        expect([from, url, status, setCookie]).toEqual([from, url, 403, undefined])
      }
    }
    expect(await statusOf(cookie)).toBe(200)
  })
})

describe('open', () => {
  test('knows whoever is at this machine as the first operator, and nobody who only comes through it', async () => {
    const first = await stage.somebody({ operator: true })
    const { app } = await stage.another({ open: true })
    const seen = await me({ host: HOST }, app)
    expect(seen).toMatchObject({ status: 200, body: { by: 'open', operator: true } })
    expect(Number(String(seen.body?.['sub']).slice(5))).toBeLessThanOrEqual(first.id)
    for (const headers of [
      { host: 'evil.example:3000' },
      { host: '127.0.0.1.evil.example' },
      { host: HOST, 'x-forwarded-for': '127.0.0.1' },
      { host: HOST, forwarded: 'for=127.0.0.1' },
      { host: HOST, authorization: 'Bearer nonsense' },
    ] as Record<string, string>[]) {
      expect([headers, (await me(headers, app)).status]).toEqual([headers, 401])
    }
    const away = await ask(app, 'GET', '/api/me', { headers: { host: HOST }, remoteAddress: '192.0.2.1' })
    expect(away.status).toBe(401)
    for (const from of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'http://127.0.0.1:4000' },
    ]) {
      expect([from, (await me({ host: HOST, ...from }, app)).status]).toEqual([from, 403])
      const change = await ask(app, 'POST', '/api/workspaces', {
        headers: { host: HOST, 'sec-fetch-mode': 'navigate', ...from },
        payload: { name: 'x' },
      })
      expect([from, change.status]).toEqual([from, 403])
    }
    expect((await me({ host: HOST }, stage.app)).status).toBe(401)
  })
})

describe('what was done', () => {
  test('is noted with who, whom and from where, and not even the verbs can change it', async () => {
    const person = await stage.somebody({ role: 'member', password: true })
    await ask(stage.app, 'POST', '/api/sign-in', {
      headers: browser(),
      remoteAddress: '192.0.2.77',
      payload: { email: person.email, password: 'wrong' },
    })
    const cookie = await stage.cookieOf(person)
    const noted = (await listNoted(stage.engine, operator, null, 200)).filter((one) => one.user === person.id)
    expect(noted.toReversed().map((one) => [one.actor, one.action, one.address])).toEqual([
      ['operator', 'user_added', null],
      ['operator', 'role_changed', null],
      [`user:${person.id}`, 'password_set', null],
      ['anonymous', 'sign_in_failed', '192.0.2.77'],
      ['operator', 'link_made', null],
      [`user:${person.id}`, 'link_used', '127.0.0.1'],
      [`user:${person.id}`, 'sign_in', '127.0.0.1'],
    ])
    await stage.db.sql(`do $$ declare changed integer; gone integer; begin
      set local role millrace_owner;
      update people.audit set actor = 'x'; get diagnostics changed = row_count;
      delete from people.audit; get diagnostics gone = row_count;
      if changed + gone > 0 then raise exception 'it can be changed'; end if;
    end $$`)
    const mine = await ask(stage.app, 'GET', '/api/audit', { headers: browser(cookie) })
    expect(mine).toMatchObject({ status: 200, body: { items: [], next: null } })
  })
})
