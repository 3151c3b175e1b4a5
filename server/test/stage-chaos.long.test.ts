/** Cards go through stages while those who work on them are killed: that costs time, and nothing else. */
import { fork, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { until } from '@millrace/engine/testing'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { operator } from '../src/app.ts'
import { act } from '../src/domains/stage/approvals.ts'
import { setSettings } from '../src/domains/stage/board.ts'
import { addCard, moveCard } from '../src/domains/stage/cards.ts'
import { openStageBoard, type StageBoard } from '../testing/stage-board.ts'

const PROGRAM = fileURLToPath(new URL('../testing/stage-killable.ts', import.meta.url))
const STAGES = ['inbox', 'discovery', 'prd', 'design']
const CARDS = 6
/** Of one more; each after another fifteen tasks. */
const KILLED = 3

let board: StageBoard
const children = new Set<ChildProcess>()
beforeAll(async () => {
  board = await openStageBoard()
})
afterAll(async () => {
  for (const child of children) child.kill('SIGKILL')
  await board?.close()
})

async function begin(): Promise<ChildProcess> {
  const child = fork(PROGRAM, [], { execArgv: [], serialization: 'advanced' })
  children.add(child)
  child.once('exit', () => children.delete(child))
  const working = new Promise((resolve) => child.once('message', resolve))
  child.send(board.db.worker)
  await working
  return child
}

test('workers that are killed at random cost time alone: every card goes its way once, and one still waits', async () => {
  for (const stage of STAGES) await board.recipe(stage, { level: 'fully_auto', steps: 2, gates: [{ id: 'g' }] })
  await board.recipe('prototype', { level: 'human_approval' })
  await setSettings(board.engine, operator, 1, { automationMode: 'auto_all', workerMaxConcurrency: 4 })
  await Promise.all(Array.from({ length: KILLED + 1 }, begin))
  const cards = await Promise.all(
    Array.from({ length: CARDS }, async () => (await addCard(board.engine, operator, 1, { title: 'A card' })).card),
  )
  const waiting = async () =>
    board.sql<{ id: number; active_run: number }>("select id, active_run from stage.cards where stage = 'prototype'")
  let killed = 0
  await until(
    async () => {
      const [done] = await board.sql<{ steps: number }>(
        'select count(*)::integer as steps from engine.outputs where n > 0',
      )
      const [child] = [...children].sort(() => Math.random() - 0.5)
      if (killed < KILLED && (done?.steps ?? 0) > (killed + 1) * 15 && child?.kill('SIGKILL') === true) {
        killed += 1
        children.delete(child)
      }
      return waiting()
    },
    (seen) => seen.length === CARDS && seen.every(({ active_run: run }) => run !== null),
    60,
  )
  expect(killed).toBe(KILLED)
  const ways = await board.sql<{ card_id: number; way: string; runs: number }>(
    `select t.card_id, string_agg(t.to_stage, ' ' order by t.id) as way, count(distinct t.run_id)::integer as runs
       from stage.stage_transition_events t group by t.card_id order by t.card_id`,
  )
  expect(ways).toEqual(
    cards
      .toSorted((a, b) => a - b)
      .map((id) => ({ card_id: id, way: 'inbox discovery prd design prototype', runs: 5 })),
  )
  // One run a card and stage, each ended once, each step's output kept once.
  const runs = await board.sql<{ state: string; amount: number; least: number; most: number }>(
    `select r.state::text, count(*)::integer as amount, min(r.succeeded) as least, max(r.succeeded) as most
       from engine.runs r where r.kind = 'stage' group by r.state order by 1`,
  )
  expect(runs).toEqual([
    { state: 'queued', amount: CARDS, least: 0, most: 0 },
    { state: 'succeeded', amount: CARDS * STAGES.length, least: 4, most: 4 },
  ])
  // Nobody has begun what awaits a person, and his word is all that it needs.
  expect(
    await board.sql(
      'select 1 from engine.tasks t join engine.runs r on r.id = t.run_id where r.held is not null and t.attempt > 0',
    ),
  ).toEqual([])
  for (const { active_run: run } of await waiting()) await act(board.engine, operator, run, 'approve')
  await until(
    () => board.sql("select 1 from engine.runs where kind = 'stage' and finished_at is null"),
    (open) => open.length === 0,
    60,
  )
}, 120_000)

test('people and ends of runs that move the same cards at once never wait for each other in a circle', async () => {
  await board.db.sql('delete from public.recipes')
  for (const stage of STAGES) await board.recipe(stage, { level: 'fully_auto', steps: 1 })
  await setSettings(board.engine, operator, 1, { workerMaxConcurrency: 20 })
  await Promise.all([board.work(), board.work(), board.work()])
  const cards = await Promise.all(
    Array.from({ length: 5 }, async () => (await addCard(board.engine, operator, 1, { title: 'B card' })).card),
  )
  const told = new Map<string, number>()
  const person = async () => {
    for (let i = 0; i < 60; i += 1) {
      const id = cards[Math.floor(Math.random() * cards.length)] ?? 0
      const to = STAGES[Math.floor(Math.random() * STAGES.length)] ?? 'inbox'
      const [seen] = await board.sql<{ version: number }>('select version from stage.cards where id = $1', [id])
      const moving = { to, version: seen?.version ?? 0, cancelActiveRun: i % 3 > 0 }
      const code = await moveCard(board.engine, operator, id, moving).then(
        () => 'moved',
        (error: { code?: string }) => error.code ?? 'unknown',
      )
      told.set(code, (told.get(code) ?? 0) + 1)
    }
  }
  const budgets = async () => {
    for (let i = 0; i < 30; i += 1) {
      await board.engine.budgets.set(operator, { workspace: 1 }, i % 2 === 0 ? { tokens: 1_000_000 } : {})
    }
  }
  await Promise.all([person(), person(), person(), budgets()])
  const [stat] = await board.db.sql('select deadlocks from pg_stat_database where datname = current_database()')
  expect({ deadlocks: stat?.['deadlocks'], told: [...told.keys()].filter((code) => code === '40P01') }).toEqual({
    deadlocks: 0,
    told: [],
  })
  const known = ['moved', 'CARD_CHANGED', 'RUN_UNDER_WAY', 'WRONG_STATE']
  expect([...told.keys()].filter((code) => !known.includes(code))).toEqual([])
  expect(told.get('moved') ?? 0).toBeGreaterThan(20)
  // What stands on a card and what the runs say is the same.
  await until(
    () => board.sql("select 1 from engine.runs where kind = 'stage' and finished_at is null"),
    (open) => open.length === 0,
    60,
  )
  const wrong = await board.sql(
    `select c.id from stage.cards c where c.active_run is not null
      union all select k.run_id from stage.card_runs k where k.ended_at is null
      union all select c.id from stage.cards c where c.stage <> (
        select t.to_stage from stage.stage_transition_events t where t.card_id = c.id order by t.id desc limit 1)`,
  )
  expect(wrong).toEqual([])
}, 120_000)
