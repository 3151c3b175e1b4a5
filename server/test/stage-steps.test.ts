/** S8, S15: a card comes into a stage, its recipe's steps are done, and what they make is there with the evidence of the gates. */
import pg from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { until } from '@millrace/engine/testing'
import { operator } from '../src/app.ts'
import { usageOfRun, usageSince } from '../src/prices/usage.ts'
import { openWorkBench, type WorkBench } from '../testing/stage-work.ts'

const SUMMARIZE = {
  'SKILL.md': `# Summarize
Says what a text says.

## Inputs
- title: string (required) - What it is about
- source: string (optional) - The text
## Outputs
- summary: string - What it says
- score: number (optional) - How sure
- link: string (optional) - Where more is
- points: string[] (optional) - One each
`,
  'prompt.txt': 'Summarize {{title}}.{{#source}}\nSource: {{source}}{{/source}}\n',
  'templates/summary.md': '# Summary\n\n{{summary}}\n',
}
const READ = `import { z } from 'zod'
import { defineTool } from 'millrace/tool'
export const long_enough = defineTool({
  name: 'long_enough', version: '1.0.0', description: 'Is a text long enough?',
  input: z.object({ text: z.string(), least: z.number() }),
  output: z.object({ passed: z.boolean(), evidence: z.object({ letters: z.number() }) }),
  run: ({ text, least }) => ({ passed: text.length >= least, evidence: { letters: text.length } }),
})
`

let bench: WorkBench
beforeAll(async () => {
  bench = await openWorkBench({ tools: { 'long_enough.ts': READ } })
  await bench.skills({ summarize: SUMMARIZE })
  await bench.work()
})
afterAll(() => bench?.close())
beforeEach(() => {
  bench.answer = () => ({ summary: 'It is slow.' })
  bench.asked.length = 0
})

const step = (change: object = {}) => ({
  skillId: 'summarize',
  order: 1,
  inputsMapping: { title: 'card.title', source: 'card.description' },
  outputsMapping: { $: "documents['summary.md']" },
  retryCount: 0,
  ...change,
})
const gate = { id: 'summary', type: 'file_exists', config: { pattern: 'summary.md' }, required: true }
const failureOf = async (run: number) => (await bench.ended(run)).failure

test('a step fills the skill’s prompt from the card, and its answer becomes a document, artifacts and a metric', async () => {
  bench.answer = () => ({
    summary: 'Too slow.',
    score: 81,
    link: 'https://example.org/more',
    points: ['One', 'Two'],
  })
  const outputsMapping = {
    $: "documents['summary.md']",
    summary: "documents['short.txt']",
    score: 'metrics.jury_score',
    link: "artifacts.url['More']",
    points: "documents['points/*.md']",
  }
  await bench.recipe('prd', {
    recipeSteps: [step({ outputsMapping })],
    gates: [gate, { id: 'jury', type: 'jury_score', config: { threshold: 80 }, required: true }],
  })
  const { card, run } = await bench.card('prd')
  expect(await bench.ended(run)).toMatchObject({ state: 'succeeded', output: { gates: { passed: 2 } } })
  expect(bench.asked.map(({ prompt }) => prompt)).toEqual([
    'Summarize Faster checkout.\nSource: People leave at the last step.\n',
  ])
  expect(bench.asked[0]?.context).toMatchObject({ cardId: String(card), runId: String(run), stage: 'prd' })
  expect(await bench.text(card, 'summary.md')).toBe('# Summary\n\nToo slow.\n')
  expect(await bench.text(card, 'short.txt')).toBe('Too slow.\n')
  expect(await bench.text(card, 'points/02.md')).toBe('Two\n')
  expect(
    await bench.sql('select type, label, uri, stage from stage.artifacts where card_id = $1 order by type, label', [
      card,
    ]),
  ).toMatchObject([
    { type: 'file', label: 'points/01.md' },
    { type: 'file', label: 'points/02.md' },
    { type: 'file', label: 'short.txt' },
    { type: 'file', label: 'summary.md', uri: null, stage: 'prd' },
    { type: 'url', label: 'More', uri: 'https://example.org/more' },
  ])
  expect(await bench.sql('select name, value, unit from stage.metrics where card_id = $1', [card])).toEqual([
    { name: 'jury_score', value: 81, unit: 'score' },
  ])
  expect(
    await bench.sql('select gate, passed, evidence from stage.gate_results where run_id = $1 order by id', [run]),
  ).toEqual([
    { gate: 'summary', passed: true, evidence: { pattern: 'summary.md', found: [{ path: 'summary.md', version: 1 }] } },
    {
      gate: 'jury',
      passed: true,
      evidence: { metric: 'jury_score', operator: '>=', threshold: 80, unit: 'score', value: 81, measuredIn: 'score' },
    },
  ])
})

