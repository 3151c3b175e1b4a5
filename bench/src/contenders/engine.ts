/** Ours: the real worker in a process of its own, and the naive way to call its verbs. */
import { createRequire } from 'node:module'
import pg from 'pg'
import { z } from 'zod'
import { workerSettings } from '../../../engine/src/database.ts'
import { defineRun, defineTask, engineRoom, migrate, openEngine, startWorker } from '../../../engine/src/index.ts'
import { answer, now, reached, stopwatch, wait, type Contender, type Heard, type Work } from '../contender.ts'
import { ask, settle, type Place } from '../server.ts'

export const WHO = { sub: 'bench', workspaces: { 1: 'admin' as const } }
/** `tasks`: of the run, one if nothing is said; `text`: what makes an input as long as it is. */
const Input = z.object({
  n: z.number(),
  hold: z.boolean().optional(),
  tasks: z.number().optional(),
  text: z.string().optional(),
})
const Output = z.object({ text: z.string() })
type Asked = z.infer<typeof Input>

export function kindThat(perform: (n: Asked, attempt: number, signal: AbortSignal) => Promise<z.infer<typeof Output>>) {
  const task = defineTask({
    name: 'bench.answer',
    input: Input,
    output: Output,
    perform: (hand) => perform(hand.input, hand.attempt, hand.signal),
  })
  return defineRun({
    name: 'bench',
    input: Input,
    tasks: [task],
    *plan({ tasks, ...input }) {
      if (tasks === undefined) yield { kind: 'bench.answer', input }
      else for (let n = 1; n <= tasks; n += 1) yield { kind: 'bench.answer', input: { ...input, n } }
    },
  })
}

const START = `engine.start(1, 'bench', '{}', $1, false, 5::smallint, null, null, null, null)`

export const engine: Contender = {
  async prepare(place, server) {
    await migrate(place.owner, [engineRoom], (login) => server.secret(login))
  },
  async fill(place, { tasks, shape }) {
    const [tables] = await ask<{ names: string }>(
      place.owner,
      `select string_agg(format('engine.%I', tablename), ', ') as names from pg_tables
        where schemaname = 'engine' and tablename not in ('workspaces', 'migrations')`,
    )
    await ask(place.owner, `truncate ${tables?.names}`)
    await pour(place, tasks, shape === 'one run' ? tasks : shape === 'a run each' ? 1 : shape)
    await settle(place)
  },
  async check(place, tasks) {
    const [row] = await ask<{ kept: string; open: string; gaps: string }>(
      place.owner,
      `select (select count(*) from engine.outputs) as kept,
              (select count(*) from engine.runs where state <> 'succeeded' or succeeded <> total) as open,
              (select count(*) from engine.runs r where r.last_event
                 <> (select count(*) from engine.events e where e.run_id = r.id)) as gaps`,
    )
    if (Number(row?.kept) !== tasks || Number(row?.open) !== 0 || Number(row?.gaps) !== 0) {
      throw new Error(`the engine kept ${row?.kept} of ${tasks}; ${row?.open} runs open, ${row?.gaps} with gaps`)
    }
  },
  drains: { worker: drainByWorker, loops: drainByLoops },
  async listen(place, say) {
    // The first attempt of a task that is to hang hangs; the next one answers.
    const kind = kindThat(async ({ n, hold }, attempt, signal) => {
      say({ n, at: now(), attempt } satisfies Heard)
      if (hold === true && attempt === 1) await new Promise((resolve) => signal.addEventListener('abort', resolve))
      return answer(n)
    })
    const worker = await startWorker({ settings: place.worker, kinds: [kind], report: complain() })
    return { close: () => worker.drain(1) }
  },
  async openStarter(place) {
    const opened = openEngine(place.api)
    const stamps = stampCommits()
    const kind = kindThat(async ({ n }) => answer(n))
    return {
      async start(n) {
        const called = now()
        await opened.start(WHO, kind, n < 0 ? { n, hold: true } : { n }, { workspace: 1 })
        return { called, committed: stamps.last }
      },
      close: () => opened.close(),
    }
  },
}

