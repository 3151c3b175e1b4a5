/** BullMQ on its PostgreSQL backend: a transaction a fetch and a completion; the answer is its return value. */
import { createPostgresBackend, withBackend } from 'bullmq'
import { answer, now, reached, stopwatch, wait, type Contender, type Drain, type Work } from '../contender.ts'
import { ask, settle, type Place } from '../server.ts'

const QUEUE = 'answers'
const BELL = 'latency'
const { Queue, Worker } = withBackend(createPostgresBackend)

interface Data {
  n: number
}

const connectionOf = (place: Place) => ({ ...place.owner, max: 20 })

export const bull: Contender = {
  async prepare(place) {
    const queue = new Queue<Data>(QUEUE, { connection: { ...connectionOf(place), migrate: true } })
    await queue.waitUntilReady()
    await queue.close()
  },
  async fill(place, { tasks }) {
    const [tables] = await ask<{ names: string }>(
      place.owner,
      `select string_agg(format('%I.%I', schemaname, tablename), ', ') as names from pg_tables
        where schemaname not in ('pg_catalog', 'information_schema') and tablename !~ 'migration|version|meta'`,
    )
    await ask(place.owner, `truncate ${tables?.names}`)
    const queue = new Queue<Data>(QUEUE, { connection: connectionOf(place) })
    for (let at = 0; at < tasks; at += 1_000) {
      const count = Math.min(1_000, tasks - at)
      await queue.addBulk(Array.from({ length: count }, (_, n) => ({ name: 'answer', data: { n: at + n } })))
    }
    await queue.close()
    await settle(place)
  },
  async check(place, tasks) {
    const queue = new Queue<Data>(QUEUE, { connection: connectionOf(place) })
    const kept = await queue.getCompletedCount()
    await queue.close()
    if (kept !== tasks) throw new Error(`BullMQ kept ${kept} of ${tasks}`)
  },
  drains: { singly: drain, paced: drain },
  async listen(place, say) {
    const worker = new Worker<Data>(BELL, async (job) => say({ n: job.data.n, at: now() }), {
      connection: connectionOf(place),
      concurrency: 10,
    })
    worker.on('error', (error) => console.error(error))
    await worker.waitUntilReady()
    return { close: () => worker.close(true) }
  },
  async openStarter(place) {
    const queue = new Queue<Data>(BELL, { connection: connectionOf(place) })
    await queue.waitUntilReady()
    return {
      async start(n) {
        const called = now()
        await queue.add('latency', { n })
        return { called, committed: now() }
      },
      close: () => queue.close(),
    }
  },
}

async function drain(place: Place, work: Work): Promise<Drain> {
  const watch = stopwatch(work.tasks)
  let done = 0
  const worker = new Worker<Data>(
    QUEUE,
    async (job) => {
      watch.task()
      if (work.call > 0) await wait(work.call)
      return answer(job.data.n)
    },
    { connection: connectionOf(place), concurrency: work.flight, autorun: false },
  )
  worker.on('error', (error) => console.error(error))
  worker.on('completed', () => (done += 1))
  await worker.waitUntilReady()
  return {
    async go() {
      const start = now()
      void worker.run()
      await reached(() => done >= work.tasks)
      return watch.from(start)
    },
    close: () => worker.close(true),
  }
}
