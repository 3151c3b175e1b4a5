/**
 * The board in a real browser, with a real worker and the keyless provider: a card
 * goes its way by mouse and by keys, through a gate that fails, questions and an approval.
 */
import type { Page } from 'playwright-core'
import { beforeAll, describe, expect, test } from 'vitest'
import { addCard, cook, rests } from './board-world.ts'
import { go, type Stage, type Tour } from './stage.ts'

/** Nothing works here, and nothing need be there. */
export function boardByKeys(on: () => Tour): void {
  describe('the board in the console, by keys', () => {
    let stage: Stage
    let page: Page
    beforeAll(() => void ({ stage, page } = on()))

    const column = (name: string) => page.getByRole('region', { name, exact: true })
    const card = (title: string) => page.getByRole('link', { name: new RegExp(`^${title}`) })

    test('a card is carried by keys alone, each step is said, and Escape puts it back', async () => {
      await addCard(stage.http, { title: 'Carried by keys', stage: 'build' })
      await go(page, `${stage.http.url}/board`)
      await card('Carried by keys').focus()
      await page.keyboard.press('Space')
      const said = page.locator('[aria-live=assertive]', { hasText: /./ })
      await said.getByText('Picked up Carried by keys. Build').waitFor()
      await page.keyboard.press('ArrowRight')
      await said.getByText('Alpha, place 1').waitFor()
      await page.keyboard.press('Escape')
      await said.getByText('was put back').waitFor()
      await page.keyboard.press('Space')
      await page.keyboard.press('ArrowRight')
      await page.keyboard.press('Space')
      await column('Alpha').getByText('Carried by keys').waitFor()
      await page.getByText('Moved to Alpha').waitFor()
      await expect.poll(() => page.locator(':focus').textContent()).toContain('Carried by keys')
    })
  })
}

