/** Where something has happened already: what people do every day. */
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest'
import { daily } from './daily.ts'
import { browserPath, openStage, type Stage } from './stage.ts'

// Every page takes its time where others work, too.
describe.skipIf(browserPath() === undefined)('in use', { timeout: 120_000 }, () => {
  let stage: Stage
  let page: Page
  beforeAll(async () => {
    stage = await openStage()
    page = await stage.person()
  })
  afterAll(() => stage?.close())
  afterEach(() => expect(stage.complaints()).toEqual([]))

  daily(() => ({ stage, page }))
})