/** Starts runs of so many tasks each, in one transaction, and wakes nobody. */
export async function pour(place: Place, tasks: number, each: number): Promise<void> {
  const client = new pg.Client(place.api)
  await client.connect()
  const task = (n: number) => ({ kind: 'bench.answer', input: { n } })
  const tasksOf = (amount: number) => JSON.stringify(Array.from({ length: amount }, (_, n) => task(n)))
  const text = `select ${START} from generate_series(1, $2::integer)`
  await client.query("begin; select set_config('request.jwt.claims', '" + JSON.stringify(WHO) + "', false)")
  await client.query(text, [tasksOf(each), Math.floor(tasks / each)])
  if (tasks % each > 0) await client.query(text, [tasksOf(tasks % each), 1])
  await client.query('commit')
  await client.end()
}

/** The first error is shown; the same a thousand times says no more. */
export function complain(): (error: unknown) => void {
  let errors = 0
  return (error) => {
    errors += 1
    if (errors === 1) console.error(error)
  }
}

/** When was the commit known to the program?  The engine's own driver is asked. */
function stampCommits(): { readonly last: number } {
  const stamps = { last: 0 }
  const driver = createRequire(new URL('../../../engine/src/engine.ts', import.meta.url))('pg') as typeof pg
  const prototype = driver.Client.prototype as unknown as { query: (...given: unknown[]) => unknown }
  const query = prototype.query
  prototype.query = function stamped(this: unknown, ...given: unknown[]) {
    // The bell goes with the commit; what answers first is the commit.
    if (typeof given[0] === 'string' && given[0].startsWith('commit')) {
      const { connection } = this as { connection: NodeJS.EventEmitter }
      connection.once('commandComplete', () => (stamps.last = now()))
    }
    return query.apply(this, given)
  }
  return stamps
}

async function drainByWorker(place: Place, work: Work) {
  const watch = stopwatch(work.tasks)
  const kind = kindThat(async ({ n }) => {
    watch.task()
    if (work.call > 0) await wait(work.call)
    return answer(n)
  })
  let stop = async () => {}
  return {
    async go() {
      const worker = await startWorker({
        settings: place.worker,
        kinds: [kind],
        slots: work.flight,
        report: complain(),
      })
      // Its first claim has not left yet.
      const start = now()
      stop = () => worker.drain(1)
      await reached(() => worker.counts.closed >= work.tasks)
      return watch.from(start)
    },
    close: () => stop(),
  }
}

interface Turn {
  closed: unknown
  claimed: [run: number, task: number, attempt: number, ...unknown[]][] | null
}

/** What somebody writes who reads `turn` and nothing else: a connection and a worker's name for each loop. */
async function drainByLoops(place: Place, work: Work) {
  const watch = stopwatch(work.tasks)
  const settings = workerSettings(place.worker)
  const loops = await Promise.all(
    Array.from({ length: work.flight / work.batch }, async (_, n) => {
      const client = new pg.Client(settings)
      await client.connect()
      const { rows } = await client.query<{ id: number }>('select engine.register($1, $2, null, $3) as id', [
        `loop ${n}`,
        ['bench.answer'],
        work.batch,
      ])
      return { client, worker: rows[0]?.id }
    }),
  )
  let done = 0
  async function loop({ client, worker }: { client: pg.Client; worker: number | undefined }) {
    let ended: NonNullable<Turn['claimed']> = []
    while (done < work.tasks) {
      const free = done + ended.length < work.tasks ? work.batch : 0
      const { rows } = await client.query<Turn>({
        name: 'turn',
        text: 'select closed, claimed from engine.turn($1, $2, $3, $4, $5, $6, $7, $8)',
        values: [
          worker,
          free,
          ended.map(([run]) => run),
          ended.map(([, task]) => task),
          ended.map(([, , attempt]) => attempt),
          ended.map(() => 'succeeded'),
          ended.map(([run, task]) => JSON.stringify(answer(run + task))),
          ended.map(() => 0),
        ],
      })
      done += ended.length
      ended = rows[0]?.claimed ?? []
      if (ended.length > 0) watch.task(ended.length)
      else if (done < work.tasks) await wait(1)
    }
  }
  return {
    async go() {
      const start = now()
      await Promise.all(loops.map(loop))
      return watch.from(start)
    },
    async close() {
      await Promise.all(loops.map(({ client }) => client.end()))
    },
  }
}
