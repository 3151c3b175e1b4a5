/** The console as the server serves it: its files, its page at every address of its own, and nothing in the way of the contract. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openHttpStage, type HttpStage } from './http-stage.ts'

const SCRIPT = `console.log(${JSON.stringify('x'.repeat(4_000))})`
const page = { accept: 'text/html,application/xhtml+xml', as: null }
let stage: HttpStage
let folder = ''

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-console-'))
  mkdirSync(`${folder}/assets`)
  writeFileSync(`${folder}/index.html`, '<!doctype html><title>Millrace</title><div id="root"></div>')
  writeFileSync(`${folder}/theme.js`, '// theme')
  writeFileSync(`${folder}/manifest.json`, '{}')
  writeFileSync(`${folder}/.digest`, 'secret')
  writeFileSync(`${folder}/assets/index-a1b2c3.js`, SCRIPT)
  writeFileSync(`${folder}/assets/index-a1b2c3.js.br`, brotliCompressSync(SCRIPT))
  stage = await openHttpStage({ web: folder })
})
afterAll(async () => {
  await stage?.close()
  rmSync(folder, { recursive: true, force: true })
})

const get = (path: string, headers: Record<string, string> = { accept: page.accept }) =>
  stage.ask(path, { as: null, headers })

describe('the console', () => {
  test.each(['/', '/runs', '/runs/12/log', '/sign-in?token=abc'])(
    'is the page at %s, asked for each time',
    async (path) => {
      const { status, text, headers } = await get(path)
      expect([status, text.includes('<div id="root">')]).toEqual([200, true])
      expect(headers.get('cache-control')).toBe('no-cache')
      const policy = headers.get('content-security-policy')
      expect(policy).toContain("script-src 'self'")
      expect(policy).not.toContain('unsafe')
    },
  )

  test('gives its hashed files compressed, to be kept for good', async () => {
    const { status, text, headers } = await get('/assets/index-a1b2c3.js', { 'accept-encoding': 'br' })
    expect([status, text]).toEqual([200, SCRIPT])
    expect(headers.get('content-encoding')).toBe('br')
    expect(headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    // A worker's own file says what the worker may do.
    expect(headers.get('content-security-policy')).toContain("connect-src 'self'")
    expect((await get('/theme.js')).headers.get('cache-control')).toBe('no-cache')
  })

  test('gives nothing that is not the browser’s', async () => {
    for (const path of ['/.digest', '/manifest.json', '/assets/..%2f.digest', '/assets/none.js', '/index.html.br']) {
      expect((await get(path, { accept: '*/*' })).status, path).toBe(404)
    }
  })

  test('is in the way of nothing that programs ask', async () => {
    for (const path of ['/api/nothing', '/v1/nothing', '/nowhere']) {
      const { status, body } = await get(path, { accept: path === '/nowhere' ? 'application/json' : page.accept })
      expect([status, body.code], path).toEqual([404, 'NOT_FOUND'])
    }
    const wrong = await get('/api/runs/pause')
    expect([wrong.status, wrong.body.code]).toEqual([401, 'NOT_SIGNED_IN'])
    expect((await get('/api/sign-out')).status).toBe(405)
    expect((await get('/health/live')).body).toEqual({ status: 'ok' })
    expect((await get('/api/docs')).text).toContain('<h1>')
  })
})

test('where it is not built the page says how to build it, and the rest is served', async () => {
  const bare = await openHttpStage()
  try {
    const { status, text } = await bare.ask('/', { as: null, headers: { accept: page.accept } })
    expect(status).toBe(200)
    expect(text).toContain('npm run build -w web')
    expect((await bare.ask('/runs', { as: null, headers: { accept: page.accept } })).status).toBe(404)
    expect((await bare.ask('/api/runs')).status).toBe(200)
    // Who has a link can sign in all the same.
    expect((await bare.ask('/sign-in', { as: null })).text).toContain('<form')
  } finally {
    await bare.close()
  }
})
