/** S7, S9, S13, S15, S21 over HTTP: recipes that are kept or refused whole, and what hangs on a card. */
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '@millrace/engine/testing'
import { operator } from '../src/app.ts'
import { openHttpStage, type Answer, type HttpStage } from './http-stage.ts'

let stage: HttpStage
beforeAll(async () => {
  stage = await openHttpStage()
  await stage.work()
  stage.person('viewer', 'viewer')
  stage.person('member', 'member')
  stage.person('stranger', 'admin', 2)
})
afterAll(() => stage?.close())

const recipes = (path = '', how: Parameters<HttpStage['ask']>[1] = {}) => stage.ask(`/api/stage-recipes${path}`, how)
const patch = (name: string, body: object, as = 'member') => recipes(`/${name}`, { method: 'PATCH', body, as })
const sql = (text: string, values: unknown[] = []) =>
  stage.engine.as(
    operator,
    (tx) => tx.query(text, values),
    () => ({ millrace_tasks: '' }),
  )
async function card(
  where: string,
  description = 'Ann: “I lose my cart when the page reloads.” Bob: “Me too, twice a day.”',
) {
  const { rows } = await sql('select card_id as card, run_id as run from stage.add_card(1, $1, $2, $3, null, null)', [
    'Carts that stay',
    description,
    where,
  ])
  return rows[0] as { card: number; run: number | null }
}
const stored = () => stage.db.sql('select stage, version, updated_at from stage.stage_recipes order by stage')

test('initialize writes a recipe for each of the eleven stages, once, with steps that can run', async () => {
  const first = await recipes('', { body: { action: 'initialize', provider: 'fake' }, as: 'member' })
  expect(first.body.created).toEqual([
    'inbox',
    'discovery',
    'prd',
    'design',
    'prototype',
    'validate',
    'tickets',
    'build',
    'alpha',
    'beta',
    'ga',
  ])
  await patch('inbox', { automationLevel: 'manual' })
  const before = await stored()
  const again = await recipes('', { body: { action: 'initialize' }, as: 'member' })
  expect(again.body).toMatchObject({ created: [], kept: first.body.created })
  expect(await stored()).toEqual(before)
  await patch('inbox', { automationLevel: 'fully_auto' })
  const { body } = await recipes()
  expect(
    body.recipes.map((one: { stage: string; automationLevel: string }) => [one.stage, one.automationLevel]),
  ).toEqual([
    ['inbox', 'fully_auto'],
    ['discovery', 'auto_notify'],
    ['prd', 'auto_notify'],
    ['design', 'auto_notify'],
    ['prototype', 'auto_notify'],
    ['validate', 'human_approval'],
    ['tickets', 'human_approval'],
    ['build', 'manual'],
    ['alpha', 'manual'],
    ['beta', 'manual'],
    ['ga', 'manual'],
  ])
  for (const one of body.recipes as { stage: string; recipeSteps: object[] }[]) {
    const { validation } = (await recipes(`/${one.stage}`)).body
    expect(validation).toMatchObject({ valid: true, errors: [], warnings: [] })
    expect(validation.skillsStatus).toEqual(
      one.recipeSteps.map(() => expect.objectContaining({ found: true, trusted: true })),
    )
  }
})