test('what a step paid is in the usage, under its model', async () => {
  await bench.recipe('prd', { recipeSteps: [step()], gates: [gate] })
  const { run } = await bench.card('prd')
  await bench.ended(run)
  expect(await usageOfRun(bench.engine, operator, run)).toMatchObject({ calls: 1, tokens: 15 })
  const usage = await usageSince(bench.engine, operator, new Date(Date.now() - 60_000), 'model')
  expect(usage.lines.map(({ of }) => of)).toContain('mine:large')
})

test('later steps read what earlier ones gave, and the documents that they made', async () => {
  bench.answer = (prompt) => ({ summary: prompt.startsWith('Summarize Fa') ? 'First.' : 'Second.' })
  await bench.recipe('prd', {
    recipeSteps: [
      step(),
      step({
        order: 2,
        inputsMapping: { title: 'steps.1.summary', source: "documents['summary.md']" },
        outputsMapping: { summary: "documents['b.md']" },
      }),
    ],
    gates: [gate],
  })
  const { card, run } = await bench.card('prd')
  await bench.ended(run)
  expect(bench.asked[1]?.prompt).toBe('Summarize First..\nSource: # Summary\n\nFirst.\n\n')
  expect(await bench.text(card, 'b.md')).toBe('Second.\n')
})

test('a stage that runs again makes a new version, and reads nothing of what it made itself', async () => {
  let n = 0
  bench.answer = () => ({ summary: `Take ${++n}.` })
  await bench.recipe('design', {
    recipeSteps: [step({ inputsMapping: { title: 'card.title', source: "documents['summary.md']" } })],
    gates: [gate],
  })
  const { card, run } = await bench.card('design')
  await bench.ended(run)
  await bench.ended(await bench.again(card))
  expect(bench.asked.map(({ prompt }) => prompt)).toEqual([
    'Summarize Faster checkout.\n',
    'Summarize Faster checkout.\n',
  ])
  const versions = await bench.sql(
    `select d.version as latest, v.version, v.content from stage.documents d
       join stage.document_versions v on v.document_id = d.id where d.card_id = $1 order by v.version`,
    [card],
  )
  expect(versions).toEqual([
    { latest: 2, version: 1, content: '# Summary\n\nTake 1.\n' },
    { latest: 2, version: 2, content: '# Summary\n\nTake 2.\n' },
  ])
  // What a person wrote there is read: that is not its own.
  await bench.sql("select stage.write($1, 'summary.md', 'By hand.', $2, 2)", [card, 'b'.repeat(64)])
  await bench.ended(await bench.again(card))
  expect(bench.asked[2]?.prompt).toBe('Summarize Faster checkout.\nSource: By hand.\n')
})

