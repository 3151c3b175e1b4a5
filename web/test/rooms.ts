/** The rooms beside runs: the system is looked after, tools are tried, keys are made, records are seen by those who may. */
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CANARY } from '../../server/testing/diagnosis.ts'
import { openPractice } from './practice.ts'
import { go, type Stage, type Tour } from './stage.ts'

/** `vendor`: whether OpenAI's address, to which the catalogue goes, answers. */
export function rooms(on: () => Tour & { vendor: { down: boolean } }): void {
  describe('the console, for who looks after it', () => {
    let stage: Stage
    let page: Page
    let vendor: { down: boolean }
    let worker: Awaited<ReturnType<Stage['http']['work']>>
    beforeAll(async () => {
      ;({ stage, page, vendor } = on())
      worker = await stage.http.work(8)
    })
    afterAll(() => worker?.drain(0))

    const open = (path: string, who = page) => go(who, `${stage.http.url}${path}`)

    test('a provider that is down is told with what to do; looked at again, it is there', async () => {
      await open('/system')
      await page.getByText('OpenAI does not answer as it should.').waitFor({ timeout: 20_000 })
      await page.getByRole('link', { name: 'Set its key' }).click()
      await page.getByRole('dialog', { name: 'Key of OpenAI' }).waitFor()
      await open('/system/providers')
      const row = page.locator('tbody tr', { hasText: 'OpenAI openai' }).first()
      await row.getByText('Does not answer').waitFor()
      vendor.down = false
      await page.getByRole('button', { name: 'Look again' }).click()
      await row.getByText('Connected').waitFor()
      await row
        .getByText(/ms$|s$/)
        .first()
        .waitFor()
    })

    test('a limit is changed while all goes on, stopped, and released', async () => {
      await open('/system/limits')
      await page.getByRole('button', { name: 'Limit another' }).first().click()
      const dialog = page.getByRole('dialog', { name: 'Limit another' })
      await dialog.getByRole('textbox', { name: 'Of what' }).fill('openai')
      await dialog.getByRole('textbox', { name: 'At a time' }).fill('3')
      await dialog.getByRole('button', { name: 'Save' }).click()
      const row = page.locator('tbody tr', { hasText: 'openai' })
      await row.getByText('3', { exact: true }).waitFor()
      await row.getByRole('button', { name: 'Stop' }).click()
      await page.getByRole('alertdialog').getByRole('button', { name: 'Stop' }).click()
      await row.getByText('Stopped', { exact: true }).waitFor()
      await row.getByRole('button', { name: 'Release' }).click()
      await row.getByText('Open', { exact: true }).waitFor()
      const { body } = await stage.http.ask('/api/limits')
      expect(body.limits.find(({ key }: { key: string }) => key === 'openai')).toMatchObject({
        concurrency: 3,
        stopped: null,
      })
    })

    test('a tool is tried: what is wrong is told at its field, and what it gives is shown with its run', async () => {
      await open('/tools')
      await page.getByRole('link', { name: 'csv_profile' }).click()
      await page.getByRole('button', { name: 'Call it' }).click()
      await page.getByText('What is wrong stands at its field.').waitFor()
      await page.getByText('This has to be filled in.').waitFor()
      const field = page.getByRole('textbox', { name: /^csv/ })
      expect(await field.getAttribute('aria-invalid')).toBe('true')
      const text = 'name,words\n<img src=x onerror="document.title=1">,3\nשלום 🌊,4'
      await field.fill(text)
      await page.getByRole('button', { name: 'Call it' }).click()
      const result = page.getByRole('region', { name: 'Output' })
      await result.getByText('"rows": 2').waitFor()
      await result.getByText('<img src=x').first().waitFor()
      await page.getByRole('button', { name: 'JSON', exact: true }).click()
      expect(JSON.parse(await page.getByRole('textbox', { name: 'Input' }).inputValue())).toMatchObject({ csv: text })
      await page.getByText('How it is called').click()
      await page.getByRole('switch', { name: 'Do not wait for its end' }).click()
      await page.getByRole('button', { name: 'Call it' }).click()
      await page.getByText('It was begun.').waitFor()
      await page.getByRole('link', { name: 'Calls' }).click()
      await page.locator('tbody tr').first().getByText('Success').waitFor({ timeout: 20_000 })
      await page.getByRole('combobox', { name: 'Status' }).click()
      await page.getByRole('option', { name: 'Failed' }).click()
      await page.waitForURL('**/calls?status=FAILED')
      await expect.poll(() => page.locator('tbody tr').count()).toBe(1)
    })

    test('a key is made for what was ticked, shown once, used, and refused when it is revoked', async () => {
      await open('/settings/keys')
      await page.getByRole('button', { name: 'Make a key' }).click()
      const dialog = page.getByRole('dialog', { name: 'Make a key' })
      await dialog.getByRole('textbox', { name: 'What it is for' }).fill('nightly')
      await dialog.getByRole('button', { name: 'Make a key' }).click()
      const shown = page.getByRole('dialog', { name: 'Your key' })
      const key = ((await shown.getByRole('region', { name: 'Your key' }).textContent()) ?? '').trim()
      const use = (path: string, method = 'GET') =>
        fetch(`${stage.http.url}${path}`, { method, headers: { authorization: `Bearer ${key}` } }).then(
          (it) => it.status,
        )
      expect(await use('/api/runs')).toBe(200)
      expect(await use('/api/limits')).toBe(403)
      await shown.getByRole('button', { name: 'I have it' }).click()
      await shown.waitFor({ state: 'detached' })
      await page.reload()
      const row = page.locator('tbody tr', { hasText: 'nightly' })
      await row.getByText('Active').waitFor()
      expect(await page.content()).not.toContain(key)
      await row.getByRole('button', { name: 'Revoke' }).click()
      await page.getByRole('alertdialog').getByRole('button', { name: 'Revoke' }).click()
      await row.getByText('Revoked').waitFor()
      expect(await use('/api/runs')).toBe(401)
    })

    test('the key of a provider is set and never shown again', async () => {
      await open('/settings/provider-keys?set=mistral')
      const dialog = page.getByRole('dialog', { name: /Key of Mistral/ })
      await dialog
        .getByRole('textbox', { name: 'Key' })
        .or(dialog.locator('input[type=password]'))
        .fill('mk-7f3-secret')
      await dialog.getByRole('button', { name: 'Save' }).click()
      await dialog.waitFor({ state: 'detached' })
      const row = page.locator('tbody tr', { hasText: 'Mistral' })
      await row.getByText('sealed here').waitFor()
      expect(await page.content()).not.toContain('mk-7f3-secret')
      await row.getByRole('button', { name: 'Remove' }).click()
      await page.getByRole('alertdialog').getByRole('button', { name: 'Remove' }).click()
      await row.getByText('no key').waitFor()
    })

    test('what one is called, how times are written and how dense tables are is one’s own to set', async () => {
      await open('/settings')
      await page.getByRole('textbox', { name: 'Name' }).fill('Ada of the mill')
      await page.getByRole('button', { name: 'Save' }).click()
      await page.locator('aside').getByText('Ada of the mill').waitFor()
      await page.getByRole('link', { name: 'Appearance' }).click()
      await page.getByRole('combobox', { name: 'Density of tables' }).click()
      await page.getByRole('option', { name: 'Compact' }).click()
      await expect.poll(() => page.locator('html').getAttribute('data-density')).toBe('compact')
      await page.reload()
      expect(await page.locator('html').getAttribute('data-density')).toBe('compact')
    })

    test('a clinician asks and sees all of it, the patient his part, others nothing; no address or title tells', async () => {
      const { planted, clinician, patient } = await openPractice(stage)
      const other = await stage.person({ role: 'member' })
      await open('/diagnosis', clinician)
      await clinician.getByRole('heading', { name: 'Patients' }).waitFor()
      await clinician.getByRole('button', { name: `Open Patient ${planted.patient.slice(0, 8)}` }).click()
      await clinician.getByRole('button', { name: 'Ask for a diagnosis' }).click()
      await clinician.waitForURL('**/diagnosis/*-*')
      const at = clinician.url()
      await clinician.locator('h1 + *').getByText('Completed').waitFor({ timeout: 20_000 })
      await clinician.getByRole('heading', { name: 'Findings' }).waitFor()
      await clinician.getByText(CANARY.words).first().waitFor()
      expect(await clinician.title()).toBe('Diagnosis run · Millrace')
      const kept = `${at} ${String(await clinician.evaluate('JSON.stringify({ ...localStorage, ...sessionStorage })'))}`
      for (const word of [CANARY.words, CANARY.name, planted.patient, planted.assessment])
        expect(kept).not.toContain(word)

      await open('/diagnosis', patient)
      await patient.getByRole('heading', { name: 'What was found' }).waitFor()
      await go(patient, at)
      await patient.getByRole('heading', { name: 'Next steps' }).waitFor()
      expect(await patient.getByRole('heading', { name: 'What the model was given' }).count()).toBe(0)
      expect(await patient.content()).not.toContain(CANARY.words)

      for (const nobody of [other, page]) {
        await open('/diagnosis', nobody)
        await nobody.getByRole('heading', { level: 1, name: 'Diagnosis' }).waitFor()
        expect(await nobody.getByRole('heading', { name: 'Patients' }).count()).toBe(0)
        await go(nobody, at)
        await nobody.getByRole('alert').or(nobody.getByText('The content is seen by')).first().waitFor()
        expect(await nobody.content()).not.toContain(CANARY.words)
      }
      for (const one of [clinician, patient, other]) await one.context().close()
    })
  })
}
