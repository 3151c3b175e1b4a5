/** S2–S4, S6: a card moves, its stage's run begins in the same transaction, and the run's end acts in its own. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { until } from '@millrace/engine/testing'
import { operator } from '../src/app.ts'
import { act, runNow } from '../src/domains/stage/approvals.ts'
import { boardOf, setSettings, setStages } from '../src/domains/stage/board.ts'
import { addCard, cardOf, changeCard, moveCard, transitionsOf } from '../src/domains/stage/cards.ts'
import { listNotices } from '../src/domains/stage/notices.ts'
import { broken, openStageBoard, person, type StageBoard } from '../testing/stage-board.ts'

let board: StageBoard
const EVERY = [
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
]
beforeAll(async () => {
  board = await openStageBoard()
  await board.work()
})
afterAll(() => board?.close())
beforeEach(async () => {
  await board.db.sql('delete from public.recipes')
  await setSettings(board.engine, operator, 1, { automationMode: 'auto_to_stage', automationStopStage: 'validate' })
  await setSettings(board.engine, operator, 1, { aiExecutionMode: 'server', fourEyes: false })
  board.onStep = () => {}
  board.passes = () => true
})

const add = async (stage = 'inbox', who = operator) => addCard(board.engine, who, 1, { title: 'A card', stage })
const card = (id: number) => cardOf(board.engine, operator, id)
const move = async (
  id: number,
  to: string,
  more: { cancelActiveRun?: boolean; version?: number; reason?: string } = {},
) => moveCard(board.engine, operator, id, { to, version: (await card(id)).version, ...more })
const told = async (id: number) =>
  (await listNotices(board.engine, operator, { limit: 100 })).filter((one) => one.card.id === id).toReversed()
const runsOf = (id: number) =>
  board.sql<{ run_id: number; ended: boolean }>(
    'select run_id, ended_at is not null as ended from stage.card_runs where card_id = $1 order by run_id',
    [id],
  )
/** A step that waits until it is let go. */
function gate() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  board.onStep = async (_run, _step, signal) => {
    await Promise.race([opened, new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))])
    signal.throwIfAborted()
  }
  return open
}

test('a board that is used for the first time has eleven stages, in their order', async () => {
  const { columns } = await boardOf(board.engine, operator, 1)
  expect(columns.map(({ key }) => key)).toEqual(EVERY)
})

test('stages are named anew, put in another order, added, and removed where no card is', async () => {
  const other = person('admin-2', 'admin', 2)
  await board.db.sql("insert into engine.workspaces (name) values ('second') on conflict do nothing")
  await setSettings(board.engine, other, 2, { automationMode: 'auto_all', automationStopStage: null })
  await addCard(board.engine, other, 2, { title: 'Here', stage: 'prd' })
  const stages = [
    { key: 'done', name: 'Done' },
    { key: 'inbox', name: 'Ideas' },
  ]
  await expect(setStages(board.engine, other, 2, stages)).rejects.toMatchObject({ code: 'STAGE_NOT_EMPTY' })
  await expect(setStages(board.engine, other, 2, [...stages, ...stages])).rejects.toMatchObject({ code: 'STAGE_TWICE' })
  const kept = [...stages, { key: 'prd', name: 'PRD' }]
  expect(await setStages(board.engine, other, 2, kept)).toEqual(kept)
  expect((await boardOf(board.engine, other, 2)).columns.map(({ key, count }) => [key, count])).toEqual([
    ['done', 0],
    ['inbox', 0],
    ['prd', 1],
  ])
  await expect(setStages(board.engine, operator, 1, kept)).rejects.toMatchObject({ code: 'STAGE_IS_STOP_STAGE' })
})