test('an answer without a field that the skill gives fails the step, and the failure names the field and no text', async () => {
  bench.answer = () => ({ summary: 7, 'a secret word': 1 })
  await bench.recipe('prd', { recipeSteps: [step()], gates: [gate] })
  const { card, run } = await bench.card('prd')
  const failure = await failureOf(run)
  expect(failure).toMatchObject({ code: 'INVALID_RESPONSE', details: { json: 'does not fit the schema' } })
  expect(failure?.details?.['fields']).toContain('summary')
  expect(JSON.stringify(failure)).not.toContain('secret')
  expect(await bench.text(card, 'summary.md')).toBeUndefined()
  expect(await bench.sql('select 1 from stage.artifacts where run_id = $1', [run])).toEqual([])
})

test('a step tries again as often as its recipe says, and no answer is bought twice', async () => {
  let n = 0
  bench.answer = () => (++n < 3 ? 'no JSON' : { summary: 'At last.' })
  await bench.recipe('prd', { recipeSteps: [step({ retryCount: 2 })], gates: [gate] })
  const { run } = await bench.card('prd')
  expect(await bench.ended(run)).toMatchObject({ state: 'succeeded' })
  expect(n).toBe(3)
  n = -100
  await bench.recipe('prd', { recipeSteps: [step({ retryCount: 0 })], gates: [gate] })
  expect(await failureOf((await bench.card('prd')).run)).toMatchObject({ code: 'INVALID_RESPONSE' })
  expect(n).toBe(-99)
})

test('a step that takes longer than its recipe allows is ended, and says so', async () => {
  bench.answer = () => new Promise(() => {})
  await bench.recipe('prd', { recipeSteps: [step({ timeout: 1_000 })], gates: [gate] })
  expect(await failureOf((await bench.card('prd')).run)).toMatchObject({ code: 'STEP_TIMEOUT' })
})

test('an input that the skill needs and that is not there fails the step by its name', async () => {
  await bench.recipe('prd', {
    recipeSteps: [step({ inputsMapping: { title: "documents['nothing.md']" } })],
    gates: [gate],
  })
  expect(await failureOf((await bench.card('prd')).run)).toMatchObject({
    code: 'MISSING_INPUT',
    details: { names: 'title' },
  })
  expect(bench.asked).toEqual([])
})

test('a link that a model makes up is none: nothing but http and https is kept', async () => {
  bench.answer = () => ({ summary: 'x', link: 'javascript:alert(1)' })
  await bench.recipe('prd', {
    recipeSteps: [step({ outputsMapping: { $: "documents['summary.md']", link: "artifacts.url['More']" } })],
    gates: [gate],
  })
  const { card, run } = await bench.card('prd')
  expect(await failureOf(run)).toMatchObject({ code: 'INVALID_LINK', details: { names: 'link' } })
  expect(await bench.text(card, 'summary.md')).toBeUndefined()
})

test('a recipe stands on the content that it was saved with, whatever the skill becomes', async () => {
  await bench.skills({ changing: { ...SUMMARIZE, 'prompt.txt': 'Old: {{title}}\n' } })
  await bench.recipe('prd', { recipeSteps: [step({ skillId: 'changing' })], gates: [gate] })
  await bench.skills({ changing: { 'prompt.txt': 'New: {{title}}\n' } })
  await bench.ended((await bench.card('prd')).run)
  expect(bench.asked.map(({ prompt }) => prompt)).toEqual(['Old: Faster checkout\n'])
  const { validation } = await bench.recipe('prd', { enabled: true })
  expect(validation.warnings.join()).toMatch(/stands at version 1; version 2 is in use/)
})

test('a gate that a tool answers passes by its word, and keeps what it said', async () => {
  const custom = (least: number) => ({
    id: 'length',
    type: 'custom',
    config: { tool: 'long_enough', input: { text: "documents['summary.md']", least: String(least) } },
    required: true,
  })
  await bench.recipe('prd', { recipeSteps: [step()], gates: [custom(5)] })
  const good = await bench.card('prd')
  expect(await bench.ended(good.run)).toMatchObject({ state: 'succeeded' })
  const evidence = (run: number) =>
    bench.sql('select passed, evidence from stage.gate_results where run_id = $1', [run])
  expect(await evidence(good.run)).toEqual([{ passed: true, evidence: { tool: 'long_enough', said: { letters: 23 } } }])
  await bench.recipe('prd', { recipeSteps: [step()], gates: [custom(5_000)] })
  const bad = await bench.card('prd')
  expect(await failureOf(bad.run)).toMatchObject({ code: 'GATE_FAILED', details: { gates: 'length' } })
  expect(await evidence(bad.run)).toMatchObject([{ passed: false }])
})

