/** A probe in the console: read, decided otherwise, compared, exported; and its definition written, kept and forked. */
import { readFileSync } from 'node:fs'
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { go, type Stage, type Tour } from './stage.ts'

/** Goes on with run 1, the example. */
export function reading(on: () => Tour): void {
  describe('the results of a probe in the console', () => {
    let stage: Stage
    let page: Page
    beforeAll(() => void ({ stage, page } = on()))

    const heading = (name: string) => page.getByRole('heading', { level: 2, name })

    test('a cell of the map leads to its conversation, which keys go on from, and a decision is put otherwise and back', async () => {
      await go(page, `${stage.http.url}/runs/1/results`)
      await page.getByRole('region', { name: 'Scenario × model' }).getByRole('link').first().click()
      await heading('Transcript 1').waitFor()
      await page.locator('mark').waitFor()
      await page.keyboard.press('j')
      await heading('Transcript 2').waitFor()
      await page.locator('mark').waitFor()
      await page.keyboard.press('k')
      await heading('Transcript 1').waitFor()
      const mark = page.locator('mark')
      await mark.waitFor()
      expect(await mark.textContent()).toMatch(/^Rating: \d$/)
      const read = (await stage.http.ask('/api/runs/1/transcripts/1')).body.decision as string
      await page.getByRole('combobox', { name: 'Decision' }).click()
      await page.getByRole('option', { name: 'Refusal' }).click()
      await page.getByText('decided by a person').waitFor()
      expect((await stage.http.ask('/api/runs/1/transcripts/1')).body.decision).toBe('refusal')
      await page.getByRole('link', { name: 'Analysis' }).click()
      await page.getByText('some were changed since').waitFor()
      await page.goBack()
      await page.getByRole('button', { name: 'Take it back', exact: true }).click()
      await page.getByText('taken back').waitFor()
      expect((await stage.http.ask('/api/runs/1/transcripts/1')).body.decision).toBe(read)
    })
  })
}

