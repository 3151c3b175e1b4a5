/**
 * Whoever we ask may send us elsewhere, and whoever says whom we ask may mean this
 * machine or its neighbours.  Every way out of this program stands here.
 */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { generateKeyPair, SignJWT } from 'jose'
import { openTokens } from '../src/access/jwt.ts'
import { openWayOut, WAY_OUT } from '../src/providers/way-out.ts'
import { openSkillsMp } from '../src/skills/skillsmp.ts'
import { openGuardedFetch } from '../src/tools/mcp/guarded-fetch.ts'
import { fetchPublic } from '../src/tools/own/public-fetch.ts'

const KEY = 'CANARY-key-3b'
let trap = { url: '', heard: [] as IncomingMessage[], close: async () => {} }
let door = trap
beforeAll(async () => {
  trap = await serve(() => ({ status: 200 }))
  // Whatever is asked: go there.
  door = await serve(() => ({ status: 307, location: `${trap.url}/inside` }))
})
afterAll(async () => {
  await Promise.all([trap.close(), door.close()])
})

async function serve(answer: () => { status: number; location?: string; body?: string }) {
  const heard: IncomingMessage[] = []
  const server = createServer((asked, reply) => {
    heard.push(asked)
    const { status, location, body = '{}' } = answer()
    reply.writeHead(status, { 'content-type': 'application/json', ...(location === undefined ? {} : { location }) })
    reply.end(body)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const close = async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
  return { url, heard, close }
}

const WAYS: Readonly<Record<string, () => Promise<unknown>>> = {
  'the keys of an issuer': async () => {
    const { privateKey } = await generateKeyPair('RS256')
    const claims = { sub: 'x', iss: 'https://issuer.example', aud: 'us', workspaces: { default: 'member' } }
    const token = await new SignJWT(claims)
      .setProtectedHeader({ alg: 'RS256', kid: 'one' })
      .setExpirationTime('1h')
      .sign(privateKey)
    const read = openTokens({ jwksUrl: `${door.url}/keys`, jwtIssuer: claims.iss, jwtAudience: claims.aud })
    expect(await read(token)).toBeUndefined()
  },
  'a provider': async () => {
    const send = openWayOut(WAY_OUT)
    const headers = { authorization: `Bearer ${KEY}` }
    expect((await send({ url: `${door.url}/v1/chat`, headers, body: '{}' })).status).toBe(307)
  },
  'the marketplace': async () => {
    const market = openSkillsMp({ key: KEY, baseUrl: door.url })
    await expect(market.search({ q: 'x', page: 1, limit: 1 })).rejects.toMatchObject({ code: 'MARKETPLACE_AWAY' })
  },
  'a server of tools': async () => {
    const guarded = openGuardedFetch(true)
    await expect(guarded.fetch(`${door.url}/mcp`, { method: 'POST', body: '{}' })).rejects.toThrow()
    await guarded.close()
  },
  'a webhook': async () => {
    const wanted = { url: door.url, method: 'POST', accept: '*/*', maxBytes: 10, redirects: 0, body: '{}' } as const
    const world = { resolve: async () => ['127.0.0.1'], isPublic: () => true }
    expect((await fetchPublic(wanted, AbortSignal.timeout(5_000), world)).status).toBe(307)
  },
}

test.each(Object.keys(WAYS))('%s that sends us elsewhere is not followed, and no key goes there', async (way) => {
  const before = door.heard.length
  await WAYS[way]?.()
  expect(door.heard.length).toBeGreaterThan(before)
  expect(trap.heard).toEqual([])
})

test('a server of tools is asked at no address that is not public, unless its file says that it may', async () => {
  const { port } = new URL(trap.url)
  const guarded = openGuardedFetch(false)
  const hosts = ['127.0.0.1', '127.1', '0x7f000001', '2130706433', '0', 'localhost', '[::1]', '[::]']
  hosts.push('[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[64:ff9b::7f00:1]', '[fe80::1]', '169.254.169.254', '10.0.0.1')
  for (const host of hosts) {
    const asked = guarded.fetch(`http://${host}:${port}/mcp`, { signal: AbortSignal.timeout(5_000) })
    const why = await asked.then(
      () => 'asked',
      (error: Error) => `${error.message} ${String((error.cause as Error | undefined)?.message)}`,
    )
    expect([host, why]).toEqual([host, expect.stringContaining('not a public address')])
  }
  await guarded.close()
  expect(trap.heard).toEqual([])
})

test('the keys of an issuer are asked for by https, unless they are on this machine', () => {
  for (const url of [
    'http://10.0.0.1/keys',
    'http://issuer.example/keys',
    'file:///etc/keys',
    'ftp://x/keys',
    'keys',
  ]) {
    expect(() => openTokens({ jwksUrl: url, jwtIssuer: 'x', jwtAudience: 'y' })).toThrow(/https/)
  }
})
