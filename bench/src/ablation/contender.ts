/** Each step of the ablation as a way to empty the engine's tables. */
import pg from 'pg'
import { workerSettings } from '../../../engine/src/database.ts'
import { answer, now, stopwatch, wait, type Contender, type Drain, type Work } from '../contender.ts'
import { engine } from '../contenders/engine.ts'
import { ask, type Place } from '../server.ts'
import { STEPS, type Step } from './steps.ts'

/** Done before the clock starts, so that a step's plans are there: some take as long to make as ten tasks. */
const WARM = 200

export const ablation: Contender = {
  async prepare(place, server) {
    await engine.prepare(place, server)
    for (const { prepare } of STEPS) if (prepare !== undefined) await ask(place.owner, prepare)
  },
  fill: (place, { tasks, shape }) => engine.fill(place, { tasks: tasks + WARM, shape }),
  async check(place, tasks) {
    const [row] = await ask<{ kept: string; open: string; gaps: string }>(
      place.owner,
      `select (select count(*) from engine.outputs) as kept,
              (select count(*) from engine.tasks where state <> 'succeeded') as open,
              (select sum(r.last_event) from engine.runs r) - (select count(*) from engine.events) as gaps`,
    )
    if (Number(row?.kept) !== tasks + WARM || Number(row?.open) !== 0 || Number(row?.gaps) !== 0) {
      throw new Error(`kept ${row?.kept} of ${tasks + WARM}; ${row?.open} tasks open, ${row?.gaps} events missing`)
    }
  },
  drains: Object.fromEntries(
    STEPS.map((step) => [step.name, (place: Place, work: Work) => drainBy(place, work, step)]),
  ),
}

interface Taken {
  readonly run: number
  readonly n: number
  readonly attempt: number
}

interface Row {
  readonly run_id: number
  readonly n: number
  readonly attempt: number
  /** Of a turn. */
  readonly claimed?: readonly [run: number, n: number, attempt: number, ...rest: unknown[]][] | null
}

async function drainBy(place: Place, work: Work, step: Step): Promise<Drain> {
  const watch = stopwatch(work.tasks)
  const settings = workerSettings(place[step.login])
  const loops = await Promise.all(
    Array.from({ length: work.flight / work.batch }, async (_, n) => {
      const client = new pg.Client(settings)
      await client.connect()
      const { rows } = await client.query<{ id: number }>(
        `select engine.register($1, array['bench.answer'], null, $2) as id`,
        [`loop ${n}`, work.batch],
      )
      const taken: readonly Taken[] = []
      return { client, worker: rows[0]?.id, taken }
    }),
  )
  let begun = 0
  let done = 0
  async function loop(hand: (typeof loops)[number], limit: number) {
    const { client, worker } = hand
    const identities = (taken: readonly Taken[]) => [
      taken.map(({ run }) => run),
      taken.map(({ n }) => n),
      taken.map(({ attempt }) => attempt),
      taken.map(({ run, n }) => JSON.stringify(answer(run + n))),
    ]
    while (done < limit) {
      const ended = step.close === undefined ? hand.taken : []
      const free = Math.min(work.batch, limit - begun)
      if (free === 0 && ended.length === 0) {
        // The last ones are in other hands.
        await wait(1)
        continue
      }
      begun += free
      const values = step.close === undefined ? [worker, free, ...identities(ended)] : [worker, free]
      const { rows } = await client.query<Row>({ name: 'claim', text: step.claim, values })
      const taken = step.close === undefined ? fromTurn(rows) : rows.map((row) => ({ ...row, run: row.run_id }))
      hand.taken = taken
      begun -= free - taken.length
      done += ended.length
      if (taken.length > 0) watch.task(taken.length)
      else if (done < limit) await wait(1)
      if (step.close === undefined || taken.length === 0) continue
      await client.query({ name: 'close', text: step.close, values: identities(taken) })
      done += taken.length
    }
  }
  const all = (limit: number) => Promise.all(loops.map((hand) => loop(hand, limit)))
  await all(WARM)
  return {
    async go() {
      const start = now()
      await all(work.tasks + WARM)
      return watch.from(start)
    },
    async close() {
      await Promise.all(loops.map(({ client }) => client.end()))
    },
  }
}

function fromTurn([row]: readonly Row[]): Taken[] {
  return (row?.claimed ?? []).map(([run, n, attempt]) => ({ run, n, attempt }))
}
