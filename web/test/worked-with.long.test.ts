/** What comes after the first run: its numbers taken along, definitions of one's own, a board that works by itself. */
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest'
import { definition } from '../../server/testing/bench.ts'
import { board } from './board.ts'
import { probe } from './probe.ts'
import { browserPath, openStage, type Stage } from './stage.ts'
import { EXAMPLE } from './world.ts'

describe.skipIf(browserPath() === undefined)('worked with', { timeout: 120_000 }, () => {
  let stage: Stage
  let page: Page
  beforeAll(async () => {
    stage = await openStage()
    page = await stage.person()
    await stage.http.work(8)
    const body = { definition: definition(readFileSync(EXAMPLE, 'utf8')), models: ['fake:a', 'fake:b'] }
    await stage.http.ended((await stage.http.ask('/api/runs', { body })).body.run.id)
  })
  afterAll(() => stage?.close())
  afterEach(() => expect(stage.complaints()).toEqual([]))

  probe(() => ({ stage, page }))
  board(() => ({ stage, page }))
})
