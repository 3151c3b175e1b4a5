/** What is pressed seldom, pressed once: a card's run steered, judged and told to others; people, hooks, money, skills. */
import type { Page, Request } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { definition } from '../../server/testing/bench.ts'
import { definitionText } from '../../server/testing/probe.ts'
import { addCard, cook, rests } from './board-world.ts'
import { browserPath, go, openStage, type Stage } from './stage.ts'

describe.skipIf(browserPath() === undefined)('what is pressed seldom', { timeout: 180_000 }, () => {
  let stage: Stage
  let page: Page
  beforeAll(async () => {
    stage = await openStage()
    await cook(stage.http)
    page = await stage.person()
    page.setDefaultTimeout(30_000)
  }, 120_000)
  afterAll(() => stage?.close())
  afterEach(() => expect(stage.complaints()).toEqual([]))

  const open = (path: string) => go(page, `${stage.http.url}${path}`)
  const button = (name: string) => page.getByRole('button', { name, exact: true })
  const dialog = () => page.locator('[role=dialog][data-open]')
  const said = (text: string | RegExp) => page.getByText(text).first().waitFor()
  const cardOf = async (id: number) => (await stage.http.ask(`/api/cards/${id}`)).body

  test('a card’s run is paused, resumed, cancelled with a reason and asked for again', async () => {
    const id = await addCard(stage.http, { title: 'Steered', stage: 'discovery' })
    await open(`/board/${id}`)
    await button('Pause the run').click()
    await button('Resume the run').click()
    await button('Cancel the run').click()
    await dialog().getByLabel('Reason').fill('<b>not</b> now 🌊')
    await page.keyboard.press('Control+Enter')
    await said('<b>not</b> now 🌊')
    await expect.poll(async () => (await cardOf(id)).run.status).toBe('cancelled')
    await button('Retry').click()
    await button('Pause the run').waitFor()
    await button('Cancel the run').click()
    await dialog().getByRole('button', { name: 'Cancel the run' }).click()
    await button('Retry').waitFor()
    await button('Run now').click()
    await said(/^Run \d+ has begun$/)
  })

  test('a question is answered at length, and a run that asks is rejected with a reason; gates that ask nothing are passed by hand', async () => {
    const worker = await stage.http.work(8)
    const id = await addCard(stage.http, { title: 'Judged by hand', description: 'Families forget things.' })
    await rests(stage.http, id, 'prd', 'awaiting_approval')
    await open(`/board/${id}`)
    await page.getByLabel('Answer').first().fill('x'.repeat(2_000))
    await button('Answer').first().click()
    await said(/^x{100}/)
    await button('Reject').click()
    expect(await dialog().getByRole('button', { name: 'Reject' }).isDisabled()).toBe(true)
    await dialog().getByLabel('Reason').fill('nobody pays for it')
    await dialog().getByRole('button', { name: 'Reject' }).click()
    await dialog().waitFor({ state: 'detached' })
    expect((await cardOf(id)).run.status).toBe('cancelled')

    const changed = await stage.http.ask('/api/stage-recipes/prd', {
      method: 'PATCH',
      body: { onFailBehavior: 'review_required' },
    })
    expect(changed.status, changed.text).toBe(200)
    const other = await addCard(stage.http, { title: 'Passed by hand', description: 'Families forget things.' })
    await rests(stage.http, other, 'prd', 'awaiting_approval')
    await open(`/board/${other}`)
    await button('Pass the gates').click()
    expect(await dialog().getByRole('button', { name: 'Pass the gates' }).isDisabled()).toBe(true)
    await dialog().getByLabel('Reason').fill('agreed by mail')
    await dialog().getByRole('button', { name: 'Pass the gates' }).click()
    await dialog().waitFor({ state: 'detached' })
    await rests(stage.http, other, 'validate', 'awaiting_approval')
    await worker.drain(0)
  })

  test('what is wrong with an address or a name is told at its field, and Enter does what the button does', async () => {
    await open('/settings/webhooks')
    await button('Add a webhook').first().click()
    const url = dialog().getByRole('textbox', { name: 'Address' })
    await url.fill('no address')
    await page.keyboard.press('Enter')
    await dialog().getByText('Invalid URL').waitFor()
    expect(await url.getAttribute('aria-invalid')).toBe('true')
    await url.fill(`https://example.org/${'long/'.repeat(60)}`)
    await page.keyboard.press('Enter')
    await page.getByRole('dialog', { name: /secret/ }).waitFor()
    await button('I have it').click()
    await said(/example\.org/)

    await open('/settings/members')
    await button('Invite').first().click()
    await dialog().getByRole('textbox', { name: 'Email' }).fill('nobody')
    await page.keyboard.press('Enter')
    await dialog().getByText(/one @/).first().waitFor()
    await dialog().getByRole('textbox', { name: 'Email' }).fill('eve@example.org')
    await page.keyboard.press('Enter')
    await button('I have it').click()
    await said('eve@example.org')
    await page
      .getByRole('button', { name: /^Withdraw/ })
      .first()
      .click()
    await page.getByText('eve@example.org').waitFor({ state: 'detached' })
  })

  test('an account is added, closed and opened again; a member gets another role', async () => {
    await open('/settings/accounts')
    await button('Add an account').click()
    await dialog().getByRole('textbox', { name: 'Email' }).fill('zoe@example.org')
    await dialog().getByRole('textbox', { name: 'Name' }).fill('זואי <i>Zoe</i> 🌊')
    await page.keyboard.press('Enter')
    await button('I have it').click()
    const row = page.locator('tbody tr', { hasText: 'zoe@example.org' })
    await row.getByText('זואי <i>Zoe</i> 🌊').waitFor()
    await row.getByRole('button', { name: 'Close' }).click()
    await page.getByRole('alertdialog').getByRole('button', { name: 'Close' }).click()
    await row.getByRole('button', { name: 'Open again' }).click()
    await row.getByRole('button', { name: 'Close' }).waitFor()
  })

  test('a budget is set, and taken away', async () => {
    await open('/settings/usage')
    await button('Change the budget').click()
    await dialog().getByRole('textbox', { name: 'Tokens' }).fill('1000000')
    await page.keyboard.press('Enter')
    await said(/of 1,000,000|of 1 M|of 1M/)
    const { body } = await stage.http.ask('/api/workspaces/1/budget')
    expect(body.budget.tokens).toBe(1_000_000)
    await button('Change the budget').click()
    await dialog().getByRole('textbox', { name: 'Tokens' }).fill('')
    await page.keyboard.press('Enter')
    await said('There is no budget: nothing is held back.')
  })

  test('a skill is written, vetted and its trust withdrawn', async () => {
    await open('/skills')
    await button('Write a skill').first().click()
    await dialog().getByRole('textbox', { name: 'Name' }).fill('weigh-a-list')
    await dialog().getByRole('textbox', { name: 'Description' }).fill('Weighs <b>it</b>.')
    await dialog().getByRole('textbox', { name: 'Prompt' }).fill('Weigh {{list}}.')
    await page.keyboard.press('Control+Enter')
    // What the skill does not say of itself it does not take.
    await dialog()
      .getByText(/UNKNOWN_VARIABLE/)
      .waitFor()
    await dialog().getByRole('textbox', { name: 'Prompt' }).fill('Weigh it.')
    await page.keyboard.press('Control+Enter')
    await page.getByRole('heading', { level: 1, name: 'weigh-a-list' }).waitFor()
    await button('Vet this version').click()
    await dialog().getByLabel('Note').fill('read')
    await dialog().getByRole('button', { name: 'Vet this version' }).click()
    await button('Withdraw the trust').click()
    await dialog().getByRole('button', { name: 'Withdraw the trust' }).click()
    await button('Vet this version').waitFor()
  })

  test('what failed is done again, and the audit of the run says by whom', async () => {
    const worker = await stage.http.work(8)
    const { body } = await stage.http.ask('/api/runs', {
      body: { definition: definition(definitionText(4)), models: ['fake:empty'] },
    })
    await stage.http.ended(body.run.id)
    await open(`/runs/${body.run.id}`)
    await button('Retry what failed').click()
    await said(/does once more what failed/)
    await page.getByRole('link', { name: 'Audit' }).click()
    const row = page.locator('tbody tr', { hasText: 'Taken up again' })
    await row.getByText('Ada').waitFor()
    await worker.drain(0)
  })

  test('a link, and a value, is added once by two quick presses', async () => {
    const id = await addCard(stage.http, { title: 'Worked on' })
    await open(`/board/${id}/results`)
    // Of one name only the newest is listed, so what was sent is counted.
    const sent: string[] = []
    const listen = (one: Request) => void (one.method() === 'POST' && sent.push(new URL(one.url()).pathname))
    page.on('request', listen)
    await button('Add a link').click()
    await dialog().getByLabel('Label').fill('<b>Notes</b>')
    await dialog().getByLabel('Address').fill('https://example.org/notes')
    const twice = () =>
      page.evaluate(() => {
        const add = document.querySelector<HTMLElement>('[role=dialog][data-open] footer button:last-child')
        add?.click()
        add?.click()
      })
    await twice()
    await dialog().waitFor({ state: 'detached' })
    await button('Add a value').click()
    await dialog().getByLabel('Metric').fill('sign_ups')
    await dialog().getByLabel('Value').fill('12.5')
    await dialog().getByLabel('Unit').fill('people')
    await twice()
    await dialog().waitFor({ state: 'detached' })
    await said('sign_ups')
    page.off('request', listen)
    expect(sent).toEqual([`/api/cards/${id}/artifacts`, `/api/cards/${id}/metrics`])
  })

  test('settings of the board and its stages are changed', async () => {
    await open('/board/settings')
    await button('Add a stage').click()
    await page.getByRole('textbox', { name: 'Name' }).last().fill('After all 🌊')
    await button('Save').last().click()
    await said('The stages are saved')
    await open('/board')
    await page.getByRole('region', { name: 'After all 🌊' }).waitFor()
  })

  test('who has read further down a list loses nothing when newer ones come, and sees each once', async () => {
    const begin = async () => {
      const body = { definition: definition(definitionText(1)), models: ['fake:empty'] }
      expect((await stage.http.ask('/api/runs', { body })).status).toBe(201)
    }
    for (let n = 0; n < 52; n += 1) await begin()
    // Only rows that are seen are drawn; the table says how many there are, besides its head.
    const seen = async () => Number(await page.getByRole('table').getAttribute('aria-rowcount')) - 1
    const all = async () => (await stage.http.ask('/api/runs?limit=200')).body.items.length as number
    await open('/runs')
    await expect.poll(seen).toBe(50)
    await button('Load more').click()
    await expect.poll(seen).toBe(await all())
    await begin()
    await begin()
    await button('2 new runs').click()
    await expect.poll(seen).toBe(await all())
    await page.keyboard.press('End')
    await page.locator('[data-row="1"]').waitFor()
  })
})
