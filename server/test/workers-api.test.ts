/** Who performs, as the API tells it, and what a person may do where nobody does. */
import pg from 'pg'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { definition } from '../testing/bench.ts'
import { definitionText } from '../testing/probe.ts'
import { openHttpStage, type HttpStage } from './http-stage.ts'

let stage: HttpStage
beforeAll(async () => {
  stage = await openHttpStage()
  stage.person('member', 'member')
  stage.person('local admin', 'admin')
})
afterAll(() => stage.close())

const tend = (action: string, as = 'admin', more: object = {}) =>
  stage.ask('/api/workers', { as, body: { action, ...more } })

async function start(): Promise<number> {
  const { body } = await stage.ask('/api/runs', {
    body: { definition: definition(definitionText(2)), models: ['fake:a'] },
  })
  return body.run.id
}

/** A worker that claims so many tasks, and whose process then dies. */
async function dyingWorker(tasks: number): Promise<number> {
  const client = new pg.Client(stage.db.worker)
  await client.connect()
  const { rows } = await client.query<{ id: number }>(
    "select engine.register('dying', array['probe.ask.fake'], null, 5) as id",
  )
  await client.query('select * from engine.claim($1, $2)', [rows[0]?.id, tasks])
  await client.end()
  return rows[0]?.id ?? 0
}

test('without a worker a run is created and waits; what a dead one held is taken back by hand, and all starts with the next worker', async () => {
  const run = await start()
  expect((await stage.ask('/api/workers')).body).toMatchObject({
    workers: [],
    health: { workersActive: 0, queuedRuns: 1, queueLength: 2, failureRate: null },
  })
  expect((await tend('health_check')).body).toEqual({
    action: 'health_check',
    healthy: false,
    workersActive: 0,
    queuedRunsWaiting: 1,
    message: 'No worker is available, 1 run waits. `millrace worker` starts one.',
  })

  const dead = await dyingWorker(1)
  const seen = await stage.ask('/api/workers?workspaceId=1')
  expect(seen.body.workers).toMatchObject([{ id: dead, running: 1, activeRuns: [run] }])
  const refused = await tend('rescue', 'member')
  expect(refused.status).toBe(403)
  // A server that has just started gives nobody up.
  const rescued = await until(
    () => tend('rescue', 'local admin'),
    ({ body }) => body.gone === 1,
    20,
  )
  expect(rescued.body).toEqual({
    action: 'rescue',
    gone: 1,
    rescued: 1,
    message: '1 worker was given up, 1 task taken back.',
  })
  expect((await tend('rescue')).body).toMatchObject({ gone: 0, rescued: 0 })

  const worker = await stage.work(5)
  await stage.ended(run)
  expect((await tend('health_check')).body).toMatchObject({ healthy: true, workersActive: 1, queuedRunsWaiting: 0 })
  await worker.drain()
  const { body } = await stage.ask('/api/workers')
  expect(body.workers.find((one: { id: number }) => one.id === worker.id)).toMatchObject({
    state: 'gone',
    goneWhy: 'left',
    processed: worker.counts.closed,
    failed: 0,
  })
  expect(worker.counts.closed).toBeGreaterThan(1)
  expect(body.health.failureRate).toBe(0)
})

test('who is gone is forgotten after two minutes, by an operator or an admin alone', async () => {
  const [before] = await stage.db.sql<{ amount: number }>('select count(*)::int as amount from engine.workers')
  expect((await tend('cleanup')).body).toMatchObject({ cleanedUp: 0 })
  await stage.db.sql(`update engine.workers set gone_at = gone_at - interval '3 minutes'`)
  expect((await tend('cleanup', 'member')).status).toBe(403)
  expect((await tend('cleanup')).body).toMatchObject({ action: 'cleanup', cleanedUp: before?.amount })
  expect((await stage.ask('/api/workers')).body.workers).toEqual([])
})

test('asks for a workspace of one’s own, and for one of three actions', async () => {
  expect((await stage.ask('/api/workers?workspaceId=77')).body.code).toBe('INVALID_WORKSPACE')
  expect((await tend('dance')).status).toBe(400)
})
