/** pg-boss: `work` polls at least every half second, so its best is an own loop over `fetch` and `complete`. */
import { PgBoss } from 'pg-boss'
import { answer, now, reached, stopwatch, wait, type Contender, type Drain, type Work } from '../contender.ts'
import { ask, settle, type Place } from '../server.ts'
import { flusher, keep, openPool, RESULTS, RESULTS_RESET } from './results.ts'

const QUEUE = 'answers'
const BELL = 'latency'

interface Data {
  n: number
}

function open(place: Place, max = 10, useListenNotify = false): PgBoss {
  const boss = new PgBoss({ ...place.owner, max, supervise: false, schedule: false, useListenNotify })
  boss.on('error', (error) => console.error(error))
  return boss
}

export const boss: Contender = {
  async prepare(place) {
    const opened = await open(place).start()
    await opened.createQueue(QUEUE)
    await opened.createQueue(BELL, { notify: true })
    await opened.stop({ graceful: false })
    await ask(place.owner, RESULTS)
  },
  async fill(place, { tasks }) {
    await ask(place.owner, `truncate pgboss.job; ${RESULTS_RESET}`)
    const opened = await open(place).start()
    for (let at = 0; at < tasks; at += 1_000) {
      const count = Math.min(1_000, tasks - at)
      await opened.insert(
        QUEUE,
        Array.from({ length: count }, (_, n) => ({ data: { n: at + n } })),
      )
    }
    await opened.stop({ graceful: false })
    await settle(place)
  },
  async check(place, tasks) {
    const [row] = await ask<{ kept: string }>(
      place.owner,
      `select count(*) as kept from pgboss.job j where j.state = 'completed'
          and (j.output is not null or exists (select from results r where r.n = (j.data ->> 'n')::integer))`,
    )
    if (Number(row?.kept) !== tasks) throw new Error(`pg-boss kept ${row?.kept} of ${tasks}`)
  },
  drains: { singly, batched, paced },
  async listen(place, say) {
    const opened = await open(place, 10, true).start()
    await opened.work<Data>(BELL, { pollingIntervalSeconds: 0.5, batchSize: 1 }, async ([job]) => {
      if (job !== undefined) say({ n: job.data.n, at: now() })
    })
    return { close: () => opened.stop({ graceful: false }) }
  },
  async openStarter(place) {
    const opened = await open(place, 10, true).start()
    return {
      async start(n) {
        const called = now()
        await opened.send(BELL, { n })
        return { called, committed: now() }
      },
      close: () => opened.stop({ graceful: false }),
    }
  },
}

/** A task a round trip; its answer is the job's own output. */
async function singly(place: Place, work: Work): Promise<Drain> {
  const watch = stopwatch(work.tasks)
  const opened = await open(place, work.flight).start()
  async function loop() {
    for (;;) {
      const [job] = await opened.fetch<Data>(QUEUE)
      if (job === undefined) return
      watch.task()
      await opened.complete(QUEUE, job.id, answer(job.data.n))
    }
  }
  return {
    async go() {
      const start = now()
      await Promise.all(Array.from({ length: work.flight }, loop))
      return watch.from(start)
    },
    close: () => opened.stop({ graceful: false }),
  }
}

/** Many a round trip; answers and completions in one transaction. */
async function batched(place: Place, work: Work): Promise<Drain> {
  const watch = stopwatch(work.tasks)
  const loops = work.flight / work.batch
  const opened = await open(place, loops).start()
  const pool = openPool(place.owner, loops)
  async function loop() {
    for (;;) {
      const jobs = await opened.fetch<Data>(QUEUE, { batchSize: work.batch })
      if (jobs.length === 0) return
      watch.task(jobs.length)
      await complete(opened, pool, jobs)
    }
  }
  return {
    async go() {
      const start = now()
      await Promise.all(Array.from({ length: loops }, loop))
      return watch.from(start)
    },
    async close() {
      await opened.stop({ graceful: false })
      await pool.end()
    },
  }
}

/** By hand: fetches what is free, completes in small batches with the answers and the run's counter. */
async function paced(place: Place, work: Work): Promise<Drain> {
  const watch = stopwatch(work.tasks)
  const opened = await open(place, 4).start()
  const pool = openPool(place.owner, 2)
  let done = 0
  let under = 0
  const completing = flusher<{ id: string; data: Data }>(async (jobs) => {
    await complete(opened, pool, jobs)
    done += jobs.length
  })
  async function perform(job: { id: string; data: Data }) {
    watch.task()
    await wait(work.call)
    under -= 1
    await completing.add(job)
  }
  return {
    async go() {
      const start = now()
      while (done < work.tasks) {
        await reached(() => work.flight - under >= Math.min(5, work.flight) || done >= work.tasks)
        if (done >= work.tasks) break
        const jobs = await opened.fetch<Data>(QUEUE, { batchSize: work.flight - under })
        under += jobs.length
        for (const job of jobs) perform(job).catch((error: unknown) => console.error(error))
        if (jobs.length === 0) await wait(5)
      }
      return watch.from(start)
    },
    async close() {
      await opened.stop({ graceful: false })
      await pool.end()
    },
  }
}

async function complete(
  opened: PgBoss,
  pool: ReturnType<typeof openPool>,
  jobs: readonly { id: string; data: Data }[],
) {
  const ids = jobs.map((job) => job.id)
  await keep(
    pool,
    jobs.map((job) => ({ n: job.data.n, body: answer(job.data.n) })),
    (client) =>
      opened.complete(QUEUE, ids, null, {
        db: { executeSql: (text, values) => client.query(text, values as unknown[]) },
      }),
  )
}
