/** Each step of the ablation as a way to empty the engine's tables. */
import pg from 'pg'
import { workerSettings } from '../../../engine/src/database.ts'
import { answer, now, stopwatch, wait, type Contender, type Drain, type Work } from '../contender.ts'
import { engine } from '../contenders/engine.ts'
import { ask, type Place } from '../server.ts'
import { STEPS, type Step } from './steps.ts'

export const ablation: Contender = {
  async prepare(place, server) {
    await engine.prepare(place, server)
    for (const { prepare } of STEPS) if (prepare !== undefined) await ask(place.owner, prepare)
  },
  fill: (place, fill) => engine.fill(place, fill),
  async check(place, tasks) {
    const [row] = await ask<{ kept: string; open: string; gaps: string }>(
      place.owner,
      `select (select count(*) from engine.outputs) as kept,
              (select count(*) from engine.tasks where state <> 'succeeded') as open,
              (select sum(r.last_event) from engine.runs r) - (select count(*) from engine.events) as gaps`,
    )
    if (Number(row?.kept) !== tasks || Number(row?.open) !== 0 || Number(row?.gaps) !== 0) {
      throw new Error(`kept ${row?.kept} of ${tasks}; ${row?.open} tasks open, ${row?.gaps} events missing`)
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
      return { client, worker: rows[0]?.id }
    }),
  )
  let done = 0
  async function loop({ client, worker }: (typeof loops)[number]) {
    const identities = (taken: readonly Taken[]) => [
      taken.map(({ run }) => run),
      taken.map(({ n }) => n),
      taken.map(({ attempt }) => attempt),
      taken.map(({ run, n }) => JSON.stringify(answer(run + n))),
    ]
    let taken: readonly Taken[] = []
    while (done < work.tasks) {
      const ended = step.close === undefined ? taken : []
      const free = done + ended.length < work.tasks ? work.batch : 0
      const values = step.close === undefined ? [worker, free, ...identities(ended)] : [worker, free]
      const { rows } = await client.query<Row>({ name: 'claim', text: step.claim, values })
      taken = step.close === undefined ? fromTurn(rows) : rows.map((row) => ({ ...row, run: row.run_id }))
      done += ended.length
      if (taken.length > 0) watch.task(taken.length)
      else if (done < work.tasks) await wait(1)
      if (step.close === undefined || taken.length === 0) continue
      await client.query({ name: 'close', text: step.close, values: identities(taken) })
      done += taken.length
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

function fromTurn([row]: readonly Row[]): Taken[] {
  return (row?.claimed ?? []).map(([run, n, attempt]) => ({ run, n, attempt }))
}
