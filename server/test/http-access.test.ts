/** Signing in on the whole server: its problems, its contract, and what it keeps of secrets. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { addUser, makeLink, setRole } from '../src/access/people.ts'
import { operator } from '../src/app.ts'
import { openHttpStage, type HttpStage } from './http-stage.ts'

let stage: HttpStage
beforeAll(async () => {
  stage = await openHttpStage()
})
afterAll(async () => {
  await stage?.close()
})

test('what is wrong is told as a problem, in the contract stand all routes, and the page of signing in has its own policy', async () => {
  const wrong = await stage.ask('/api/sign-in', { as: null, body: { email: 'no@body', password: 'x' } })
  expect(wrong).toMatchObject({
    status: 401,
    body: { status: 401, code: 'WRONG_SIGN_IN', correlationId: expect.any(String) },
  })
  expect(wrong.headers.get('content-type')).toContain('application/problem+json')
  const unknown = await stage.ask('/api/sign-in', { as: null, body: { email: 'a@b', password: 'x', extra: 1 } })
  expect(unknown).toMatchObject({ status: 400, body: { code: 'INVALID_REQUEST' } })
  const nul = await stage.ask('/api/sign-in', { as: null, body: { email: 'a\0@b', password: 'x' } })
  expect(nul).toMatchObject({ status: 400, body: { code: 'INVALID_TEXT' } })
  const { body } = await stage.ask('/api/openapi.json', { as: null })
  for (const path of ['/api/sign-in', '/api/me/keys', '/api/workspaces/{id}/members', '/api/audit']) {
    expect(Object.keys(body.paths)).toContain(path)
  }
  const page = await stage.raw('/sign-in', { as: null })
  expect(page.headers.get('content-security-policy')).toContain("form-action 'self'")
})

test('a secret that is given away is not kept for a replay, nor a password that is sent, nor logged', async () => {
  const id = await addUser(stage.engine, operator, { email: 'ada@example.org', operator: true })
  await setRole(stage.engine, operator, 1, id, 'admin')
  const token = await makeLink(stage.engine, operator, id)
  const signed = await stage.raw('/api/sign-in/link', {
    as: null,
    body: { token },
    headers: { 'idempotency-key': 'link-1' },
  })
  const cookie = /^[^;]+/.exec(signed.headers.get('set-cookie') ?? '')?.[0] ?? ''
  const headers = { cookie, 'sec-fetch-site': 'same-origin', 'idempotency-key': 'one-1' }
  const key = await stage.ask('/api/me/keys', { as: null, headers, body: { name: 'k', scopes: ['runs:read'] } })
  const link = await stage.ask(`/api/users/${id}/link`, { as: null, method: 'POST', headers })
  const invited = await stage.ask('/api/workspaces/1/invitations', {
    as: null,
    headers,
    body: { email: 'b@example.org', role: 'viewer' },
  })
  const password = await stage.ask('/api/me/password', {
    as: null,
    method: 'PUT',
    headers,
    body: { next: 'a password of some length' },
  })
  const users = await stage.ask('/api/users', { as: null, headers })
  expect(users.body).toMatchObject({ users: [{ email: 'ada@example.org' }] })
  expect([key.status, link.status, invited.status, password.status]).toEqual([201, 201, 201, 204])
  const kept = await stage.db.sql<{ n: number }>(
    "select count(*)::int as n from doors.replays where key in ('one-1', 'link-1')",
  )
  expect(kept).toEqual([{ n: 0 }])
  const logged = stage.logged.join('\n')
  for (const secret of [
    token,
    cookie.split('=')[1],
    key.body.key,
    link.body.token,
    invited.body.token,
    'of some length',
  ]) {
    expect(String(secret).length).toBeGreaterThan(10)
    expect(logged).not.toContain(secret)
  }
})
