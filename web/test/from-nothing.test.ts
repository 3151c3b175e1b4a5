/** The main path, from an empty database on: the example, followed, steered and read; a board by keys; every room. */
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect } from 'vitest'
import { boardByKeys } from './board.ts'
import { everyRoom } from './every-room.ts'
import { firstQuarter } from './first-run.ts'
import { reading } from './probe.ts'
import { browserPath, NO_BROWSER, openStage, type Stage } from './stage.ts'

if (browserPath() === undefined) console.warn(NO_BROWSER)

describe.skipIf(browserPath() === undefined)('from nothing on', { timeout: 90_000 }, () => {
  let stage: Stage
  let page: Page
  beforeAll(async () => {
    // Slow enough that one can pause in the middle of it.
    stage = await openStage({ latency: 60 })
    page = await stage.nobody()
  })
  afterAll(() => stage?.close())
  afterEach(() => expect(stage.complaints()).toEqual([]))

  firstQuarter(() => ({ stage, page }))
  reading(() => ({ stage, page }))
  boardByKeys(() => ({ stage, page }))
  everyRoom(() => ({ stage, page }))
})