test('what the default recipes make passes their gates, stage after stage', async () => {
  await stage.db.sql("update stage.settings set automation_mode = 'auto_all'")
  const { card: id } = await card('inbox')
  const ran = async () => {
    const [run] = await until(
      () =>
        stage.db.sql<{ state: string; run_id: number; stage: string; awaits: string | null; failure: unknown }>(
          `select r.state, r.id as run_id, k.stage, k.awaits, b.failure from stage.card_runs k join engine.runs r on r.id = k.run_id
             join engine.run_bodies b on b.run_id = r.id where k.card_id = $1 order by k.run_id desc limit 1`,
          [id],
        ),
      ([last]) => last !== undefined && (last.awaits !== null || !['queued', 'running'].includes(last.state)),
    )
    return run
  }
  // Inbox goes on to discovery by itself.
  await until(
    () => stage.db.sql<{ stage: string }>('select stage from stage.cards where id = $1', [id]),
    ([seen]) => seen?.stage === 'discovery',
  )
  for (const next of ['prd', 'design', 'prototype', 'validate', 'tickets', null]) {
    let run = await ran()
    if (run?.awaits === 'approval') {
      await sql('select stage.approve($1)', [run.run_id])
      run = await until(ran, (seen) => seen?.awaits !== 'approval')
    }
    // The jury may not be convinced; whoever reviews it says so.
    if (run?.stage === 'validate' && run.awaits === 'review') {
      await sql('select stage.approve($1, $2)', [run.run_id, 'We go on all the same.'])
      run = await until(ran, (seen) => seen?.awaits === null)
    }
    expect(run).toMatchObject({ state: 'succeeded' })
    if (next !== null)
      await sql('select m.id from stage.cards c, lateral stage.move(c.id, $2, c.version) m where c.id = $1', [id, next])
  }
  const documents = (await stage.ask(`/api/cards/${id}/documents`)).body.documents as { path: string }[]
  expect(documents.map(({ path }) => path).filter((path) => !path.startsWith('hypotheses/'))).toEqual([
    'design-brief.md',
    'design-review.md',
    'discovery.md',
    'engineering-spec.md',
    'gtm-brief.md',
    'prd.md',
    'prototype-notes.md',
    'research.md',
    'tickets.md',
    'validation-report.md',
  ])
  expect(documents.some(({ path }) => path.startsWith('hypotheses/'))).toBe(true)
  // The stages after those say what is missing.
  const build = (await recipes('/build/preview', { body: { cardId: id } })).body
  expect(build).toMatchObject({
    blocked: true,
    results: [{ passed: false, message: expect.stringContaining('Link the pull request') }],
  })
  const link = await stage.ask(`/api/cards/${id}/artifacts`, {
    body: { type: 'pr', label: 'Carts', uri: 'https://example.org/pull/1' },
    as: 'member',
  })
  expect(link.status).toBe(201)
  expect((await recipes('/build/preview', { body: { cardId: id } })).body).toMatchObject({ blocked: false })
}, 60_000)

const step = (change: object = {}) => ({
  skillId: 'analyze-transcript',
  order: 1,
  inputsMapping: { title: 'card.title', transcript: 'card.description' },
  outputsMapping: { $: "documents['research.md']" },
  ...change,
})

test.each([
  ['an unknown gate', { gates: [{ id: 'g', type: 'vibes', config: {} }] }, /a gate is file_exists/],
  ['a mapping to nothing', { recipeSteps: [step({ inputsMapping: { colour: 'card.title' } })] }, /no such input/],
  [
    'a source that would be a secret',
    {
      recipeSteps: [
        step({ params: {}, inputsMapping: { title: 'env.OPENAI_API_KEY', transcript: 'card.description' } }),
      ],
    },
    /a source is/,
  ],
  [
    'a document out of the folder',
    { recipeSteps: [step({ outputsMapping: { $: "documents['../../x']" } })] },
    /a path has names/,
  ],
  ['a skill that is not there', { recipeSteps: [step({ skillId: 424_242 })] }, /there is no skill 424242/],
  ['an unknown level', { automationLevel: 'whenever' }, /automationLevel/],
  ['two steps at one place', { recipeSteps: [step(), step()] }, /two steps have the order 1/],
  ['a field that is none', { gate: [] }, /there is no field "gate"/],
])('a recipe with %s is refused whole, says why, and changes nothing', async (_, change, why) => {
  const before = await stored()
  const refused = await patch('design', change)
  expect([refused.status, refused.body.code, refused.body.validation.valid]).toEqual([422, 'INVALID_RECIPE', false])
  expect(refused.body.validation.errors.join('\n')).toMatch(why)
  expect(await stored()).toEqual(before)
  expect((await recipes('/design/check', { body: change })).body).toEqual(refused.body.validation)
})

test('who only looks changes no recipe, whoever is elsewhere sees none, and a stage must be there', async () => {
  const before = await stored()
  expect((await patch('design', { enabled: false }, 'viewer')).status).toBe(403)
  expect((await recipes('/design', { as: 'stranger' })).status).toBe(404)
  expect((await recipes('?workspaceId=1', { as: 'stranger' })).body.code).toBe('NOT_ALLOWED')
  expect((await patch('nowhere', { enabled: false })).body.code).toBe('NO_SUCH_STAGE')
  expect((await recipes('/nowhere')).body.code).toBe('NO_SUCH_RECIPE')
  expect(await stored()).toEqual(before)
})

