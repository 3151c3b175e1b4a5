/** S5, S14: what a provider's limits, its used-up credit and budgets do to the steps of stage runs; and what a provider is told. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { TaskFailed, type Limit } from '@millrace/engine'
import { until } from '@millrace/engine/testing'
import { operator } from '../src/app.ts'
import { setSettings } from '../src/domains/stage/board.ts'
import { failureOf } from '../src/providers/failures.ts'
import { openWorkBench, type WorkBench } from '../testing/stage-work.ts'

const SAY = {
  'SKILL.md': `# Say it
Says a title.

## Inputs
- title: string (required) - What it is about
## Outputs
- said: string - What was said
`,
  'prompt.txt': 'Say {{title}}.\n',
}
const ASK = {
  'SKILL.md': `# Ask many
Asks a panel.

## Inputs
- title: string (required) - What it is about
- juror: object (optional) - Who votes
## Outputs
- score: number - What came of it
`,
  'prompt.txt':
    'You vote as {{juror.name}}.\n\n<data name="card title">\n{{title}}\n</data>\n\nAnswer with one vote.\n',
  'output.schema.json': JSON.stringify({
    type: 'object',
    properties: { score: { type: 'number' } },
    required: ['score'],
  }),
  'panel.yaml': `votes: 3
pass: 70
fail: 50
vote: vote.schema.json
personas:
  - { name: Ann, weight: 1, role: r, disposition: d, cares_about: c, fears: f }
  - { name: Bob, weight: 1, role: r, disposition: d, cares_about: c, fears: f }
`,
  'vote.schema.json': JSON.stringify({
    type: 'object',
    properties: {
      stance: { enum: ['approve', 'conditional', 'reject'] },
      reason: { type: 'string' },
      concern: { type: 'string' },
      blocking: { type: 'boolean' },
      suggestion: { type: 'string' },
    },
    required: ['stance', 'reason', 'concern', 'blocking', 'suggestion'],
  }),
}

let bench: WorkBench
beforeAll(async () => {
  bench = await openWorkBench()
  await bench.skills({ say: SAY, ask: ASK })
  await bench.work()
})
afterAll(() => bench?.close())
beforeEach(async () => {
  bench.answer = () => ({ said: 'It.' })
  bench.asked.length = 0
  await bench.recipe('prd', { recipeSteps: [say], gates: [] })
})
afterEach(async () => {
  await bench.engine.limits.set(operator, 'mine', { concurrency: null, requestsPerMinute: null })
  await bench.engine.limits.release(operator, 'mine')
  await bench.engine.budgets.set(operator, { workspace: 1 }, {})
})

const say = {
  skillId: 'say',
  order: 1,
  inputsMapping: { title: 'card.title' },
  outputsMapping: { said: "documents['said.md']" },
  retryCount: 0,
}
const waiting = (run: number) =>
  until(
    () => bench.engine.why(operator, run),
    (lanes) => lanes.some(({ kind, reason }) => kind === 'stage.step.mine' && reason !== 'turn'),
  )
const limitOf = async (key: string): Promise<Limit | undefined> =>
  (await bench.engine.limits.list(operator)).find((limit) => limit.key === key)
const triesOf = (run: number) =>
  bench.db.sql('select distinct tries, crashes from engine.tasks where run_id = $1 and n > 0', [run])

describe('a step', () => {
  test('stands under the limits of the provider that it asks, beside its workspace’s own bound', async () => {
    await bench.engine.limits.set(operator, 'mine', { concurrency: 0 })
    const { run } = await bench.card('prd')
    expect((await waiting(run)).map(({ sentence }) => sentence)).toEqual([
      '1 task of stage.step.mine (mine): as many as mine allows at a time are running.',
    ])
    expect(await limitOf('mine')).toMatchObject({ waiting: 1, running: 0 })
    expect(await limitOf('stage:1')).toMatchObject({ waiting: 1, running: 0 })
    expect(bench.asked).toEqual([])
    await bench.engine.limits.set(operator, 'mine', { concurrency: null })
    expect((await bench.ended(run)).state).toBe('succeeded')
  })

  test('stands still while an operator has stopped its board, whatever else of the board’s settings is changed', async () => {
    await bench.engine.limits.stop(operator, 'stage:1')
    await setSettings(bench.engine, operator, 1, { fourEyes: true })
    expect(await limitOf('stage:1')).toMatchObject({ stopped: 'PAUSED', concurrency: 2 })
    await setSettings(bench.engine, operator, 1, { fourEyes: false, workerMaxConcurrency: 3 })
    expect(await limitOf('stage:1')).toMatchObject({ stopped: 'PAUSED', concurrency: 3 })
    await setSettings(bench.engine, operator, 1, { workerEnabled: false })
    await setSettings(bench.engine, operator, 1, { workerEnabled: true, workerMaxConcurrency: 2 })
    expect(await limitOf('stage:1')).toMatchObject({ stopped: null, concurrency: 2 })
  })

  test('stops everybody who asks its provider when the credit is used up, and goes on when that is released', async () => {
    bench.answer = () => {
      throw new TaskFailed(failureOf('BILLING'))
    }
    const { run } = await bench.card('prd')
    const other = await bench.card('prd')
    await until(
      () => limitOf('mine'),
      (limit) => limit?.stopped === 'BILLING' && limit.waiting === 2,
    )
    expect(await limitOf('stage:1')).toMatchObject({ stopped: null })
    expect((await waiting(run))[0]).toMatchObject({ key: 'mine', reason: 'stopped', stopped: 'BILLING' })
    bench.answer = () => ({ said: 'It.' })
    await bench.engine.limits.release(operator, 'mine')
    expect((await bench.ended(run)).state).toBe('succeeded')
    expect((await bench.ended(other.run)).state).toBe('succeeded')
    expect(await triesOf(run)).toEqual([{ tries: 0, crashes: 0 }])
  })

  test('that meets a rate limit with a time makes a pause for all under its key, and spends no try', async () => {
    bench.answer = () => {
      throw new TaskFailed(failureOf('RATE_LIMIT', { retryAfter: 600 }))
    }
    const { run } = await bench.card('prd')
    const seen = await until(
      () => limitOf('mine'),
      (limit) => limit?.until != null,
    )
    expect(seen?.until?.getTime()).toBeGreaterThan(Date.now() + 500_000)
    bench.answer = () => ({ said: 'It.' })
    await bench.engine.limits.release(operator, 'mine')
    await bench.db.sql('update engine.tasks set due_at = now() where run_id = $1 and due_at is not null', [run])
    expect((await bench.ended(run)).state).toBe('succeeded')
    expect(await triesOf(run)).toEqual([{ tries: 0, crashes: 0 }])
  })

  test('asks nobody where a budget does not cover the most that it can use, and goes on when it does', async () => {
    await bench.engine.budgets.set(operator, { workspace: 1 }, { tokens: 8_000 })
    const { run } = await bench.card('prd')
    expect((await waiting(run))[0]).toMatchObject({
      reason: 'budget',
      short: [{ whose: 'workspace', what: 'tokens' }],
    })
    expect(bench.asked).toEqual([])
    await bench.engine.budgets.set(operator, { workspace: 1 }, { tokens: 20_000 })
    expect((await bench.ended(run)).state).toBe('succeeded')
  })

  test('is asked for no longer an answer than its parameters say, and a budget covers that much', async () => {
    await bench.engine.budgets.set(operator, { workspace: 1 }, { tokens: 8_000 })
    await bench.recipe('prd', { recipeSteps: [{ ...say, params: { maxTokens: 100 } }], gates: [] })
    const { run } = await bench.card('prd')
    expect((await bench.ended(run)).state).toBe('succeeded')
  })

  test('whose model has no price is not begun under a budget of money alone, and says so', async () => {
    await bench.engine.budgets.set(operator, { workspace: 1 }, { micros: 1_000_000 })
    const { run } = await bench.card('prd')
    expect((await bench.ended(run)).failure).toMatchObject({ code: 'BUDGET_CANNOT_HOLD', retryable: false })
    expect(bench.asked).toEqual([])
    await bench.engine.budgets.set(operator, { workspace: 1 }, { micros: 1_000_000, tokens: 100_000 })
    await bench.engine.reopen(operator, run)
    expect((await bench.ended(run)).state).toBe('succeeded')
  })

  test('that a panel answers counts as a request for each vote', async () => {
    bench.answer = () => ({ stance: 'approve', reason: 'r', concern: 'none', blocking: false, suggestion: 's' })
    await bench.recipe('prd', {
      recipeSteps: [
        {
          skillId: 'ask',
          order: 1,
          inputsMapping: { title: 'card.title' },
          outputsMapping: { score: 'metrics.jury_score' },
        },
      ],
      gates: [],
    })
    const { run } = await bench.card('prd')
    expect(await bench.ended(run)).toMatchObject({ state: 'succeeded' })
    expect(bench.asked).toHaveLength(6)
    expect(
      await bench.db.sql(
        `select key, bound, requests from engine.lanes where run_id = $1 and kind = 'stage.step.mine'`,
        [run],
      ),
    ).toEqual([{ key: 'mine', bound: 'stage:1', requests: 6 }])
    // Its instructions, and the material, each where it belongs.
    expect(bench.asked.map(({ system }) => system).toSorted()[0]).toBe('You vote as Ann.')
    expect(bench.asked[0]?.prompt).toBe('<data name="card title">\nFaster checkout\n</data>\n\nAnswer with one vote.\n')
  })

  test('tells a provider which skill it performs where the prompt has no instructions of its own', async () => {
    const { run } = await bench.card('prd')
    await bench.ended(run)
    expect(bench.asked[0]).toMatchObject({
      system: 'You perform the skill “Say it”: Says a title.',
      prompt: 'Say Faster checkout.\n',
    })
  })
})
