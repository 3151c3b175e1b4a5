/**
 * Every text that the console is given may have been written by somebody who means
 * harm, whatever was checked when it came in: on its way to the browser each of them
 * gets markup, each address a script.  None of it may become an element, and no link
 * lead there, on any page.
 */
import type { Route } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BOARD_PAGES, cook, fillBoard, type BoardWorld } from './board-world.ts'
import { browserPath, openStage, settled, type Stage } from './stage.ts'
import { fill, fillMore, PAGES, type World } from './world.ts'

const MARKUP = '<img src=x data-hit onerror="window.hit=1"><script data-hit>window.hit=1</script>[x](javascript:hit)'
const SCRIPT = 'javascript:window.hit=1//'
/** Whose words decide what is drawn: nobody writes them. */
const OURS =
  /^(id|key|code|status|state|kind|type|stage|role|scopes?|level|tier|provider|model|models|spec|at|.*(At|Id|Key|State|Status|Kind|Mode|Level|cursor|next))$/
const ADDRESS = /^(url|uri|href|source|page|repository|website)$/i

/** Strings under a name that a person, a model or a stranger fills. */
function poisoned(value: unknown, name = ''): unknown {
  if (typeof value === 'string') {
    if (ADDRESS.test(name)) return SCRIPT
    return OURS.test(name) || /^[A-Z_]+$|^\d|^$/.test(value) ? value : `${value} ${MARKUP}`
  }
  if (Array.isArray(value)) return value.map((one: unknown) => poisoned(one, name))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, poisoned(inner, key)]))
}

describe.skipIf(browserPath() === undefined)('the console', { timeout: 600_000 }, () => {
  let stage: Stage
  let world: World
  let board: BoardWorld
  beforeAll(async () => {
    stage = await openStage()
    const { worker, ...made } = await fill(stage.http)
    await fillMore(stage.http)
    await cook(stage.http)
    board = await fillBoard(stage.http)
    world = made
    await worker.drain(4)
  }, 240_000)
  afterAll(() => stage?.close())

  test('makes no element and no link of what somebody wrote, on none of its pages', async () => {
    const page = await stage.person({})
    page.setDefaultTimeout(5_000)
    let given = 0
    await page.route('**/api/**', async (route: Route) => {
      const answer = await route.fetch().catch(() => undefined)
      if (answer === undefined) return route.abort()
      if (answer.headers()['content-type']?.startsWith('application/json') !== true)
        return route.fulfill({ response: answer })
      given += 1
      return route.fulfill({ response: answer, json: poisoned(await answer.json()) })
    })
    const places = [
      ...PAGES.map(({ name, path }) => ({ name, at: path(world) })),
      ...BOARD_PAGES.map(({ name, path }) => ({ name, at: path(board) })),
    ]
    let shown = 0
    for (const { name, at } of places) {
      await page.goto(`${stage.http.url}${at}`, { waitUntil: 'domcontentloaded', timeout: 60_000 })
      // What is poisoned may make a page say that it cannot show this: that is shown, too.
      await settled(page).catch(() => {})
      const seen = await page.evaluate(() => ({
        made: document.querySelectorAll('[data-hit]').length,
        links: [...document.querySelectorAll('a[href], form[action], iframe[src]')].filter((one) =>
          /^\s*javascript:/i.test(
            one.getAttribute('href') ?? one.getAttribute('action') ?? one.getAttribute('src') ?? '',
          ),
        ).length,
        ran: 'hit' in window,
        shown: document.body.textContent.includes('data-hit'),
      }))
      expect({ name, ...seen }).toMatchObject({ name, made: 0, links: 0, ran: false })
      if (seen.shown) shown += 1
    }
    // It was there to be found.
    expect(given).toBeGreaterThan(places.length)
    expect(shown).toBeGreaterThan(places.length / 3)
  })
})
