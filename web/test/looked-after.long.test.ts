/** Who looks after it all: providers, limits, tools, keys, settings, and who may see what. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest'
import { rooms } from './rooms.ts'
import { browserPath, openStage, type Stage } from './stage.ts'

// Every page takes its time where others work, too.
describe.skipIf(browserPath() === undefined)('looked after', { timeout: 120_000 }, () => {
  const vendor = { down: true }
  let stage: Stage
  let page: Page
  let provider: Server
  beforeAll(async () => {
    provider = createServer((request, response) => {
      const there = !vendor.down && request.url?.endsWith('/models') === true
      response.writeHead(there ? 200 : 503, { 'content-type': 'application/json' })
      response.end(JSON.stringify(there ? { object: 'list', data: [{ id: 'gpt-there', object: 'model' }] } : {}))
    }).listen(0, '127.0.0.1')
    await new Promise((resolve) => provider.once('listening', resolve))
    const openai = `http://127.0.0.1:${(provider.address() as AddressInfo).port}/v1`
    stage = await openStage({
      providers: { keyOf: (id) => (id === 'openai' ? 'sk-of-a-test' : undefined), addresses: { openai } },
    })
    page = await stage.person()
  })
  afterAll(async () => {
    await stage?.close()
    provider?.close()
  })
  afterEach(() => expect(stage.complaints()).toEqual([]))

  rooms(() => ({ stage, page, vendor }))
})