/** The worker is there. */
export function board(on: () => Tour): void {
  describe('the board in the console', () => {
    let stage: Stage
    let page: Page
    beforeAll(async () => {
      ;({ stage, page } = on())
      await cook(stage.http)
    })

    const open = (path: string) => go(page, `${stage.http.url}${path}`)
    const column = (name: string) => page.getByRole('region', { name, exact: true })
    const card = (title: string) => page.getByRole('link', { name: new RegExp(`^${title}`) })

    test('a card goes by hand to a gate that fails; its evidence is read, its question answered, and it goes on to an approval', async () => {
      await open('/board')
      await page.getByRole('button', { name: 'Add a card' }).first().click()
      const dialog = page.getByRole('dialog', { name: 'Add a card' })
      await dialog.getByLabel('Title').fill('A list for trips')
      await dialog.getByLabel('Description').fill('Families forget things, and pack others twice.')
      await dialog.getByRole('button', { name: 'Add it' }).click()

      // The worker carries it to the gate; the board shows it without being asked.
      await column('PRD').getByText('Needs answers').waitFor({ timeout: 30_000 })
      await card('A list for trips').click()
      const gate = page.getByRole('listitem').filter({ hasText: 'Not passed' })
      await gate.getByText('Looked for').waitFor()
      await gate.getByText('pricing.md', { exact: true }).waitFor()
      const again = page.getByRole('button', { name: 'Look at the gates again' })
      expect(await again.isDisabled()).toBe(true)
      await page.getByLabel('Answer').fill('Free for a household; clubs pay.')
      await page.getByRole('button', { name: 'Answer', exact: true }).click()
      await page.getByText('Free for a household; clubs pay.').waitFor()

      await page.getByRole('link', { name: 'Documents' }).click()
      await page.getByRole('button', { name: 'Write a document' }).click()
      const writing = page.getByRole('dialog', { name: 'Write a document' })
      await writing.getByLabel('Name').fill('pricing.md')
      await writing.getByLabel('Text').fill('# Pricing\n\n<img src=x onerror=alert(1)> Free, and **clubs** pay.')
      await writing.getByRole('button', { name: 'Save as a new version' }).click()
      await page.getByText('<img src=x onerror=alert(1)> Free, and').waitFor()

      await page.getByRole('link', { name: 'Overview' }).click()
      await again.click()
      await page.getByText('Needs approval').first().waitFor({ timeout: 30_000 })
      await page.getByRole('button', { name: 'Approve' }).click()
      await page.getByLabel('Reason').fill('the requirements are agreed')
      await page.getByRole('dialog').getByRole('button', { name: 'Approve' }).click()
      await page.locator('h1 + *').getByText('Validate').waitFor()
      await page.getByRole('link', { name: 'Results' }).click()
      await page.getByText('of 100', { exact: true }).waitFor({ timeout: 30_000 })
      await page.getByRole('link', { name: 'History' }).click()
      await page.getByText('the requirements are agreed').waitFor()
      // Who has moved and approved it is told by name.
      const name = await page.evaluate(async () => {
        const me = (await (await fetch('/api/me')).json()) as { user: { name: string } }
        return me.user.name
      })
      await page.getByRole('main').getByText(name, { exact: true }).first().waitFor()
    })

    test('a card is dragged before another; who is too late is told, and sees where it is', async () => {
      const late = await addCard(stage.http, { title: 'Dragged first', stage: 'beta' })
      await addCard(stage.http, { title: 'Stands in GA', stage: 'ga' })
      await open('/board')
      await card('Dragged first').dragTo(card('Stands in GA'), { targetPosition: { x: 40, y: 4 } })
      await expect.poll(() => column('GA').getByRole('listitem').first().textContent()).toContain('Dragged first')
      await expect.poll(async () => (await stage.http.ask(`/api/cards/${late}`)).body.stage).toBe('ga')

      // The other's move arrives between the press and what the press has sent.
      await page.route(
        `**/api/cards/${late}/move`,
        async (route) => {
          const { version } = (await stage.http.ask(`/api/cards/${late}`)).body
          const moved = await stage.http.ask(`/api/cards/${late}/move`, { body: { to: 'alpha', version } })
          expect(moved.status).toBe(200)
          await route.continue()
        },
        { times: 1 },
      )
      await page.getByRole('button', { name: 'Move Dragged first' }).click()
      await page.getByRole('menuitem', { name: 'Beta' }).click()
      await page.getByText('Somebody else was quicker').waitFor()
      await column('Alpha').getByText('Dragged first').waitFor()
      stage.complaints()
    })

    test('before an active run is cancelled by a move, one is asked', async () => {
      const id = await addCard(stage.http, { title: 'Waits in validate', stage: 'validate' })
      await rests(stage.http, id, 'validate', 'awaiting_approval')
      await open('/board')
      await page.getByRole('button', { name: 'Move Waits in validate' }).click()
      await page.getByRole('menuitem', { name: 'Beta' }).click()
      const asked = page.getByRole('alertdialog', { name: 'A run of this card is under way' })
      await asked.waitFor()
      expect((await stage.http.ask(`/api/cards/${id}`)).body.stage).toBe('validate')
      await asked.getByRole('button', { name: 'Cancel the run and move' }).click()
      await column('Beta').getByText('Waits in validate').waitFor()
    })

    test('a notice far below that was read says so at once, and so do all when all were read', async () => {
      const id = await addCard(stage.http, { title: 'Told of often', stage: 'alpha' })
      await stage.http.db.sql(
        `insert into stage.notifications (workspace_id, kind, card_id, stage, at)
           select 1, 'run_succeeded', $1, 'alpha', now() from generate_series(1, 70)`,
        [id],
      )
      await open('/board/inbox')
      const told = page.getByRole('listitem').filter({ hasText: 'Told of often' })
      const unread = told.getByRole('button', { name: 'Mark as read' })
      await expect.poll(() => unread.count()).toBe(30)
      await page.getByRole('button', { name: 'Load more' }).click()
      await expect.poll(() => unread.count()).toBe(60)
      await unread.nth(50).click()
      await expect.poll(() => unread.count()).toBe(59)
      await page.getByRole('button', { name: 'Mark all as read' }).click()
      await expect.poll(() => unread.count()).toBe(0)
    })

    test('a recipe is checked while one types, and what is wrong is not saved', async () => {
      await open('/board/recipes/prd')
      await page.getByText('It can be saved.').waitFor()
      await page.getByRole('textbox', { name: 'Gate 1: Id' }).fill('not an id!')
      await page.getByText(/an id has 1 to 64 letters/).waitFor()
      const save = page.getByRole('button', { name: 'Save', exact: true })
      expect(await save.isDisabled()).toBe(true)
      await page.getByRole('textbox', { name: 'Gate 1: Id' }).fill('whole')
      await page.getByText('It can be saved.').waitFor()
      await save.click()
      await page.getByText('The recipe is saved').waitFor()
      const { body } = await stage.http.ask('/api/stage-recipes/prd')
      expect(body.recipe.gates[0].id).toBe('whole')
    })

    test('a recipe that somebody else has saved meanwhile is not saved over unless one says so, and nothing typed is lost', async () => {
      await open('/board/recipes/design')
      await page.getByText('It can be saved.').waitFor()
      await page.getByRole('textbox', { name: 'Gate 1: Id' }).fill('mine')
      const theirs = await stage.http.ask('/api/stage-recipes/design', {
        method: 'PATCH',
        body: { onFailBehavior: 'review_required' },
      })
      await page.getByText('It can be saved.').waitFor()
      await page.getByRole('button', { name: 'Save', exact: true }).click()
      const told = page.getByRole('alert').filter({ hasText: 'What you have typed is still here.' })
      await told.waitFor()
      expect(await page.getByRole('textbox', { name: 'Gate 1: Id' }).inputValue()).toBe('mine')
      const kept = (await stage.http.ask('/api/stage-recipes/design')).body.recipe
      expect(kept).toMatchObject({ version: theirs.body.recipe.version, onFailBehavior: 'review_required' })
      await told.getByRole('button', { name: 'Save mine over it' }).click()
      await told.waitFor({ state: 'detached' })
      const now = (await stage.http.ask('/api/stage-recipes/design')).body.recipe
      expect([now.version, now.gates[0].id]).toEqual([kept.version + 1, 'mine'])
    })
  })
}
