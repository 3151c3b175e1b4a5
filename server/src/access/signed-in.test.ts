/** What scopes leave of a person's rights. */
import { expect, test } from 'vitest'
import type { Principal } from '@millrace/engine'
import { allows, mustAllow, narrowed, SCOPES, scopesOf, type Authenticator, type SignedIn } from './signed-in.ts'

const admin: Principal = { sub: 'user:1', workspaces: { 1: 'admin', 2: 'viewer' }, operator: true }
const with_ = (...words: string[]): SignedIn => ({
  principal: admin,
  by: 'api_key',
  scopes: scopesOf(words),
  id: 'k',
})

test('a key does what its scopes name and nothing else', async () => {
  const port: Authenticator = { authenticate: async () => with_('runs:read') }
  const key = await port.authenticate({ method: 'GET', headers: {}, address: '127.0.0.1' })
  if (key === undefined) throw new Error('nobody')
  expect(SCOPES.filter((scope) => allows(key, scope))).toEqual(['runs:read'])
  expect(() => mustAllow(key, 'runs:write')).toThrow('This key or token has no scope runs:write.')
  expect(SCOPES.every((scope) => allows({ ...key, scopes: 'all' }, scope))).toBe(true)
})

test('a key that may only read is a viewer for the database too, and one without the scope admin is no admin and no operator', () => {
  const left = (...words: string[]) => narrowed(admin, scopesOf(words))
  expect(left('runs:read', 'exports:read')).toEqual({ sub: 'user:1', workspaces: { 1: 'viewer', 2: 'viewer' } })
  expect(left('runs:write')).toEqual({ sub: 'user:1', workspaces: { 1: 'member', 2: 'viewer' } })
  expect(left('runs:read', 'admin')).toBe(admin)
  expect(narrowed(admin, 'all')).toBe(admin)
})

test('a key without a scope that we know sees nothing', () => {
  expect(narrowed(admin, scopesOf(['runs:*', '__proto__', 'constructor']))).toEqual({ sub: 'user:1', workspaces: {} })
})
