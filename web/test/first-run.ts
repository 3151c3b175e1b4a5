/** The first quarter of an hour: signed in by the link, the example started, followed live, steered, read, compared. */
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { go, type Stage, type Tour } from './stage.ts'

/** Begins where nothing is and nobody is signed in; the example is run 1 afterwards, and the workers are gone. */
export function firstQuarter(on: () => Tour): void {
  describe('the console, from the first start on', () => {
    let stage: Stage
    let page: Page
    beforeAll(() => void ({ stage, page } = on()))

    const heading = (name: string | RegExp) => page.getByRole('heading', { level: 1, name })
    const status = (name: string) => page.locator('h1 + *').getByText(name, { exact: true })

    test('the link of the first start signs one in, once, and its secret does not stay in the address', async () => {
      const link = await stage.firstLink()
      await page.goto(link)
      expect(page.url()).not.toContain('token')
      await page.getByRole('button', { name: 'Sign in', exact: true }).click()
      await heading('Home').waitFor()
      expect(new URL(page.url()).pathname).toBe('/')

      const other = await stage.nobody()
      await other.goto(link)
      await other.getByRole('button', { name: 'Sign in', exact: true }).click()
      await other.getByRole('alert').waitFor()
      await other.context().close()
    })

    test('who has never seen it comes from nothing to two models beside one another by pressing what is offered; the run is followed live, paused and resumed', async () => {
      await page.getByText('No worker is running').waitFor()
      await page.getByRole('button', { name: 'Run the example' }).click()
      await page.waitForURL('**/runs/*')
      await heading('A confidence or a warning').waitFor()
      await status('Queued').waitFor()

      const worker = await stage.http.work(2)
      await status('Running').waitFor()
      const bar = page.getByRole('progressbar', { name: 'Progress', exact: true })
      const ended = async () => Number(await bar.getAttribute('aria-valuenow'))
      await expect.poll(ended, { timeout: 10_000 }).toBeGreaterThan(0)
      await page.getByRole('button', { name: 'Pause' }).click()
      await status('Paused').waitFor()
      await page.getByRole('button', { name: 'Resume' }).click()
      await status('Running').waitFor()
      // Its events come without being asked for.
      await page.getByRole('link', { name: 'Log', exact: true }).click()
      const log = page.getByRole('log')
      await log.getByText('run.released').waitFor()
      // What was seen to be steered may go on quickly; only the last lines are drawn then.
      const more = await stage.http.work(16)
      await log.getByText('run.succeeded').waitFor({ timeout: 60_000 })
      await status('Succeeded').waitFor()
      await Promise.all([worker.drain(0), more.drain(0)])
      await page.getByRole('link', { name: 'Results' }).click()
      await page.getByRole('table', { name: 'Model by model' }).getByText('fake:b').waitFor()
      await page.getByRole('link', { name: 'Compare the models' }).click()
      await heading('Compare').waitFor()
      await page.getByRole('img', { name: 'Differences' }).waitFor()
      await page.getByRole('cell', { name: /They differ|tied/ }).waitFor()
    })

    test('a run is repeated, and cancelled when one has said that it is meant', async () => {
      await go(page, `${stage.http.url}/runs/1`)
      await page.getByRole('button', { name: 'Run again' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Start the run' }).click()
      await page.getByText(/repeats run/).waitFor()
      await status('Queued').waitFor()
      // Asked whether that is meant, one may say no.
      await page.getByRole('button', { name: 'Cancel', exact: true }).click()
      const asked = page.getByRole('alertdialog')
      await asked.getByRole('button', { name: 'Leave it as it is' }).click()
      await asked.waitFor({ state: 'detached' })
      await status('Queued').waitFor()
      await page.getByRole('button', { name: 'Cancel', exact: true }).click()
      await asked.getByRole('button', { name: 'Cancel', exact: true }).click()
      await status('Cancelled').waitFor()
    })
  })
}
