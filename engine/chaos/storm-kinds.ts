/** What the storm's workers perform: tasks that take a moment, fail, buy, and keep a row each. */
import { appendFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { z } from 'zod'
import { defineRun, defineTask, TaskFailed, type Failure, type Room, type TaskSpec, type Tx } from '../src/index.ts'

export const stormRoom: Room = {
  name: 'storm',
  migrations: new URL('./storm-room/migrations/', import.meta.url),
  texts: [new URL('./storm-room/storm.sql', import.meta.url)],
}

const work = z.object({
  ms: z.number(),
  ends: z.enum(['well', 'badly', 'second', 'poison']),
  buys: z.boolean(),
})
export type Work = z.infer<typeof work>

/** One line a thing done outside of PostgreSQL, in a file that outlives every process. */
export interface Effect {
  /** An attempt began; it asked the outside; the answer reached it. */
  readonly what: 'begin' | 'buy' | 'got'
  readonly run: number
  readonly task: number
  readonly attempt: number
  /** Milliseconds on the clock that all processes of a machine share and nobody can set. */
  readonly at: number
  /** The worker's name. */
  readonly by: string
  /** What was bought, the same nowhere else. */
  readonly token: string
}

export const monotonic = () => Number(process.hrtime.bigint()) / 1e6

const failure = (code: string, retryable: boolean): Failure => ({
  code,
  message: 'It was to fail.',
  retryable,
  origin: 'task',
})

export function stormKinds(effects: string, hooks: { by: string; inSave: (tx: Tx) => void } = NO_HOOKS) {
  const task = defineTask({
    name: 'storm.work',
    input: work,
    output: z.object({ word: z.string(), paid: z.string().nullable() }),
    retry: (failure, tries) =>
      failure.retryable && tries < 3 ? { outcome: 'again', delay: 0.05 } : { outcome: 'failed' },
    async perform(hand) {
      const { ms, ends, buys } = hand.input
      const { run, task, attempt } = hand
      const done = (what: Effect['what'], token = '') => {
        const effect: Effect = { what, run, task, attempt, at: monotonic(), by: hooks.by, token }
        appendFileSync(effects, `${JSON.stringify(effect)}\n`)
      }
      done('begin')
      hand.log('begun', { attempt })
      let paid: string | null = null
      if (buys) {
        const token = `${run}/${task}/${attempt} by ${hooks.by}`
        const bought = await hand.remember('purchase', { of: task }, async () => {
          done('buy', token)
          await pause(ms / 2)
          done('got', token)
          return { token }
        })
        paid = bought.token
      }
      await pause(ms, undefined, { signal: hand.signal })
      hand.progress({ ms })
      if (ends === 'badly') throw new TaskFailed(failure('BAD', false))
      if (ends === 'second' && attempt === 1) throw new TaskFailed(failure('TWICE', true))
      return { word: ends === 'poison' ? 'poison' : 'fine', paid }
    },
    async save(tx, finished) {
      await tx.query(
        `insert into storm.rows (run_id, task, workspace_id, attempt, word)
           select * from unnest($1::bigint[], $2::integer[], $3::bigint[], $4::integer[], $5::text[])`,
        [
          finished.map((one) => one.run),
          finished.map((one) => one.task),
          finished.map((one) => one.workspace),
          finished.map((one) => one.attempt),
          finished.map((one) => one.output.word),
        ],
      )
      hooks.inSave(tx)
      // Room for a fault between the domain's row and the close.
      await tx.query('select pg_sleep(0.003)')
    },
  })
  const tasks = z.object({ tasks: z.array(work), rounds: z.number() })
  const plan = (input: z.infer<typeof tasks>): TaskSpec[] =>
    input.tasks.map((one, index) => ({
      kind: task.name,
      input: one,
      key: index % 3 === 0 ? 'a' : 'b',
      ...(index % 11 === 10 ? { delay: 0.1 } : {}),
    }))
  const flat = defineRun({ name: 'storm.flat', input: tasks, tasks: [task], plan })
  const rounds = defineRun({
    name: 'storm.rounds',
    input: tasks,
    tasks: [task],
    plan,
    async next(soFar) {
      const { tasks, rounds } = soFar.input
      const asked = soFar.total / tasks.length
      if (asked < rounds) return { do: plan(soFar.input) }
      return { succeed: soFar.succeeded + soFar.failed }
    },
  })
  return { flat, rounds }
}

const NO_HOOKS = { by: '', inSave() {} }
