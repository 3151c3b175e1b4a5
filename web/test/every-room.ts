/** Each room once: without barriers, by keyboard alone, whatever stands there. */
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { definition } from '../../server/testing/bench.ts'
import { definitionText } from '../../server/testing/probe.ts'
import { barriers, go, settled, type Stage, type Tour } from './stage.ts'

/** A page of each room, and what is behind the rows of those that are worked in most. */
const SEEN = [
  '/',
  '/runs',
  '/runs/1',
  '/runs/1/results',
  '/definitions',
  '/compare?runs=1',
  '/board',
  '/skills',
  '/diagnosis',
  '/tools',
  '/system',
  '/settings',
]

/** Goes on with run 1, the example; nothing works here. */
export function everyRoom(on: () => Tour): void {
  describe('every room of the console', () => {
    let stage: Stage
    let page: Page
    /** Of the two that are held, the older. */
    let paused: number
    beforeAll(async () => {
      ;({ stage, page } = on())
      paused = await start({ definition: definition(definitionText(3)), models: ['fake:a'], hold: true })
      await start({ definition: definition(definitionText(3)), models: ['fake:a'], hold: true })
    })

    const open = (path: string) => go(page, `${stage.http.url}${path}`)
    const heading = (name: string | RegExp) => page.getByRole('heading', { level: 1, name })
    const start = async (body: object) => (await stage.http.ask('/api/runs', { body })).body.run.id as number

    // All other pages, and the colours of the other theme, are looked at in `barriers.long.test.ts`.
    test.each(SEEN)('has no barrier at %s', async (path) => {
      await open(path)
      await settled(page)
      expect(await barriers(page)).toEqual([])
    })

    test('is walked by keyboard alone: to a room, a row, a run, an action', async () => {
      await page.goto(stage.http.url)
      await heading('Home').waitFor()
      await page.keyboard.press('Tab')
      expect(await page.locator(':focus').textContent()).toBe('Skip to content')
      await page.keyboard.press('g')
      await page.keyboard.press('r')
      await heading('Runs').waitFor()
      await page.locator('tbody tr').first().waitFor()
      await page.keyboard.press('j')
      await page.keyboard.press('j')
      await page.keyboard.press('Enter')
      await page.waitForURL(`**/runs/${paused}`)
      await page.getByRole('button', { name: 'Resume' }).waitFor()
      await page.keyboard.press('p')
      await page.getByRole('button', { name: 'Pause' }).waitFor()
      await page.keyboard.press('p')
      await page.getByRole('button', { name: 'Resume' }).waitFor()
      await page.keyboard.press('?')
      await page.getByRole('dialog', { name: 'Keys' }).getByText('Runs').waitFor()
      await page.keyboard.press('Escape')
      await page.keyboard.press('Control+k')
      await page.getByRole('combobox', { name: 'Find anything' }).fill('run 1')
      await page.getByRole('option', { name: 'Run 1 ·' }).waitFor()
      await page.keyboard.press('Enter')
      await page.waitForURL('**/runs/1')
    })

    test('shows what somebody has written as text, whatever it is', async () => {
      const name = '<img src=x onerror="document.title=1"><script>alert(1)</script> & שלום 🌊'
      const run = await start({
        definition: { ...definition(definitionText(1)), name },
        models: ['fake:a'],
        hold: true,
      })
      await open(`/runs/${run}`)
      await heading(name).waitFor()
      expect(await page.title()).toBe(`${name} · Millrace`)
    })
  })
}