test('of two changes at one moment one wins and the other is told', async () => {
  const holder = new pg.Client(stage.db.owner)
  await holder.connect()
  // Both have read the same version when they come to write.
  await holder.query("begin; select pg_advisory_xact_lock(1936548708, hashtext('1/beta'))")
  const changes = Promise.all([patch('beta', { onFailBehavior: 'stay' }), patch('beta', { onFailBehavior: 'revert' })])
  await until(
    () => stage.db.sql("select 1 from pg_locks where locktype = 'advisory' and classid = 1936548708 and not granted"),
    (waiting) => waiting.length === 2,
  )
  await holder.query('commit')
  await holder.end()
  const told = (await changes).map(({ status, body }) => (status === 200 ? 'ok' : `${status} ${body.code}`))
  expect(told.toSorted()).toEqual(['409 RECIPE_CHANGED', 'ok'])
  const [row] = await stage.db.sql("select version from stage.stage_recipes where stage = 'beta'")
  expect(row).toEqual({ version: 2 })
})

test('who saves or deletes another version than he looked at is told, by whom it was changed, and loses nothing', async () => {
  const { version } = (await recipes('/beta')).body.recipe
  const changed = await patch('beta', { onFailBehavior: 'stay', baseVersion: version })
  expect(changed.body.recipe).toMatchObject({ onFailBehavior: 'stay', version: version + 1 })
  const before = await stored()
  const late = await patch('beta', { onFailBehavior: 'revert', baseVersion: version })
  expect([late.status, late.body.code]).toEqual([409, 'RECIPE_CHANGED'])
  expect(late.body.causes[0]).toMatch(
    new RegExp(`^you looked at version ${version}; it is at version ${version + 1} now, by member at `),
  )
  expect(late.body.remedy).toContain('Read it again')
  expect((await patch('beta', { onFailBehavior: 'revert', baseVersion: 0 })).body.causes[0]).toContain('had none')
  expect((await recipes(`/beta?baseVersion=${version}`, { method: 'DELETE' })).body.code).toBe('RECIPE_CHANGED')
  expect(await stored()).toEqual(before)
  expect((await patch('beta', { onFailBehavior: 'revert', baseVersion: version + 1 })).status).toBe(200)
})

test('a recipe that is deleted is gone, and a skill on which one stands cannot be taken away', async () => {
  const [skill] = await stage.db.sql<{ id: number }>("select id from skills.skills where key = 'review-design'")
  await expect(sql('select skills.remove($1)', [skill?.id])).rejects.toThrow('stands on it')
  expect((await recipes('/ga', { method: 'DELETE', as: 'member' })).status).toBe(204)
  expect((await recipes('/ga')).status).toBe(404)
  expect((await recipes('', { body: { action: 'initialize', provider: 'fake' } })).body.created).toEqual(['ga'])
})

const document = (id: number, path: string, how?: Parameters<HttpStage['ask']>[1]) =>
  stage.ask(`/api/cards/${id}/documents/${encodeURIComponent(path)}`, how)
const put = (id: number, path: string, content: string, baseVersion: number, as = 'member'): Promise<Answer> =>
  document(id, path, { method: 'PUT', body: { content, baseVersion }, as })

test('a person writes a document as versions with his name; whoever was slower is told', async () => {
  const { card: id } = await card('build')
  expect((await put(id, 'notes/plan.md', 'One\nTwo\n', 0)).body).toMatchObject({
    version: 1,
    by: 'member',
    origin: 'person',
  })
  expect((await put(id, 'notes/plan.md', 'One\nThree\n', 1)).body).toMatchObject({ version: 2 })
  expect(await put(id, 'notes/plan.md', 'Late\n', 1)).toMatchObject({ status: 409, body: { code: 'DOCUMENT_CHANGED' } })
  expect((await put(id, 'Notes/Plan.md', 'Other case\n', 0)).status).toBe(409)
  // The same text again is no version.
  expect((await put(id, 'notes/plan.md', 'One\nThree\n', 2)).body.version).toBe(2)
  expect((await document(id, 'notes/plan.md?version=1')).status).toBe(404)
  expect((await stage.ask(`/api/cards/${id}/documents/notes%2Fplan.md?version=1`)).body.content).toBe('One\nTwo\n')
  const { versions } = (await stage.ask(`/api/cards/${id}/documents/notes%2Fplan.md/versions`)).body
  expect(versions.map((one: { version: number }) => one.version)).toEqual([2, 1])
  expect((await stage.ask(`/api/cards/${id}/documents/notes%2Fplan.md/diff?from=1&to=2`)).body.diff).toBe(
    '--- notes/plan.md (1)\n+++ notes/plan.md (2)\n@@ -1,2 +1,2 @@\n One\n-Two\n+Three\n',
  )
})