/** As PostgreSQL sees the death of a process: its sessions are gone, and with them its lock. */
const killWorkers = () =>
  bench.db.sql(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'millrace worker'",
  )
const versionsOf = (card: number) =>
  bench.sql(
    'select d.path, v.version from stage.document_versions v join stage.documents d on d.id = v.document_id where d.card_id = $1 order by 1, 2',
    [card],
  )

test('workers that die while they ask change nothing but time: one version of each document, one artifact', async () => {
  let deaths = 0
  bench.answer = async (prompt) => {
    // At the first asking of each step.
    if (bench.asked.filter((one) => one.prompt === prompt).length === 1) {
      deaths += 1
      await killWorkers()
    }
    return { summary: `Answer to ${prompt.length}.` }
  }
  const steps = ['a', 'b', 'c'].map((name, i) =>
    step({
      order: i + 1,
      inputsMapping: { title: `'${name.repeat(i + 1)}'` },
      outputsMapping: { summary: `documents['${name}.md']` },
    }),
  )
  await bench.recipe('prd', { recipeSteps: steps, gates: [{ ...gate, config: { pattern: 'c.md' } }] })
  const { card, run } = await bench.card('prd')
  expect(await bench.ended(run)).toMatchObject({ state: 'succeeded' })
  expect(deaths).toBe(3)
  expect(await versionsOf(card)).toEqual(['a.md', 'b.md', 'c.md'].map((path) => ({ path, version: 1 })))
  expect(await bench.sql('select label from stage.artifacts where run_id = $1 order by label', [run])).toEqual(
    ['a.md', 'b.md', 'c.md'].map((label) => ({ label })),
  )
  expect(await bench.sql('select gate from stage.gate_results where run_id = $1', [run])).toEqual([{ gate: 'summary' }])
})

test('an answer that came before its worker died is not bought again', async () => {
  await bench.recipe('prd', { recipeSteps: [step()], gates: [gate] })
  let say: ((said: unknown) => void) | undefined
  bench.answer = () => new Promise((resolve) => (say = resolve))
  const { card, run } = await bench.card('prd')
  await until(
    () => say,
    (seen) => seen !== undefined,
  )
  const holder = new pg.Client(bench.db.owner)
  await holder.connect()
  // Nobody can close the task while this lasts; and then its worker is gone.
  await holder.query('begin')
  await holder.query("select 1 from engine.tasks where run_id = $1 and state = 'running' for update", [run])
  say?.({ summary: 'Bought.' })
  await until(
    () => bench.sql("select 1 from engine.ledger where run_id = $1 and entry = 'receipt'", [run]),
    (rows) => rows.length > 0,
  )
  await holder.query("update engine.workers set gone_at = engine.clock(), gone_why = 'lease' where gone_at is null")
  await holder.query('select engine.rescue()')
  await holder.query('commit')
  await holder.end()
  expect(await bench.ended(run)).toMatchObject({ state: 'succeeded' })
  expect(bench.asked).toHaveLength(1)
  expect(await bench.sql('select max(attempt) as attempt from engine.tasks where run_id = $1', [run])).toEqual([
    { attempt: 2 },
  ])
  expect(await versionsOf(card)).toEqual([{ path: 'summary.md', version: 1 }])
  expect(await usageOfRun(bench.engine, operator, run)).toMatchObject({ calls: 1 })
})