/** Goes on with run 1, the example; the worker is there. */
export function probe(on: () => Tour): void {
  describe('a probe in the console', () => {
    let stage: Stage
    let page: Page
    beforeAll(() => void ({ stage, page } = on()))

    const open = (path: string) => go(page, `${stage.http.url}${path}`)
    const heading = (name: string) => page.getByRole('heading', { level: 1, name })
    const button = (name: string) => page.getByRole('button', { name, exact: true })
    const runs = async () => (await stage.http.ask('/api/runs')).body.items.length as number

    test('the analysis is drawn, its numbers are beside it, and both can be taken along', async () => {
      await open('/runs/1/analysis')
      await page.getByRole('img', { name: 'What was decided' }).waitFor()
      await button('What was decided: show the numbers').click()
      await page
        .getByRole('region', { name: 'What was decided' })
        .getByRole('row', { name: /fake:a/ })
        .waitFor()
      const files: Record<string, string> = {}
      for (const format of ['CSV', 'SVG', 'PNG']) {
        const downloaded = page.waitForEvent('download')
        await button('Agreement of models: download').click()
        await page.getByRole('menuitem', { name: new RegExp(format) }).click()
        const file = await downloaded
        files[file.suggestedFilename()] = readFileSync(await file.path(), 'latin1')
      }
      expect(Object.keys(files)).toEqual(['run_1_agreement.csv', 'run_1_agreement.svg', 'run_1_agreement.png'])
      expect(files['run_1_agreement.csv']).toContain('fake:a,fake:b,')
      expect(files['run_1_agreement.svg']).toMatch(/^<svg .*fill="rgb/s)
      expect(files['run_1_agreement.svg']).not.toContain('var(')
      expect(files['run_1_agreement.png']?.slice(1, 4)).toBe('PNG')
    })

    test('the export holds every transcript, in the columns that were chosen', async () => {
      await open('/runs/1/results')
      const take = async () => {
        const downloaded = page.waitForEvent('download')
        await button('Download').last().click()
        const file = await downloaded
        return { name: file.suggestedFilename(), text: readFileSync(await file.path(), 'utf8') }
      }
      await button('Export').click()
      const plain = await take()
      expect(plain.name).toMatch(/^run_1_\d{4}-\d\d-\d\d\.csv$/)
      const [head, ...rows] = plain.text.replace('\uFEFF', '').trimEnd().split('\r\n')
      expect(head).toBe(
        'scenario_id,model_id,model_version,decision,turn_count,word_count,duration_ms,created_at,run_id',
      )
      expect(rows).toHaveLength(50)
      await button('Export').click()
      await page.getByRole('switch', { name: 'All columns' }).click()
      await page.getByRole('switch', { name: 'Prompts and answers' }).click()
      expect((await take()).text).toMatch(/dimension:Promise.*Mara works in the dispensary/s)
      await button('Export').click()
      await page.getByRole('combobox', { name: 'Format' }).click()
      await page.getByRole('option', { name: /JSONL/ }).click()
      const lines = (await take()).text.trimEnd().split('\n')
      expect(lines).toHaveLength(50)
      expect(JSON.parse(lines[0] ?? '').turns).toHaveLength(3)
    })

    test('a definition is written with its problems beside it, as fields and as YAML, and nothing of it is lost', async () => {
      await open('/definitions/new')
      await page.getByRole('textbox', { name: 'Name', exact: true }).fill('Cakes')
      await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('Is [Cake] good?')
      await page
        .getByText(/\[Cake\]/)
        .and(page.locator('[class*=text-bad]'))
        .first()
        .waitFor()
      expect(await button('Create').isDisabled()).toBe(true)
      await button('Add a dimension').click()
      await page.getByRole('textbox', { name: 'Name of the dimension' }).fill('Cake')
      await page.getByRole('textbox', { name: 'Level', exact: true }).first().fill('plum <b>cake</b>')
      await page.getByRole('textbox', { name: 'Level', exact: true }).last().fill('עוגה 🎂')
      await page.getByText('2 scenarios').waitFor()
      await page.getByText('Is plum <b>cake</b> good?').waitFor()
      await button('YAML').click()
      const yaml = page.getByRole('textbox', { name: 'YAML' })
      await expect.poll(() => yaml.inputValue()).toContain('עוגה 🎂')
      await yaml.fill(`${await yaml.inputValue()}tags: [sweet]\n`)
      await page.reload()
      await expect.poll(() => yaml.inputValue()).toContain('sweet')
      await button('Fields').click()
      await expect.poll(() => page.getByRole('textbox', { name: 'Tags' }).inputValue()).toBe('sweet')
      await button('Create').click()
      await heading('Cakes').waitFor()
      await page.getByRole('link', { name: 'Scenarios' }).click()
      await page.getByText('Is עוגה 🎂 good?').waitFor()
    })

    test('a fork shows what is its own, and gives it back; a version shows what it changed', async () => {
      await open('/definitions?search=cakes')
      await page.getByRole('link', { name: 'Cakes' }).click()
      await button('Fork').click()
      await heading('Cakes (fork)').waitFor()
      await page.getByText('overridden').first().waitFor()
      expect(await page.getByText('overridden').count()).toBe(1)
      await page.getByRole('textbox', { name: 'Prompt', exact: true }).fill('Is [Cake] bad?')
      await page.getByText('Is עוגה 🎂 bad?').waitFor()
      await button('Save').click()
      await page.getByText('version 2 ·').waitFor()
      await expect.poll(() => page.getByText('overridden').count()).toBe(2)
      await button('Inherit again').last().click()
      await page.getByText('version 3 ·').waitFor()
      await page.getByRole('link', { name: 'Versions' }).click()
      await page.getByRole('link', { name: /Version 2/ }).click()
      await page.getByText('template: Is [Cake] bad?').waitFor()
    })

    test('a run is started from its definition once, however often that is pressed, and what it takes is told before', async () => {
      const before = await runs()
      await open('/definitions')
      await page.getByRole('link', { name: 'Cakes', exact: true }).click()
      await button('Start a run').click()
      const dialog = page.getByRole('dialog', { name: 'Start a run' })
      await dialog.getByRole('checkbox', { name: /^b/ }).check()
      await dialog.getByText('2 tasks').waitFor()
      await dialog.getByRole('textbox', { name: 'Another model or version' }).fill('nobody:knows')
      await dialog.getByRole('button', { name: 'Add' }).click()
      await dialog.getByText(/nobody:knows: /).waitFor()
      await dialog.getByRole('button', { name: 'Leave out nobody:knows' }).click()
      await dialog.getByText('2 tasks').waitFor()
      await dialog.getByRole('button', { name: 'Start the run' }).dblclick()
      await page.waitForURL(/\/runs\/\d+$/)
      await page.locator('h1 + *').getByText('Succeeded').waitFor({ timeout: 20_000 })
      expect(await runs()).toBe(before + 1)
      await button('Run again').click()
      const again = page.getByRole('dialog')
      await again.getByRole('button', { name: 'Leave out fake:b' }).waitFor()
      expect(new URL(page.url()).search).toMatch(/^\?start=run\.\d+$/)
    })

    test('ten thousand transcripts are a list of which few are drawn, to the last', async () => {
      await stage.http.db.sql(
        `insert into probe.transcripts
         select r.* from probe.transcripts t, generate_series(1, 10000) i,
                jsonb_populate_record(null::probe.transcripts, to_jsonb(t) || jsonb_build_object('task', 1000 + i, 'sample', 1 + i)) r
          where t.run_id = 1 and t.task = 1`,
      )
      await open('/runs/1/transcripts')
      const rows = page.locator('tbody tr[data-row]')
      await rows.first().waitFor()
      expect(await rows.count()).toBeLessThanOrEqual(80)
      await page.getByText('200 so far').waitFor()
      await page.evaluate(() => scrollTo(0, document.body.scrollHeight))
      await page.getByText(/^[4-9]00 so far$/).waitFor()
      expect(await rows.count()).toBeLessThanOrEqual(80)
      await page.getByRole('searchbox', { name: 'Search prompts and answers' }).fill('no answer says this')
      await page.getByText('No transcript is like that.').waitFor()
    })
  })
}
