/** The console in daily use: lists that are filtered and steered, a server that comes back, two tabs, a long log. */
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { definition } from '../../server/testing/bench.ts'
import { definitionText } from '../../server/testing/probe.ts'
import { go, type Stage, type Tour } from './stage.ts'
import { fill, type World } from './world.ts'

/** What is left to do afterwards, nobody does: the worker is gone. */
export function daily(on: () => Tour): void {
  describe('the console', () => {
    let stage: Stage
    let page: Page
    let world: World
    beforeAll(async () => {
      ;({ stage, page } = on())
      const { worker, ...made } = await fill(stage.http)
      world = made
      await worker.drain(4)
    })

    const open = (path: string) => go(page, `${stage.http.url}${path}`)
    const rows = () => page.locator('tbody tr[data-row]').count()
    const start = async (body: object) => (await stage.http.ask('/api/runs', { body })).body.run.id as number

    test('keeps its filters in the address, and says when nothing is like that', async () => {
      await open('/runs')
      await page.getByRole('searchbox', { name: /Search names/ }).fill('confidence')
      await page.waitForURL('**/runs?search=confidence')
      await page.getByRole('combobox', { name: 'Status' }).click()
      await page.getByRole('option', { name: /Cancelled/ }).click()
      await page.waitForURL('**status=cancelled**')
      await expect.poll(rows, { timeout: 10_000 }).toBe(1)
      await page.reload()
      await expect.poll(rows, { timeout: 10_000 }).toBe(1)
      await page.getByRole('searchbox', { name: /Search names/ }).fill('nothing like it')
      await page.getByText('No run is like that.').waitFor()
      await page.getByRole('button', { name: 'Clear the filters' }).last().click()
      await expect.poll(rows, { timeout: 10_000 }).toBe(5)
    })

    test('steers many runs at once, and new ones come by themselves', async () => {
      await open('/runs')
      await page.locator('tbody tr').first().waitFor()
      const ids = [await start(held('one')), await start(held('two'))]
      for (const id of ids) await page.getByRole('checkbox', { name: `Select Run ${id}`, exact: true }).check()
      await page.getByText('2 chosen').waitFor()
      await page.getByRole('button', { name: 'Resume' }).click()
      for (const id of ids) await page.locator(`tr[data-row="${id}"]`).getByText('Queued').last().waitFor()
      for (const id of ids) await page.getByRole('checkbox', { name: `Select Run ${id}`, exact: true }).check()
      await page.getByRole('button', { name: 'Cancel', exact: true }).click()
      await page.getByRole('alertdialog').getByText('Cancel 2 runs?').waitFor()
      await page.getByRole('alertdialog').getByRole('button', { name: 'Cancel', exact: true }).click()
      for (const id of ids) await page.locator(`tr[data-row="${id}"]`).getByText('Cancelled').last().waitFor()
    })

    test('says that the server is lost, and misses and doubles nothing when it is back', async () => {
      const run = await start({ definition: definition(definitionText(40)), models: ['fake:a'], hold: true })
      await open(`/runs/${run}/log`)
      const log = page.getByRole('log')
      await log.getByText('run.held').or(log.getByText('run.queued')).first().waitFor()
      let worker: Awaited<ReturnType<typeof stage.http.work>> | undefined
      await stage.http.away(async () => {
        await page.getByText('The connection to the server is lost').waitFor()
        worker = await stage.http.work(4)
        await stage.http.engine.release({ sub: 'system', workspaces: { 1: 'admin' }, operator: true }, run)
        await stage.http.ended(run)
      })
      await log.getByText('run.succeeded').waitFor({ timeout: 20_000 })
      await page.getByText('The connection to the server is lost').waitFor({ state: 'detached' })
      await page.locator('h1 + *').getByText('Succeeded').waitFor()
      const { body } = await stage.http.ask(`/api/runs/${run}`)
      await page.getByText(`${body.lastEvent} lines`).waitFor()
      await worker?.drain(0)
    })

    test('has one stream for all tabs of a browser, which each of them follows', async () => {
      const run = await start(held('shared'))
      await open(`/runs/${run}/log`)
      const other = await page.context().newPage()
      await other.goto(`${stage.http.url}/runs/${run}`)
      await other.getByRole('button', { name: 'Resume' }).waitFor()
      await expect.poll(() => stage.http.house.feeds.readers, { timeout: 10_000 }).toBe(1)
      await stage.http.ask(`/api/runs/${run}/cancel`, { method: 'POST' })
      await other.locator('h1 + *').getByText('Cancelled').waitFor()
      await page.locator('h1 + *').getByText('Cancelled').waitFor()
      await other.close()
    })

    test('offers nothing that its reader may not do', async () => {
      const viewer = await stage.person({ role: 'viewer' })
      await viewer.goto(`${stage.http.url}/runs/${world.paused}`)
      await viewer.getByRole('heading', { level: 1 }).waitFor()
      expect(await viewer.getByRole('button', { name: /Pause|Resume|Cancel/ }).count()).toBe(0)
      await viewer.context().close()
    })

    test('shows a log of a hundred thousand lines by drawing few of them, to the last, and finds one among them', async () => {
      const run = world.finished
      await stage.http.db.sql(
        `with r as (select workspace_id, last_event from engine.runs where id = $1), more as (
           insert into engine.events (run_id, n, workspace_id, at, kind, task, data)
           select $1, r.last_event + i, r.workspace_id, now(), 'log', 1, jsonb_build_object('text', 'line of number ' || i)
             from r, generate_series(1, 100000) i)
         update engine.runs set last_event = last_event + 100000 where id = $1`,
        [run],
      )
      await open(`/runs/${run}/log`)
      await page.getByText(/^100,\d{3} lines$/).waitFor()
      const log = page.getByRole('log')
      expect(await log.locator('[data-index]').count()).toBeLessThanOrEqual(80)
      await log.evaluate((box) => box.scrollTo(0, box.scrollHeight))
      await log.getByText('line of number 100000').waitFor()
      expect(await log.locator('[data-index]').count()).toBeLessThanOrEqual(80)
      await page.getByRole('searchbox', { name: 'Search the log' }).fill('number 77777')
      await page.getByText('1 found').waitFor()
      await log.getByText('line of number 77777').waitFor()
    })
  })

  const held = (name: string) => ({
    definition: definition(definitionText(3, 0, name)),
    models: ['fake:a'],
    hold: true,
  })
}