test.each([
  ['stay', 'failed', 'prd'],
  ['revert', 'failed', 'discovery'],
  ['create_questions', 'awaiting_approval', 'prd'],
  ['review_required', 'awaiting_approval', 'prd'],
])('a required gate that fails keeps its evidence, and %s does what it says', async (onFailBehavior, status, stage) => {
  const message = 'Write the GTM brief first.'
  await bench.recipe('prd', {
    recipeSteps: [step()],
    gates: [{ id: 'gtm', type: 'file_exists', config: { pattern: 'gtm.md' }, required: true, message }],
    onFailBehavior,
  })
  const { card } = await bench.card('discovery')
  const run = await bench.move(card, 'prd')
  await until(
    () => bench.engine.run(operator, run),
    (seen) => seen.status === status,
  )
  expect(await bench.sql('select stage from stage.cards where id = $1', [card])).toEqual([{ stage }])
  expect(await bench.sql('select message, evidence from stage.gate_results where run_id = $1', [run])).toEqual([
    { message, evidence: { pattern: 'gtm.md', found: [] } },
  ])
  if (onFailBehavior === 'create_questions') {
    const questions = await bench.sql<{ id: number; question: string }>(
      'select id, question from stage.questions where card_id = $1',
      [card],
    )
    expect(questions.map(({ question }) => question)).toEqual([message])
    await bench.sql('select id from stage.answer($1, $2, $3)', [card, questions[0]?.id, 'It is there now.'])
    await bench.sql("select stage.write($1, 'gtm.md', 'All of it.', $2, 0)", [card, 'c'.repeat(64)])
    const before = bench.asked.length
    await bench.sql('select stage.retry_held($1)', [run])
    expect(await bench.ended(run)).toMatchObject({ state: 'succeeded' })
    // Only the gates ran again.
    expect(bench.asked).toHaveLength(before)
    expect(await bench.sql('select passed from stage.gate_results where run_id = $1 order by id', [run])).toEqual([
      { passed: false },
      { passed: true },
    ])
  }
  if (onFailBehavior === 'review_required') {
    await bench.sql('select stage.approve($1, $2)', [run, 'The GTM brief comes later.'])
    expect(await bench.ended(run)).toMatchObject({ state: 'succeeded', output: { gates: { waived: ['gtm'] } } })
  }
})

test('a recipe that is disabled does nothing, and a gate that is not required stops nothing', async () => {
  await bench.recipe('prd', { recipeSteps: [step()], gates: [gate], enabled: false })
  expect((await bench.card('prd')).run).toBe(0)
  await bench.recipe('prd', {
    enabled: true,
    gates: [{ id: 'gtm', type: 'file_exists', config: { pattern: 'gtm.md' }, required: false }],
  })
  expect(await bench.ended((await bench.card('prd')).run)).toMatchObject({
    state: 'succeeded',
    output: { gates: { warned: ['gtm'] } },
  })
})

test('a skill that has lost its trust since the recipe was saved waits for a person', async () => {
  await bench.skills({ trusted: SUMMARIZE })
  const [skill] = await bench.sql<{ id: number }>("select id from skills.skills where key = 'trusted'")
  const trust = (level: string) => bench.sql('select skills.trust($1, 1, null, $2, null)', [skill?.id, level])
  await trust('vetted')
  await bench.recipe('prd', {
    recipeSteps: [step({ skillId: 'trusted' })],
    gates: [gate],
    automationLevel: 'fully_auto',
  })
  expect(await bench.ended((await bench.card('prd')).run)).toMatchObject({ state: 'succeeded' })
  await trust('community')
  const { run } = await bench.card('prd')
  expect(await bench.engine.run(operator, run)).toMatchObject({ status: 'awaiting_approval' })
  await expect(bench.recipe('prd', { automationLevel: 'fully_auto' })).rejects.toMatchObject({
    code: 'INVALID_RECIPE',
    validation: { valid: false, skillsStatus: [{ name: 'Summarize', trusted: false }] },
  })
  await bench.sql('select stage.cancel($1)', [run])
})