describe('a card that is moved', () => {
  test('starts the run of its stage, whose steps are done in order and whose gates come last', async () => {
    await board.recipe('discovery', { level: 'auto_notify', steps: 3, gates: [{ id: 'g' }] })
    const { card: id } = await add()
    const moved = await move(id, 'discovery', { reason: 'enough is known' })
    expect(moved).toMatchObject({ from: 'inbox', to: 'discovery', actor: 'user:operator', reason: 'enough is known' })
    expect(await card(id)).toMatchObject({ stage: 'discovery', version: 2, activeRun: moved?.run })
    const run = await board.ended(moved?.run ?? 0)
    expect(run).toMatchObject({
      state: 'succeeded',
      output: { steps: 3, gates: { passed: 1, warned: [], waived: [] } },
      progress: { total: 5, succeeded: 5 },
    })
    expect(board.performed.filter((one) => one.startsWith(`${run.id}/`))).toEqual(
      [0, 1, 2].map((n) => `${run.id}/${n}`),
    )
    expect(await card(id)).toMatchObject({ stage: 'discovery', activeRun: null, run: { status: 'succeeded' } })
    expect(await told(id)).toMatchObject([{ kind: 'run_succeeded', run: run.id }])
  })

  test('to a stage that is not there, or by who has read another state of it, changes nothing', async () => {
    const { card: id } = await add()
    await expect(move(id, 'nowhere')).rejects.toMatchObject({ code: 'NO_SUCH_STAGE' })
    await expect(move(id, 'prd', { version: 7 })).rejects.toMatchObject({ code: 'CARD_CHANGED' })
    await expect(move(999_999, 'prd', { version: 1 })).rejects.toMatchObject({ code: 'NO_SUCH_CARD' })
    expect(await card(id)).toMatchObject({ stage: 'inbox', version: 1 })
    expect(await transitionsOf(board.engine, operator, id, { limit: 9 })).toHaveLength(1)
  })

  test('by two at once is moved by one of them, and the other is told', async () => {
    await board.recipe('prd', { level: 'manual' })
    const { card: id } = await add()
    const both = await Promise.allSettled(
      ['prd', 'design', 'prd', 'design'].map((to) => moveCard(board.engine, operator, id, { to, version: 1 })),
    )
    expect(both.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const refused = both.flatMap((one) => (one.status === 'rejected' ? [one.reason.code] : []))
    expect(refused).toEqual(['CARD_CHANGED', 'CARD_CHANGED', 'CARD_CHANGED'])
    expect(await transitionsOf(board.engine, operator, id, { limit: 9 })).toHaveLength(2)
  })

  test('stands before the card that is named, and takes another place in its column by the same move', async () => {
    const [a, b, c] = [(await add('ga')).card, (await add('ga')).card, (await add('beta')).card]
    await moveCard(board.engine, operator, c, { to: 'ga', version: 1, before: a })
    await moveCard(board.engine, operator, a, { to: 'ga', version: 1 })
    const { columns } = await boardOf(board.engine, operator, 1)
    expect(columns.at(-1)?.cards.map(({ id }) => id)).toEqual([c, b, a])
  })

  test('by a viewer, or by who is in another workspace, does not move', async () => {
    const { card: id } = await add()
    const by = (who: typeof operator) => moveCard(board.engine, who, id, { to: 'prd', version: 1 })
    await expect(by(person('v', 'viewer'))).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await expect(by(person('x', 'admin', 2))).rejects.toMatchObject({ code: 'NO_SUCH_CARD' })
  })
})

describe('a card with a run under way', () => {
  test('is not moved unless its run is to end with it, and then that has ended in the same transaction', async () => {
    await board.recipe('prd', { level: 'fully_auto', steps: 2 })
    const open = gate()
    const { card: id, run } = await add('prd')
    await board.status(run ?? 0, 'running')
    const refused = await move(id, 'design').catch((error: Error) => error)
    expect(refused).toMatchObject({ code: 'RUN_UNDER_WAY', message: `Run ${run} of this card is under way.` })
    const moved = await move(id, 'design', { cancelActiveRun: true })
    expect(moved).toMatchObject({ to: 'design', notStarted: 'no_recipe' })
    expect(await card(id)).toMatchObject({ stage: 'design', activeRun: null })
    expect(await runsOf(id)).toEqual([{ run_id: run, ended: true }])
    expect(await board.ended(run ?? 0)).toMatchObject({ state: 'cancelled' })
    open()
    // The run that has left does not move the card that it has left.
    expect(await card(id)).toMatchObject({ stage: 'design', version: 2 })
  })

  test('begins no second one, however often it is asked for', async () => {
    await board.recipe('prd', { level: 'auto_notify' })
    const open = gate()
    const { card: id, run } = await add('prd')
    const asked = await Promise.all(
      Array.from({ length: 5 }, () => runNow(board.engine, operator, { card: id, stage: 'prd' })),
    )
    expect(asked).toEqual(Array.from({ length: 5 }, () => ({ run, created: false })))
    open()
    await board.ended(run ?? 0)
    const [first, again] = [
      await runNow(board.engine, operator, { card: id, key: 'k-1' }),
      await runNow(board.engine, operator, { card: id, key: 'k-1' }),
    ]
    expect([first.created, again]).toEqual([true, { run: first.run, created: false }])
    await board.ended(first.run)
    // The key is the first request's, also when its run has ended.
    expect(await runNow(board.engine, operator, { card: id, key: 'k-1' })).toEqual({ run: first.run, created: false })
  })

  test('cannot have two, because the table does not take them', async () => {
    await board.recipe('prd', { level: 'human_approval' })
    const { card: id, run } = await add('prd')
    await act(board.engine, operator, run ?? 0, 'cancel')
    await runNow(board.engine, operator, { card: id })
    const both = board.db.sql('update stage.card_runs set ended_at = null where card_id = $1', [id])
    await expect(both).rejects.toMatchObject({ code: '23505', constraint: 'one_active_run' })
  })

  test('is archived only with the end of its run', async () => {
    await board.recipe('prd', { level: 'human_approval' })
    const { card: id, run } = await add('prd')
    const archive = (cancelActiveRun: boolean) =>
      changeCard(board.engine, operator, id, { status: 'archived' }, { version: 1, cancelActiveRun })
    await expect(archive(false)).rejects.toMatchObject({ code: 'RUN_UNDER_WAY' })
    expect(await archive(true)).toMatchObject({ status: 'archived', activeRun: null })
    expect(await board.engine.run(operator, run ?? 0)).toMatchObject({ state: 'cancelled' })
  })
})

describe('automation', () => {
  test('passes a card on by the same door as people, stage after stage, and stops at the stop stage', async () => {
    for (const stage of EVERY) await board.recipe(stage, { level: 'fully_auto', steps: 1 })
    const { card: id } = await add()
    await until(
      () => told(id),
      (seen) => seen.some(({ kind }) => kind === 'automation_stopped'),
    )
    expect(await card(id)).toMatchObject({ stage: 'validate', activeRun: null })
    const way = (await transitionsOf(board.engine, operator, id, { limit: 50 })).toReversed()
    expect(way.map(({ to }) => to)).toEqual(EVERY.slice(0, 6))
    expect(way.slice(1).map(({ actor, causedBy }) => [actor, causedBy])).toEqual(
      way.slice(0, -1).map(({ run }) => ['automation', run]),
    )
    expect(await told(id)).toMatchObject([{ kind: 'automation_stopped', data: { why: 'stop_stage', next: 'tickets' } }])
    expect(await move(id, 'tickets')).toMatchObject({ run: null, notStarted: 'past_stop_stage' })
  })

  test('that is manual starts and moves nothing; Run now does, and moves nothing either', async () => {
    await setSettings(board.engine, operator, 1, { automationMode: 'manual' })
    await board.recipe('inbox', { level: 'fully_auto' })
    const { card: id, run } = await add()
    expect(run).toBeNull()
    const asked = await runNow(board.engine, operator, { card: id })
    expect(await board.ended(asked.run)).toMatchObject({ state: 'succeeded' })
    expect(await card(id)).toMatchObject({ stage: 'inbox', activeRun: null })
    expect(await told(id)).toMatchObject([{ kind: 'automation_stopped', data: { why: 'manual_mode' } }])
  })

  test('goes to the last stage where it may everywhere', async () => {
    await setSettings(board.engine, operator, 1, { automationMode: 'auto_all' })
    for (const stage of ['beta', 'ga']) await board.recipe(stage, { level: 'fully_auto' })
    const { card: id } = await add('beta')
    await until(
      () => told(id),
      (seen) => seen.some(({ data }) => data['why'] === 'last_stage'),
    )
    expect(await card(id)).toMatchObject({ stage: 'ga' })
  })

  test('that is switched off lets cards move, and starts nothing, not even when it is asked for', async () => {
    await setSettings(board.engine, operator, 1, { aiExecutionMode: 'off' })
    await board.recipe('prd', { level: 'fully_auto' })
    const { card: id } = await add()
    expect(await move(id, 'prd')).toMatchObject({ run: null, notStarted: 'ai_off' })
    await expect(runNow(board.engine, operator, { card: id })).rejects.toMatchObject({ code: 'AI_OFF' })
    expect(await runsOf(id)).toEqual([])
  })

  test('does not bring a card into one stage more than three times in a minute', async () => {
    await board.recipe('discovery', { level: 'fully_auto', gates: [{ id: 'g' }], onFailBehavior: 'revert' })
    await board.recipe('inbox', { level: 'fully_auto' })
    board.passes = () => false
    const { card: id } = await add()
    for (let round = 0; round < 3; round += 1) {
      await until(
        () => transitionsOf(board.engine, operator, id, { limit: 50 }),
        (way) => way.filter(({ notStarted }) => notStarted === 'reverted').length === round + 1,
      )
      await until(
        () => card(id),
        (seen) => seen.activeRun === null && seen.stage === 'inbox',
      )
      await runNow(board.engine, operator, { card: id })
    }
    await until(
      () => told(id),
      (seen) => seen.some(({ data }) => data['why'] === 'loop'),
    )
    expect(await card(id)).toMatchObject({ stage: 'inbox' })
    // A person may.
    expect(await move(id, 'discovery')).toMatchObject({ to: 'discovery', notStarted: null })
  })

  test('leaves alone a card that is paused', async () => {
    await board.recipe('inbox', { level: 'fully_auto' })
    const open = gate()
    const { card: id, run } = await add()
    await changeCard(board.engine, operator, id, { status: 'paused' }, { version: 1 })
    open()
    await board.ended(run ?? 0)
    expect(await card(id)).toMatchObject({ stage: 'inbox' })
    expect(await move(id, 'prd')).toMatchObject({ notStarted: expect.stringMatching(/card_not_active|no_recipe/) })
  })
})

describe('each level', () => {
  test.each([
    ['fully_auto', true, 'discovery'],
    ['auto_notify', true, 'inbox'],
    ['human_approval', true, 'inbox'],
    ['manual', false, 'inbox'],
  ] as const)('%s does what it says when a card comes', async (level, starts, stage) => {
    await board.recipe('inbox', { level })
    const { card: id, run } = await add()
    expect(run !== null).toBe(starts)
    if (level === 'human_approval') {
      expect(await board.engine.run(operator, run ?? 0)).toMatchObject({ status: 'awaiting_approval' })
      await act(board.engine, operator, run ?? 0, 'approve')
    }
    const asked = run ?? (await runNow(board.engine, operator, { card: id })).run
    await board.ended(asked)
    expect(await card(id)).toMatchObject({ stage })
  })

  test('a disabled recipe does nothing', async () => {
    await board.recipe('inbox', { level: 'fully_auto', enabled: false })
    const { card: id, run } = await add()
    expect(run).toBeNull()
    await expect(runNow(board.engine, operator, { card: id })).rejects.toMatchObject({ code: 'RECIPE_DISABLED' })
  })

  test('a failed step fails the run, and a retry goes on with that step in a new round', async () => {
    await board.recipe('inbox', { level: 'fully_auto', steps: 3 })
    let fails = true
    board.onStep = (_run, step) => {
      if (step === 1 && fails) throw broken('BAD_OUTPUT')
    }
    const { card: id, run } = await add()
    expect(await board.ended(run ?? 0)).toMatchObject({ state: 'failed', failure: { code: 'BAD_OUTPUT' } })
    expect(await told(id)).toMatchObject([{ kind: 'run_failed', data: { code: 'BAD_OUTPUT' } }])
    expect(await card(id)).toMatchObject({ stage: 'inbox', activeRun: null })
    fails = false
    await act(board.engine, operator, run ?? 0, 'retry')
    expect(await board.ended(run ?? 0)).toMatchObject({ state: 'succeeded', round: 2 })
    expect(board.performed.filter((one) => one.startsWith(`${run}/`))).toEqual([`${run}/0`, `${run}/1`, `${run}/2`])
    expect(await card(id)).toMatchObject({ stage: 'discovery' })
    // Its card has gone on: it is not this run's to try again.
    await board.db.sql("update engine.runs set state = 'failed' where id = $1", [run])
    await expect(act(board.engine, operator, run ?? 0, 'retry')).rejects.toMatchObject({ code: 'CARD_ELSEWHERE' })
  })
})
