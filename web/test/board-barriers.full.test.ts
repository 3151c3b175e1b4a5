/** Every page of the board and of skills, looked at for barriers in both themes, full and empty. */
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { BOARD_PAGES, cook, fillBoard, type BoardWorld } from './board-world.ts'
import { barriers, browserPath, openStage, type Stage } from './stage.ts'

describe.skipIf(browserPath() === undefined)('the board in the console', { timeout: 240_000 }, () => {
  let stage: Stage
  let page: Page
  beforeAll(async () => {
    stage = await openStage()
    page = await stage.person()
  }, 90_000)
  afterAll(() => stage?.close())
  afterEach(() => expect(stage.complaints()).toEqual([]))

  async function look(pages: typeof BOARD_PAGES, world: BoardWorld) {
    for (const { name, path } of pages) {
      await page.goto(`${stage.http.url}${path(world)}`)
      await page.waitForSelector('h1')
      await expect.poll(() => page.getByRole('status', { name: 'Loading' }).count(), { timeout: 10_000 }).toBe(0)
      expect(await barriers(page), name).toEqual([])
      await page.emulateMedia({ colorScheme: 'dark' })
      expect(await barriers(page, ['color-contrast', 'link-in-text-block']), `${name} in the dark`).toEqual([])
      await page.emulateMedia({ colorScheme: 'light' })
    }
  }

  test('has no barrier where nothing is yet', () =>
    look(
      BOARD_PAGES.filter(({ empty }) => empty === true),
      { asked: 0, waiting: 0, judged: 0, skill: 0 },
    ))

  test('has no barrier on any of its pages, in either theme', async () => {
    await cook(stage.http)
    const worker = await stage.http.work(8)
    await look(BOARD_PAGES, await fillBoard(stage.http))
    await worker.drain(0)
  })
})
