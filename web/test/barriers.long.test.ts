/** Every page, looked at for barriers; the quick journeys look at the three that are seen most. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openPractice } from './practice.ts'
import { barriers, browserPath, openStage, settled, type Stage } from './stage.ts'
import { fill, fillMore, PAGES, type World } from './world.ts'

describe.skipIf(browserPath() === undefined)('the rest of the console', { timeout: 300_000 }, () => {
  let stage: Stage
  let world: World
  beforeAll(async () => {
    stage = await openStage()
    const { worker, ...made } = await fill(stage.http)
    await fillMore(stage.http)
    world = made
    await worker.drain(4)
  }, 120_000)
  afterAll(() => stage?.close())

  test('has no barrier on any of its pages', async () => {
    const page = await stage.person({})
    for (const { name, path } of PAGES.filter(({ seldom }) => seldom !== true)) {
      await page.goto(`${stage.http.url}${path(world)}`)
      await settled(page)
      expect(await barriers(page), name).toEqual([])
    }
  })

  test('has none on those that are seldom seen, on a desk in both themes and on a phone', async () => {
    for (const how of [{}, { dark: true }, { width: 390, height: 844 }]) {
      const page = await stage.person(how)
      for (const { name, path } of PAGES.filter(({ seldom }) => seldom === true)) {
        await page.goto(`${stage.http.url}${path(world)}`)
        await settled(page)
        expect(await barriers(page), `${name} ${JSON.stringify(how)}`).toEqual([])
      }
      await page.context().close()
    }
    expect(stage.complaints()).toEqual([])
  })

  test('can be read in the dark on all of its pages', async () => {
    const page = await stage.person({ dark: true })
    for (const { name, path } of PAGES.filter(({ seldom }) => seldom !== true)) {
      await page.goto(`${stage.http.url}${path(world)}`)
      await settled(page)
      // Only what colours do is another thing in the dark.
      expect(await barriers(page, ['color-contrast', 'link-in-text-block']), name).toEqual([])
    }
  })

  test('keeps a diagnosis readable for both who may read it', async () => {
    const worker = await stage.http.work(4)
    const { planted, clinician, patient } = await openPractice(stage)
    await clinician.goto(`${stage.http.url}/diagnosis`)
    await clinician.getByRole('button', { name: `Open Patient ${planted.patient.slice(0, 8)}` }).click()
    await clinician.getByRole('button', { name: 'Ask for a diagnosis' }).click()
    await clinician.waitForURL('**/diagnosis/*-*')
    await clinician.locator('h1 + *').getByText('Completed').waitFor({ timeout: 60_000 })
    await patient.goto(clinician.url())
    for (const one of [clinician, patient]) {
      await one.getByRole('heading', { name: 'Next steps' }).waitFor()
      for (const theme of ['light', 'dark'] as const) {
        await one.emulateMedia({ colorScheme: theme })
        expect(await barriers(one), theme).toEqual([])
      }
      await one.context().close()
    }
    await worker.drain(0)
  })
})
