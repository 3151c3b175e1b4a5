/** Graphile Worker: quick, and keeps nothing; a job is deleted when it is done. */
import { Logger, run, runMigrations, WorkerPreset, type Runner } from 'graphile-worker'
import pg from 'pg'
import { answer, now, reached, stopwatch, wait, type Contender, type Drain, type Work } from '../contender.ts'
import { ask, settle, type Place } from '../server.ts'
import { flusher, keep, openPool, RESULTS, RESULTS_RESET, type Result } from './results.ts'

const quiet = new Logger(() => () => {})
const JOBS = `select 1 from graphile_worker.add_jobs(array(
  select json_populate_record(null::graphile_worker.job_spec, json_build_object(
    'identifier', $1::text, 'payload', json_build_object('n', n))) from generate_series(1, $2::integer) n))`

interface Data {
  n: number
}

export const graphile: Contender = {
  async prepare(place) {
    const pgPool = openPool(place.owner, 2)
    await runMigrations({ pgPool, logger: quiet })
    await pgPool.end()
    await ask(place.owner, RESULTS)
  },
  async fill(place, { tasks }) {
    await ask(place.owner, `truncate graphile_worker._private_jobs; ${RESULTS_RESET}`)
    await ask(place.owner, JOBS, ['answer', tasks])
    await settle(place)
  },
  async check(place) {
    const [row] = await ask<{ left: string }>(place.owner, 'select count(*) as left from graphile_worker._private_jobs')
    if (Number(row?.left) !== 0) throw new Error(`Graphile Worker left ${row?.left}`)
  },
  drains: {
    /** One job a transaction; no result. */
    singly: (place, work) => drain(place, work, {}, false),
    /** Local queue and batched completion; no result. */
    batched: (place, work) => drain(place, work, BATCHING, false),
    /** The same, each answer kept by hand before the job is completed: two transactions. */
    paced: (place, work) => drain(place, work, BATCHING, true),
  },
  async listen(place, say) {
    const pgPool = openPool(place.owner, 12)
    const runner = await run({
      pgPool,
      logger: quiet,
      concurrency: 10,
      noHandleSignals: true,
      taskList: { latency: async (payload) => say({ n: (payload as Data).n, at: now() }) },
    })
    return { close: () => stop(runner, pgPool) }
  },
  async openStarter(place) {
    const pool = openPool(place.owner, 1)
    return {
      async start(n) {
        const called = now()
        await pool.query(`select 1 from graphile_worker.add_job('latency', json_build_object('n', $1::integer))`, [n])
        return { called, committed: now() }
      },
      close: () => pool.end(),
    }
  },
}

const BATCHING: GraphileConfig.WorkerOptions = {
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
}

async function drain(place: Place, work: Work, options: GraphileConfig.WorkerOptions, keeps: boolean): Promise<Drain> {
  const watch = stopwatch(work.tasks)
  const pgPool = openPool(place.owner, Math.min(work.flight + 2, 50))
  const keeping = flusher<Result>((results) => keep(pgPool, results))
  let performed = 0
  let runner: Runner | undefined
  return {
    async go() {
      const start = now()
      runner = await run({
        pgPool,
        logger: quiet,
        noHandleSignals: true,
        concurrency: work.flight,
        preset: { extends: [WorkerPreset], worker: { ...options, concurrentJobs: work.flight } },
        taskList: {
          async answer(payload) {
            watch.task()
            const { n } = payload as Data
            if (work.call > 0) await wait(work.call)
            if (keeps) await keeping.add({ n, body: answer(n) })
            performed += 1
          },
        },
      })
      await reached(() => performed >= work.tasks)
      await emptied(place)
      return watch.from(start)
    },
    async close() {
      if (runner !== undefined) await stop(runner, pgPool)
    },
  }
}

async function emptied(place: Place): Promise<void> {
  const client = new pg.Client(place.owner)
  await client.connect()
  while ((await client.query('select 1 from graphile_worker._private_jobs limit 1')).rowCount !== 0) await wait(2)
  await client.end()
}

async function stop(runner: Runner, pool: pg.Pool): Promise<void> {
  await runner.stop()
  await pool.end()
}