test.each(['../../x', '/etc/passwd', 'a/../b', '.hidden', 'a//b', 'con\\x', `${'a/'.repeat(9)}b`])(
  'a document named %s is refused, and nothing is there',
  async (path) => {
    const { card: id } = await card('build')
    expect(await put(id, path, 'x', 0)).toMatchObject({ status: 422, body: { code: 'INVALID_PATH' } })
    expect((await stage.ask(`/api/cards/${id}/documents`)).body.documents).toEqual([])
  },
)

test('documents of a card are for those who may see it, and to be written by those who may change it', async () => {
  const { card: id } = await card('build')
  await put(id, 'a.md', 'A', 0)
  expect((await put(id, 'a.md', 'B', 1, 'viewer')).status).toBe(403)
  expect((await document(id, 'a.md', { as: 'viewer' })).status).toBe(200)
  for (const path of ['documents', 'documents/a.md', 'artifacts', 'metrics', 'gates']) {
    expect(await stage.ask(`/api/cards/${id}/${path}`, { as: 'stranger' })).toMatchObject({ status: 404 })
  }
  expect((await put(id, 'a.md', 'B', 1, 'stranger')).status).toBe(404)
  expect((await document(id, 'a.md')).body).toMatchObject({ version: 1, content: 'A' })
})

test('links are http or https, and metrics say their unit; a person’s are there like a run’s', async () => {
  const { card: id } = await card('build')
  const link = (uri: string) => stage.ask(`/api/cards/${id}/artifacts`, { body: { type: 'url', label: 'Alpha', uri } })
  for (const uri of ['javascript:alert(1)', 'file:///etc/passwd', 'https://user:word@example.org/', 'https://', 'x']) {
    expect((await link(uri)).body.code).toBe('INVALID_LINK')
  }
  await link('https://example.org/1')
  await link('https://example.org/2')
  expect((await stage.ask(`/api/cards/${id}/artifacts`)).body.artifacts).toMatchObject([
    { type: 'url', label: 'Alpha', uri: 'https://example.org/2', by: 'admin', stage: 'build' },
  ])
  const measure = (body: object) => stage.ask(`/api/cards/${id}/metrics`, { body, as: 'member' })
  expect((await measure({ name: 'alpha_users', value: 3 })).body.code).toBe('INVALID_METRIC')
  expect((await measure({ name: 'jury_score', value: 3, unit: 'percent' })).body.code).toBe('INVALID_METRIC')
  await measure({ name: 'alpha_users', value: 3, unit: 'people' })
  const preview = async () => (await recipes('/alpha/preview', { body: { cardId: id }, as: 'viewer' })).body
  expect(await preview()).toMatchObject({
    blocked: true,
    results: [{ passed: true }, { passed: false, evidence: { value: 3 } }],
  })
  await measure({ name: 'alpha_users', value: 5, unit: 'people' })
  expect(await preview()).toMatchObject({ blocked: false })
  expect((await stage.ask(`/api/cards/${id}/metrics`)).body.metrics).toMatchObject([{ name: 'alpha_users', value: 5 }])
  expect((await stage.ask(`/api/cards/${id}/metrics?name=alpha_users`)).body.metrics).toHaveLength(2)
})

test('a file that a run made is there on the card, and is downloaded as it was then', async () => {
  await patch('design', { recipeSteps: [step({ outputsMapping: { $: "documents['research.md']" } })], gates: [] })
  const { card: id, run } = await card('design')
  await stage.ended(run ?? 0)
  const { artifacts } = (await stage.ask(`/api/cards/${id}/artifacts`)).body
  expect(artifacts).toMatchObject([
    { type: 'file', label: 'research.md', run, document: { path: 'research.md', version: 1 } },
  ])
  const of = await Promise.all([stage.ask(`/api/runs/${run}`), stage.ask(`/api/runs/${run}/artifacts`)])
  expect([of[0].body.card.artifacts, of[1].body.card]).toEqual([artifacts, artifacts])
  await put(id, 'research.md', 'Mine.', 1)
  const download = await stage.ask(`/api/cards/${id}/artifacts/${artifacts[0].id}`)
  expect(download.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''research.md")
  expect(download.text).toMatch(/^# Research/)
  const gates = (await stage.ask(`/api/cards/${id}/gates`)).body
  expect(gates).toEqual({ results: [] })
})
